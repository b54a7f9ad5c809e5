/** Implements the cryptographic operations with `node:crypto` (Node, Bun, Deno), synchronously: a thread-pool round trip costs more than a signature. @module */

import { Buffer, isUtf8 } from 'node:buffer'
import { constants, createHmac, hash, type KeyObject, verify as verifySignature } from 'node:crypto'
import type { Platform, ProofAlgorithm } from './crypto.js'
import { toDer } from './ecdsa-signature.js'
import { keyTypes } from './key-types.js'
import { createKeyImport } from './node-keys.js'

interface Parameters {
  readonly digest?: string
  /** The octets of a signature: of R and S together (RFC 7518 §3.4), or of ML-DSA (RFC 9964 §5). */
  readonly octets?: number
  readonly isEcdsa?: true
  /** For PSS (RFC 7518 §3.5). */
  readonly saltLength?: number
}

const parameters: Readonly<Record<ProofAlgorithm, Parameters>> = {
  ES256: { digest: 'sha256', octets: 64, isEcdsa: true },
  ES384: { digest: 'sha384', octets: 96, isEcdsa: true },
  ES512: { digest: 'sha512', octets: 132, isEcdsa: true },
  EdDSA: {},
  Ed25519: {},
  PS256: { digest: 'sha256', saltLength: 32 },
  PS384: { digest: 'sha384', saltLength: 48 },
  PS512: { digest: 'sha512', saltLength: 64 },
  RS256: { digest: 'sha256' },
  RS384: { digest: 'sha384' },
  RS512: { digest: 'sha512' },
  'ML-DSA-44': { octets: 2420 },
  'ML-DSA-65': { octets: 3309 },
  'ML-DSA-87': { octets: 4627 }
}

const importKey = createKeyImport(process.versions.node)

/**
 * Reused buffer for the bytes of one string during a synchronous call. It avoids most of the garbage of a verification. Longer
 * strings are decoded into a new buffer.
 */
const scratch = Buffer.allocUnsafeSlow(16_384)

/**
 * The Node implementation of {@link Platform}. Node's decoder ignores invalid characters, padding and trailing bits, so the result
 * is encoded again and compared with the input (RFC 7515 §2, RFC 4648 §3.5).
 */
export const platform: Platform = {
  sha256: (value) => hash('sha256', value, 'base64url'),

  sha256OfBytes: (bytes) => hash('sha256', bytes, 'base64url'),

  hmac: (secret, value) => createHmac('sha256', secret).update(value).digest('base64url'),

  supports(alg) {
    // It depends on OpenSSL, not only on the version of Node.js. Any octets of the right size encode a public key (FIPS 204 §7.2).
    const pub = Buffer.alloc(keyTypes[alg].octets as number).toString('base64url')
    try {
      return importKey({ alg, kty: 'AKP', pub }).type === 'public'
    } catch {
      return false
    }
  },

  importKey,

  verify(alg, key, signingInput, signature) {
    const parts = partsOf(alg, key as KeyObject, signature)
    try {
      return parts !== undefined && verifySignature(parts.digest, bytesOf(signingInput), parts.key, parts.signature)
    } catch {
      return false
    }
  },

  // Node copies the input of a thread-pool job before it returns, so the scratch buffer can be reused.
  verifyInPool(alg, key, signingInput, signature) {
    const parts = partsOf(alg, key as KeyObject, signature)
    if (parts === undefined) return Promise.resolve(false)
    return new Promise((resolve) => {
      verifySignature(parts.digest, bytesOf(signingInput), parts.key, parts.signature, (error, isVerified) => {
        resolve(!error && isVerified)
      })
    })
  },

  decodeBase64url(encoded) {
    const bytes = Buffer.from(encoded, 'base64url')
    return bytes.toString('base64url') === encoded ? bytes : undefined
  },

  decodeBase64urlText(encoded) {
    const buffer = encoded.length > scratch.length ? Buffer.allocUnsafe(encoded.length) : scratch
    const length = buffer.write(encoded, 'base64url')
    if (buffer.toString('base64url', 0, length) !== encoded) return undefined
    const decoded = buffer.toString('utf8', 0, length)
    // Invalid UTF-8 always decodes to a string with a replacement character.
    return decoded.includes('\ufffd') && !isUtf8(buffer.subarray(0, length)) ? undefined : decoded
  }
}

/** The arguments of `crypto.verify`; undefined if the signature has the wrong length for the algorithm. */
function partsOf(alg: ProofAlgorithm, key: KeyObject, signature: Uint8Array) {
  const { digest, octets, isEcdsa, saltLength } = parameters[alg]
  if (saltLength !== undefined) return { digest, key: { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }, signature }
  if (octets !== undefined && signature.length !== octets) return undefined
  // DER and a bare key: an options object as the key costs 12 to 35 µs more on some Node 24 releases.
  return { digest, key, signature: isEcdsa ? toDer(signature) : signature }
}

/** The bytes of an ASCII string. The result is overwritten by the next call. */
function bytesOf(value: string): Uint8Array {
  if (value.length > scratch.length) return Buffer.from(value, 'latin1')
  // A Uint8Array is created several times faster than a Buffer.
  return new Uint8Array(scratch.buffer, 0, scratch.write(value, 'latin1'))
}
