/** The platform's cryptography on `node:crypto` (Node, Bun, Deno): synchronous, because a thread-pool round trip costs more than the signature. @module */

import { Buffer, isUtf8 } from 'node:buffer'
import { constants, createPublicKey, hash, type KeyObject, verify as verifySignature } from 'node:crypto'
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

/** The Node implementation of {@link Platform}. */
export const platform: Platform = {
  sha256: (text) => hash('sha256', text, 'base64url'),

  sha256First128: (text) => hash('sha256', text, 'buffer').toString('base64url', 0, 16),

  sha256OfBytes: (bytes) => hash('sha256', bytes, 'base64url'),

  importKey: (jwk) => createPublicKey({ key: { ...jwk }, format: 'jwk' }),

  verify(alg, key, signingInput, signature) {
    const { digest, ecdsaOctets, saltLength } = parameters[alg]
    const data = Buffer.from(signingInput, 'latin1')
    try {
      if (ecdsaOctets !== undefined) {
        // DER and a bare key: an options object as the key costs 12 to 35 µs more on some Node 24 releases.
        return signature.length === ecdsaOctets && verifySignature(digest, data, key as KeyObject, toDer(signature))
      }
      if (saltLength !== undefined) {
        const padding = constants.RSA_PKCS1_PSS_PADDING
        return verifySignature(digest, data, { key: key as KeyObject, padding, saltLength }, signature)
      }
      return verifySignature(digest, data, key as KeyObject, signature)
    } catch {
      return false
    }
  },

  decodeBase64url: decode,

  decodeBase64urlText(text) {
    const bytes = decode(text)
    return bytes !== undefined && isUtf8(bytes) ? bytes.toString('utf8') : undefined
  }
}

function decode(text: string): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64url')
  // Node skips what is not base64url and ignores the last bits; only a text that comes back the same was canonical.
  return bytes.toString('base64url') === text ? bytes : undefined
}
