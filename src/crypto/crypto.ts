/** The cryptographic operations that a platform provides; the import `#crypto` selects the implementation. @module */

/** A value, or a promise of it if the platform is asynchronous. Callers await only promises. */
export type MaybePromise<T> = T | Promise<T>

/** The JWS algorithms of RFC 7518, RFC 8037 and RFC 9864 that are supported, on every platform. */
export const traditionalAlgorithms = [
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
  'Ed25519',
  'PS256',
  'PS384',
  'PS512',
  'RS256',
  'RS384',
  'RS512'
] as const

/** The JWS algorithms of RFC 9964, on platforms that have them. */
export const postQuantumAlgorithms = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'] as const

/** The JWS algorithms that a proof, or an access token, may be signed with. */
export const proofAlgorithms = [...traditionalAlgorithms, ...postQuantumAlgorithms] as const

/** A JWS algorithm that a proof, or an access token, may be signed with. */
export type ProofAlgorithm = (typeof proofAlgorithms)[number]

/** A JWS algorithm that the platform may lack. */
export type PostQuantumAlgorithm = (typeof postQuantumAlgorithms)[number]

/** Whether an algorithm is one that the platform may lack. */
export function isPostQuantum(alg: ProofAlgorithm): alg is PostQuantumAlgorithm {
  return (postQuantumAlgorithms as readonly ProofAlgorithm[]).includes(alg)
}

/** The required members of a public JWK (RFC 7638 §3.2, RFC 8037 §2, RFC 9964 §6). */
export type PublicJwk =
  | { readonly alg: string; readonly kty: 'AKP'; readonly pub: string }
  | { readonly crv: string; readonly kty: 'EC'; readonly x: string; readonly y: string }
  | { readonly crv: string; readonly kty: 'OKP'; readonly x: string }
  | { readonly e: string; readonly kty: 'RSA'; readonly n: string }

/** An imported public key, opaque outside the platform implementation. */
export type VerificationKey = object

/** The platform's cryptography. */
export interface Platform {
  /** SHA-256 of a string as UTF-8, base64url without padding: 43 characters. */
  sha256(value: string): MaybePromise<string>
  /** SHA-256 of bytes, base64url without padding. */
  sha256OfBytes(bytes: Uint8Array): MaybePromise<string>
  /** HMAC-SHA-256 of a string as UTF-8, base64url without padding: 43 characters. */
  hmac(secret: Uint8Array, value: string): MaybePromise<string>
  /** Whether the runtime can import keys of an algorithm and verify its signatures. */
  supports(alg: PostQuantumAlgorithm): boolean
  /** Imports a public key for one algorithm. Throws or rejects if the key is invalid. */
  importKey(jwk: PublicJwk, alg: ProofAlgorithm): MaybePromise<VerificationKey>
  /** Verifies `signature` over the ASCII octets of `signingInput` (RFC 7515 §5.2). Never throws. */
  verify(alg: ProofAlgorithm, key: VerificationKey, signingInput: string, signature: Uint8Array): MaybePromise<boolean>
  /** The same in a thread pool, if the platform offers both. */
  readonly verifyInPool?: (
    alg: ProofAlgorithm,
    key: VerificationKey,
    signingInput: string,
    signature: Uint8Array
  ) => Promise<boolean>
  /** Decodes unpadded, canonical base64url (RFC 7515 §2); undefined if the input is not. */
  decodeBase64url(encoded: string): Uint8Array | undefined
  /** Decodes unpadded, canonical base64url of UTF-8, keeping a byte order mark; undefined if the input is not. */
  decodeBase64urlText(encoded: string): string | undefined
}
