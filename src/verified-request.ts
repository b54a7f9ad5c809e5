/** What a verified request gives to the application. @module */

import type { JsonObject } from './encoding/json.js'
import type { ResponseHeaders } from './errors.js'
import type { Scheme } from './request/credentials.js'

/** The claims of an access token: the registered ones with their types (RFC 9068 §2.2), and whatever else the issuer put in. */
export interface AccessTokenClaims {
  readonly iss: string
  readonly aud: string | readonly string[]
  /** Seconds since the epoch. */
  readonly exp: number
  /** Always there, as are `client_id`, `iat` and `jti`, unless `token.type` is `'any'`. */
  readonly sub?: string
  readonly client_id?: string
  /** Seconds since the epoch. */
  readonly iat?: number
  /** Seconds since the epoch. */
  readonly nbf?: number
  readonly jti?: string
  readonly scope?: unknown
  readonly [claim: string]: unknown
}

/** The proof that came with a request, verified. */
export interface VerifiedProof {
  /** The thumbprint of the key that signed it (RFC 7638): the same for all requests of one client. */
  readonly jkt: string
  readonly jti: string
  readonly htm: string
  /** The URI as the client wrote it. */
  readonly htu: string
  /** Seconds since the epoch. */
  readonly iat: number
  readonly nonce?: string
  /** All claims of the proof, those that nothing here looks at included. */
  readonly claims: JsonObject
}

/** What is known of a request once its token, its proof and the binding between them are verified. Frozen. */
export class VerifiedRequest {
  /** The scheme of its credentials. Under `Bearer` the token is not bound to a key, and there is no proof. */
  readonly scheme: Scheme
  /** The issuer of the token. */
  readonly issuer: string
  /** The claims of the access token. */
  readonly claims: AccessTokenClaims
  /** The scopes of the access token. */
  readonly scopes: readonly string[]
  /** The proof; undefined under `Bearer`. */
  readonly proof: VerifiedProof | undefined
  /** Header fields that the answer must carry. The adapters set them. */
  readonly responseHeaders: ResponseHeaders
  readonly #token: string

  constructor(
    fields: Pick<VerifiedRequest, 'scheme' | 'issuer' | 'claims' | 'scopes' | 'responseHeaders'>,
    token: string,
    proof?: VerifiedProof
  ) {
    this.scheme = fields.scheme
    this.issuer = fields.issuer
    this.claims = fields.claims
    this.scopes = fields.scopes
    this.responseHeaders = fields.responseHeaders
    this.proof = proof
    this.#token = token
    Object.freeze(this)
  }

  /** The access token itself. Not enumerable, so that a logged result leaks nothing. */
  get token(): string {
    return this.#token
  }
}
