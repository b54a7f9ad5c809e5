/** Creates DPoP proofs (RFC 9449 §4.2) with WebCrypto. @module */

import { encodeJson, sha256, toBase64url } from './encoding.js'
import { toPublicJwk } from './keys.js'

/**
 * @param {CryptoKeyPair} keyPair
 * @param {object} request
 * @param {string} request.method
 * @param {string} request.url without query and fragment
 * @param {string} [request.token] the access token, if one is sent with the proof
 * @param {string} [request.nonce] the last one of that server, if it has sent one
 * @param {number} [request.iat] seconds since the epoch
 */
export async function createProof(keyPair, { method, url, token, nonce, iat = Math.floor(Date.now() / 1000) }) {
  const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: await toPublicJwk(keyPair) }
  const claims = {
    jti: crypto.randomUUID(),
    htm: method,
    htu: url,
    iat,
    ...(token && { ath: await sha256(token) }),
    ...(nonce && { nonce })
  }
  return await sign(keyPair, `${encodeJson(header)}.${encodeJson(claims)}`)
}

async function sign({ privateKey }, input) {
  const bytes = new TextEncoder().encode(input)
  return `${input}.${toBase64url(await crypto.subtle.sign({ name: 'ECDSA', hash: 'SHA-256' }, privateKey, bytes))}`
}
