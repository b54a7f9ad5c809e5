/** base64url (RFC 7515 §2), SHA-256, and JWTs that are decoded but not verified. @module */

const encoder = new TextEncoder()

/** @param {ArrayBuffer | Uint8Array} bytes */
export function toBase64url(bytes) {
  const binary = String.fromCharCode(...new Uint8Array(bytes))
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}

/** @param {unknown} value */
export function encodeJson(value) {
  return toBase64url(encoder.encode(JSON.stringify(value)))
}

/** The base64url-encoded SHA-256 of a text: `ath`, `jkt` and `code_challenge` are made so. */
export async function sha256(text) {
  return toBase64url(await crypto.subtle.digest('SHA-256', encoder.encode(text)))
}

/** 256 random bits for `state` and `code_verifier`. */
export function randomText() {
  return toBase64url(crypto.getRandomValues(new Uint8Array(32)))
}

/** @returns {{ header: Record<string, any>, claims: Record<string, any> }} */
export function decodeJwt(jwt) {
  const [header, claims] = jwt.split('.', 2).map(decodeJson)
  return { header, claims }
}

function decodeJson(segment) {
  const binary = atob(segment.replaceAll('-', '+').replaceAll('_', '/'))
  return JSON.parse(new TextDecoder().decode(Uint8Array.from(binary, (character) => character.charCodeAt(0))))
}
