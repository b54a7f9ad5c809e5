/** Sends one request, and keeps what was sent and received. @module */

/**
 * @typedef {object} Exchange
 * @property {{ method: string, url: string, headers: Record<string, string>, body?: string }} request
 * @property {{ status: number, headers: Record<string, string>, body: string }} response the header fields that CORS lets this page read
 */

/** @returns {Promise<Exchange>} */
export async function send(method, url, { headers = {}, body } = {}) {
  const response = await fetch(url, { method, headers, body, cache: 'no-store', credentials: 'omit', redirect: 'error' })
  return {
    request: { method, url, headers, ...(body !== undefined && { body }) },
    response: { status: response.status, headers: Object.fromEntries(response.headers), body: await response.text() }
  }
}

/** The `error` of a challenge (RFC 6750 §3), or of a response of the authorization server (RFC 6749 §5.2). */
export function errorOf({ response: { headers, body } }) {
  return challengeParam(headers, 'error') ?? parse(body)?.error
}

/** A parameter of the DPoP challenge. */
export function challengeParam(headers, name) {
  return new RegExp(`[ ,]${name}="([^"]*)"`).exec(headers['www-authenticate'] ?? '')?.[1]
}

/** The body as JSON; undefined if it is none. */
export function parse(body) {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}
