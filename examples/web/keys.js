/** The DPoP key pair of this browser: its private key cannot be exported, and stays in IndexedDB. @module */

import { read, write } from './database.js'
import { sha256 } from './encoding.js'

const NAME = 'key-pair'

/** @returns {Promise<{ keyPair: CryptoKeyPair, isNew: boolean }>} */
export async function loadOrCreateKeyPair() {
  const stored = await read(NAME)
  if (stored) return { keyPair: stored, isNew: false }
  const keyPair = await createKeyPair()
  await write(NAME, keyPair)
  return { keyPair, isNew: true }
}

/** @returns {Promise<CryptoKeyPair>} for ES256; only the public key can be exported */
export async function createKeyPair() {
  return await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, false, ['sign', 'verify'])
}

/** The public key as the `jwk` of a proof has it. */
export async function toPublicJwk({ publicKey }) {
  const { kty, crv, x, y } = await crypto.subtle.exportKey('jwk', publicKey)
  return { kty, crv, x, y }
}

/** The thumbprint of an EC key: the SHA-256 of its required members in alphabetical order (RFC 7638 §3). */
export async function thumbprintOf({ crv, kty, x, y }) {
  return await sha256(JSON.stringify({ crv, kty, x, y }))
}

/** The error of an export of the private key. */
export async function tryToExport({ privateKey }) {
  try {
    await crypto.subtle.exportKey('jwk', privateKey)
    return 'the private key was exported'
  } catch (error) {
    return `${error.name}: ${error.message}`
  }
}
