/** Implements the cryptographic operations with WebCrypto, for runtimes without `node:crypto` (Workers, browsers). @module */

import type { Platform, ProofAlgorithm, PublicJwk } from './crypto.js'

const ecdsa = (namedCurve: string, hash: string) => ({ name: 'ECDSA', namedCurve, hash })
const pss = (hash: string, saltLength: number) => ({ name: 'RSA-PSS', hash, saltLength })
const pkcs1 = (hash: string) => ({ name: 'RSASSA-PKCS1-v1_5', hash })

/** The parameters of both import and verification by algorithm (RFC 7518 §3, RFC 8037 §3.1, RFC 9964 §5). */
const parameters: Record<ProofAlgorithm, { name: string }> = {
  ES256: ecdsa('P-256', 'SHA-256'),
  ES384: ecdsa('P-384', 'SHA-384'),
  ES512: ecdsa('P-521', 'SHA-512'),
  EdDSA: { name: 'Ed25519' },
  Ed25519: { name: 'Ed25519' },
  PS256: pss('SHA-256', 32),
  PS384: pss('SHA-384', 48),
  PS512: pss('SHA-512', 64),
  RS256: pkcs1('SHA-256'),
  RS384: pkcs1('SHA-384'),
  RS512: pkcs1('SHA-512'),
  'ML-DSA-44': { name: 'ML-DSA-44' },
  'ML-DSA-65': { name: 'ML-DSA-65' },
  'ML-DSA-87': { name: 'ML-DSA-87' }
}

/** `SubtleCrypto.supports` of Modern Algorithms in the Web Cryptography API, which defines ML-DSA as well. Not all runtimes have it. */
interface SupportsMethod {
  supports?(operation: 'importKey' | 'verify', algorithm: string): boolean
}

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** The WebCrypto implementation of {@link Platform}. */
export const platform: Platform = {
  sha256: async (value) => encodeBase64url(await digest(encoder.encode(value))),

  sha256OfBytes: async (bytes) => encodeBase64url(await digest(bytes)),

  async hmac(secret, value) {
    const algorithm = { name: 'HMAC', hash: 'SHA-256' }
    const key = await crypto.subtle.importKey('raw', secret as Uint8Array<ArrayBuffer>, algorithm, false, ['sign'])
    return encodeBase64url(new Uint8Array(await crypto.subtle.sign('HMAC', key, encoder.encode(value))))
  },

  supports(alg) {
    const { SubtleCrypto: subtle } = globalThis as { SubtleCrypto?: SupportsMethod }
    return subtle?.supports?.('importKey', alg) === true && subtle.supports('verify', alg)
  },

  // Every function is async: in the edge runtime of Next.js, a promise of WebCrypto is not an instance of the global Promise.
  async importKey(jwk: PublicJwk, alg) {
    return await crypto.subtle.importKey('jwk', { ...jwk }, parameters[alg], false, ['verify'])
  },

  async verify(alg, key, signingInput, signature) {
    try {
      const data = encoder.encode(signingInput)
      return await crypto.subtle.verify(parameters[alg], key as CryptoKey, signature as Uint8Array<ArrayBuffer>, data)
    } catch {
      return false
    }
  },

  decodeBase64url: decode,

  decodeBase64urlText(encoded) {
    const bytes = decode(encoded)
    try {
      return bytes && decoder.decode(bytes)
    } catch {
      return undefined
    }
  }
}

function decode(encoded: string): Uint8Array | undefined {
  let binary: string
  try {
    binary = atob(encoded.replaceAll('-', '+').replaceAll('_', '/'))
  } catch {
    return undefined
  }
  const bytes = Uint8Array.from(binary, (char) => char.charCodeAt(0))
  // atob ignores whitespace, padding and trailing bits, so the result is encoded again and compared with the input.
  return encodeBase64url(bytes) === encoded ? bytes : undefined
}

async function digest(bytes: Uint8Array): Promise<Uint8Array> {
  return new Uint8Array(await crypto.subtle.digest('SHA-256', bytes as Uint8Array<ArrayBuffer>))
}

function encodeBase64url(bytes: Uint8Array): string {
  let binary = ''
  for (const byte of bytes) binary += String.fromCharCode(byte)
  return btoa(binary).replaceAll('+', '-').replaceAll('/', '_').replaceAll('=', '')
}
