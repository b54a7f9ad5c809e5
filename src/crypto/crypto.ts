/** What the core asks of a platform's cryptography; `#crypto` chooses who answers. @module */

/** A value, or a promise of it where the platform has no synchronous way. Callers await only a promise. */
export type MaybePromise<T> = T | Promise<T>

/** The JWS algorithms that a proof, or an access token, may be signed with (RFC 7518, RFC 8037, RFC 9864). */
export const proofAlgorithms = [
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

/** A JWS algorithm that a proof, or an access token, may be signed with. */
export type ProofAlgorithm = (typeof proofAlgorithms)[number]

/** The required members of a public JWK, and nothing else (RFC 7638 §3.2, RFC 8037 §2). */
export type PublicJwk =
  | { readonly crv: string; readonly kty: 'EC'; readonly x: string; readonly y: string }
  | { readonly crv: string; readonly kty: 'OKP'; readonly x: string }
  | { readonly e: string; readonly kty: 'RSA'; readonly n: string }

/** A public key that the platform has imported; only the platform looks inside. */
export type VerificationKey = object

/** The platform's cryptography. */
export interface Platform {
  /** SHA-256 of the UTF-8 bytes of a text, base64url without padding: 43 characters. */
  sha256(text: string): MaybePromise<string>
  /** SHA-256 of bytes, base64url without padding. */
  sha256OfBytes(bytes: Uint8Array): MaybePromise<string>
  /** HMAC with SHA-256 of the UTF-8 bytes of a text, base64url without padding: 43 characters. */
  hmac(secret: Uint8Array, text: string): MaybePromise<string>
  /** Imports a public key for one algorithm; throws where the platform finds it invalid. */
  importKey(jwk: PublicJwk, alg: ProofAlgorithm): MaybePromise<VerificationKey>
  /** Whether `signature` is one of `key` over the ASCII bytes of `signingInput` (RFC 7515 §5.2). Never throws. */
  verify(alg: ProofAlgorithm, key: VerificationKey, signingInput: string, signature: Uint8Array): MaybePromise<boolean>
  /** The same off the event loop, where the platform leaves the choice to us. */
  readonly verifyInPool?: (
    alg: ProofAlgorithm,
    key: VerificationKey,
    signingInput: string,
    signature: Uint8Array
  ) => Promise<boolean>
  /** The bytes of an unpadded, canonical base64url text (RFC 7515 §2); undefined for any other text. */
  decodeBase64url(text: string): Uint8Array | undefined
  /** The text whose UTF-8 bytes such a text encodes, a byte order mark kept; undefined for any other. */
  decodeBase64urlText(text: string): string | undefined
}
