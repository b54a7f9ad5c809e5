/** A fetch that writes down what went over the wire. @module */

/**
 * @typedef {object} Exchange
 * @property {string} method
 * @property {URL} url
 * @property {Headers} headers
 * @property {URLSearchParams} form what a form post had
 * @property {{ status: number, headers: Headers, text: string }} response
 */

/** @param {AbortSignal} signal ends every request */
export function createWire(signal) {
  /** @type {Exchange[]} */
  const exchanges = []
  return {
    exchanges,
    /** @type {typeof globalThis.fetch} */
    async fetch(input, init = {}) {
      const response = await fetch(input, { ...init, signal: init.signal ? AbortSignal.any([signal, init.signal]) : signal })
      exchanges.push({
        method: init.method ?? 'GET',
        url: new URL(String(input)),
        headers: new Headers(init.headers),
        form: new URLSearchParams(init.body instanceof URLSearchParams || typeof init.body === 'string' ? init.body : ''),
        response: { status: response.status, headers: response.headers, text: await response.clone().text() }
      })
      return response
    }
  }
}
