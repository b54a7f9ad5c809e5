/** The result of a verification. @module */

import type { JsonObject } from './encoding/json.js'
import type { ResponseHeaders } from './errors.js'
import type { Proof } from './proof/proof.js'
import type { Scheme } from './request/credentials.js'
import { noHeaders, nonceHeaders } from './response/challenge.js'
import type { VerifiedToken } from './token/access-token.js'

/** The claims of an access token: registered claims (RFC 9068 §2.2) and any others of the issuer. */
export interface AccessTokenClaims {
  readonly iss: string
  /** Absent only if the token was introspected and the response has none (RFC 7662 §2.2). */
  readonly aud?: string | readonly string[]
  /** Seconds since the epoch. Absent only if the token was introspected and the response has none. */
  readonly exp?: number
  /** Present, as are `client_id`, `iat` and `jti`, if `token.type` is `'at+jwt'` and `token.requiredClaims` is not set. */
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

/** The verified DPoP proof of a request. */
export interface VerifiedProof {
  /** The thumbprint of the key that signed the proof (RFC 7638): the same for all requests of one client. */
  readonly jkt: string
  readonly jti: string
  readonly htm: string
  /** The URI as the client sent it, not normalized. */
  readonly htu: string
  /** Seconds since the epoch. */
  readonly iat: number
  readonly nonce?: string
  /** All claims of the proof, including those that are not validated. */
  readonly claims: JsonObject
}

/** A request whose token, proof and binding are verified. Frozen. */
export class VerifiedRequest {
  /** The authentication scheme. With `Bearer` the token is not bound to a key and there is no proof. */
  readonly scheme: Scheme
  /** The issuer of the token. */
  readonly issuer: string
  /** The claims of the access token. */
  readonly claims: AccessTokenClaims
  /** The scopes of the access token. */
  readonly scopes: readonly string[]
  /** The proof; undefined with `Bearer`. */
  readonly proof: VerifiedProof | undefined
  /** Header fields that the response must have. The adapters set them. */
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

  /** The access token. Not enumerable, so that logging the result does not disclose it. */
  get token(): string {
    return this.#token
  }
}

/** The result of a verification; with a proof unless the scheme is Bearer. */
export function toVerifiedRequest(
  scheme: Scheme,
  { issuer, claims, scopes }: VerifiedToken,
  token: string,
  dpop?: { readonly proof: Proof; readonly nextNonce: string | undefined }
): VerifiedRequest {
  if (dpop === undefined) return new VerifiedRequest({ scheme, issuer, claims, scopes, responseHeaders: noHeaders }, token)
  const { proof, nextNonce } = dpop
  const responseHeaders = nextNonce === undefined ? noHeaders : Object.freeze(nonceHeaders(nextNonce))
  const { jti, htm, htu, iat, nonce, all } = proof.claims
  return new VerifiedRequest(
    { scheme, issuer, claims, scopes, responseHeaders },
    token,
    Object.freeze({ jkt: proof.header.jkt, jti, htm, htu, iat, ...(nonce !== undefined && { nonce }), claims: all })
  )
}
