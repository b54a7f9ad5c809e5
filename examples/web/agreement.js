/** The values of a request that must agree, and the marks that show which ones belong together. @module */

import { decodeJwt, sha256 } from './encoding.js'
import { thumbprintOf } from './keys.js'

/**
 * @typedef {'key' | 'token' | 'method' | 'url' | 'nonce' | 'state' | 'code' | 'pkce'} Mark
 * @typedef {{ name: string, value: string | undefined }} Side
 * @typedef {{ mark: Mark, left: Side, right: Side }} Agreement
 */

/** What each mark stands for. Values with one mark must agree. */
export const markLabels = {
  key: 'key',
  token: 'token',
  method: 'method',
  url: 'URL',
  nonce: 'nonce',
  state: 'state',
  code: 'code',
  pkce: 'PKCE'
}

/** The marks of header fields, claims and parameters by their names. */
export const markOf = {
  jwk: 'key',
  jkt: 'key',
  cnf: 'key',
  ath: 'token',
  authorization: 'token',
  access_token: 'token',
  htm: 'method',
  htu: 'url',
  nonce: 'nonce',
  'dpop-nonce': 'nonce',
  state: 'state',
  code: 'code',
  code_challenge: 'pkce',
  code_verifier: 'pkce'
}

/**
 * The agreements of a request with a proof (RFC 9449 §4.3).
 *
 * @param {{ method: string, url: string, proof: string, token?: string, nonce?: string }} request
 * @returns {Promise<Agreement[]>}
 */
export async function agreementsOf({ method, url, proof, token, nonce }) {
  const { header, claims } = decodeJwt(proof)
  const thumbprint = { name: 'thumbprint of jwk in the proof', value: await thumbprintOf(header.jwk) }
  return [
    ...(token
      ? [
          agreement('key', thumbprint, { name: 'cnf.jkt in the access token', value: decodeJwt(token).claims.cnf?.jkt }),
          agreement('token', side('ath in the proof', claims.ath), side('SHA-256 of the access token', await sha256(token)))
        ]
      : []),
    agreement('method', side('htm in the proof', claims.htm), side('method of the request', method)),
    agreement('url', side('htu in the proof', claims.htu), side('URL of the request', url)),
    ...(nonce || claims.nonce
      ? [agreement('nonce', side('nonce in the proof', claims.nonce), side('last DPoP-Nonce of the server', nonce))]
      : [])
  ]
}

/** @returns {Agreement} */
export function agreement(mark, left, right) {
  return { mark, left, right }
}

/** @returns {Side} */
export function side(name, value) {
  return { name, value }
}
