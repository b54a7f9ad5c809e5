/**
 * The asymmetric signature algorithms that implementations have, each with a key. The code is that of the rejection, for those that this
 * package does not support (RFC 9449 §4.3 #5).
 */

import { createKey, createPaddedKey } from './keys.mjs'

const rsa = createKey('rsa', { modulusLength: 2048 })
const ed25519 = createKey('ed25519')

export const algorithms = new Map([
  accepted('ES256', createPaddedKey('P-256')),
  accepted('ES384', createPaddedKey('P-384')),
  accepted('ES512', createPaddedKey('P-521')),
  accepted('EdDSA', ed25519),
  accepted('Ed25519', ed25519),
  ...['PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'].map((alg) => accepted(alg, rsa)),
  rejected('ES256K', 'ES256K', createPaddedKey('secp256k1'), 'ERR_DPOP_PROOF_ALG'),
  rejected('EdDSA Ed448', 'EdDSA', createKey('ed448'), 'ERR_DPOP_PROOF_JWK')
])

/** The names of those that this package supports. */
export const acceptedAlgorithms = [...algorithms].filter(([, { code }]) => code === undefined).map(([name]) => name)

function accepted(alg, key) {
  return [alg, { alg, ...key }]
}

function rejected(name, alg, key, code) {
  return [name, { alg, ...key, code }]
}
