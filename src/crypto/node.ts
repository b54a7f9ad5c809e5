/** The platform's cryptography on `node:crypto` (Node, Bun, Deno): synchronous, because a thread-pool round trip costs more than the signature. @module */

import { Buffer, isUtf8 } from 'node:buffer'
import { constants, createHmac, createPublicKey, hash, type KeyObject, verify as verifySignature } from 'node:crypto'
import type { Platform, ProofAlgorithm } from './crypto.js'
import { toDer } from './ecdsa-signature.js'

/** Digest, and for ECDSA the octets of R and S together (RFC 7518 §3.4), for PSS the salt length (§3.5). */
const parameters: Record<ProofAlgorithm, { digest?: string; ecdsaOctets?: number; saltLength?: number }> = {
  ES256: { digest: 'sha256', ecdsaOctets: 64 },
  ES384: { digest: 'sha384', ecdsaOctets: 96 },
  ES512: { digest: 'sha512', ecdsaOctets: 132 },
  EdDSA: {},
  Ed25519: {},
  PS256: { digest: 'sha256', saltLength: 32 },
  PS384: { digest: 'sha384', saltLength: 48 },
  PS512: { digest: 'sha512', saltLength: 64 },
  RS256: { digest: 'sha256' },
  RS384: { digest: 'sha384' },
  RS512: { digest: 'sha512' }
}

/**
 * Room for the bytes of one text while a synchronous call looks at them: most of what a verification would otherwise leave
 * to the garbage collector. Longer texts than any proof's get a buffer of their own.
 */
const scratch = Buffer.allocUnsafeSlow(16_384)

/**
 * The Node implementation of {@link Platform}. Node's decoder skips what is not base64url, padding and the last bits; only a text
 * that comes back the same was canonical (RFC 7515 §2, RFC 4648 §3.5).
 */
export const platform: Platform = {
  sha256: (text) => hash('sha256', text, 'base64url'),

  sha256OfBytes: (bytes) => hash('sha256', bytes, 'base64url'),

  hmac: (secret, text) => createHmac('sha256', secret).update(text).digest('base64url'),

  importKey: (jwk) => createPublicKey({ key: { ...jwk }, format: 'jwk' }),

  verify(alg, key, signingInput, signature) {
    const parts = partsOf(alg, key as KeyObject, signature)
    try {
      return parts !== undefined && verifySignature(parts.digest, bytesOf(signingInput), parts.key, parts.signature)
    } catch {
      return false
    }
  },

  // Node copies what a job in the pool needs before it returns.
  verifyInPool(alg, key, signingInput, signature) {
    const parts = partsOf(alg, key as KeyObject, signature)
    if (parts === undefined) return Promise.resolve(false)
    return new Promise((resolve) => {
      verifySignature(parts.digest, bytesOf(signingInput), parts.key, parts.signature, (error, isVerified) => {
        resolve(!error && isVerified)
      })
    })
  },

  decodeBase64url(text) {
    const bytes = Buffer.from(text, 'base64url')
    return bytes.toString('base64url') === text ? bytes : undefined
  },

  decodeBase64urlText(text) {
    const room = text.length > scratch.length ? Buffer.allocUnsafe(text.length) : scratch
    const length = room.write(text, 'base64url')
    if (room.toString('base64url', 0, length) !== text) return undefined
    const decoded = room.toString('utf8', 0, length)
    // Only a text with a replacement character can come from bytes that are not UTF-8.
    return decoded.includes('\ufffd') && !isUtf8(room.subarray(0, length)) ? undefined : decoded
  }
}

/** What `crypto.verify` takes; undefined for a signature of a length that the algorithm does not have. */
function partsOf(alg: ProofAlgorithm, key: KeyObject, signature: Uint8Array) {
  const { digest, ecdsaOctets, saltLength } = parameters[alg]
  if (saltLength !== undefined) return { digest, key: { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature }
  if (ecdsaOctets === undefined) return { digest, key, signature }
  // DER and a bare key: an options object as the key costs 12 to 35 µs more on some Node 24 releases.
  return signature.length === ecdsaOctets ? { digest, key, signature: toDer(signature) } : undefined
}

/** The bytes of an ASCII text. They are good until the next call. */
function bytesOf(text: string): Uint8Array {
  if (text.length > scratch.length) return Buffer.from(text, 'latin1')
  // A plain array: one of Buffer's own class takes several times as long to make.
  return new Uint8Array(scratch.buffer, 0, scratch.write(text, 'latin1'))
}
