/** Builds the WWW-Authenticate challenges of an error response (RFC 9449 §7.1 and §7.2, RFC 6750 §3, RFC 9110 §11.6.1). @module */

import type { VerifierConfig } from '../config/config.js'
import { type ChallengeParams, type DPoPErrorCode, type ResponseHeaders, responseFor } from '../errors.js'
import type { Scheme } from '../request/credentials.js'

/** The parts of a challenge that depend on the request. */
export interface ChallengeContext {
  /** The scheme of the request; undefined if it is ambiguous. */
  readonly scheme: Scheme | undefined
  /** Further parameters, such as `scope`. Values must need no quoting. */
  readonly params?: ChallengeParams | undefined
  /** The scopes that the route requires, for a 401 response (RFC 6750 §3). Values must need no quoting. */
  readonly scopes?: readonly string[] | undefined
  /** The URL of the protected resource metadata (RFC 9728 §5.1), if it is published. */
  readonly resourceMetadata?: string | undefined
  /** The `Retry-After` of a 429 response, in seconds (RFC 6585 §4). */
  readonly retryAfterSeconds?: number | undefined
  /** The nonce to send, with `use_dpop_nonce` or `nonce.onEveryResponse`. */
  readonly nonce?: string | undefined
}

/** RFC 9449 §8.2: a response with a nonce should not be stored. */
export function nonceHeaders(nonce: string): ResponseHeaders {
  return { 'DPoP-Nonce': nonce, 'Cache-Control': 'no-store' }
}

/** The configuration that challenges depend on. */
export type ChallengeConfig = Pick<VerifierConfig, 'allowBearer' | 'proof' | 'realm'>

/** The header fields of an error response: one challenge per field line, Bearer first because more clients support it. */
export function challengeHeaders(code: DPoPErrorCode, context: ChallengeContext, config: ChallengeConfig): ResponseHeaders {
  const { status, error } = responseFor(code)
  const { retryAfterSeconds, nonce } = context
  // RFC 9110 §15.5.4: no other credentials help if the application denied access or the client must wait, so there is no challenge.
  const isChallenge = status === 401 || error !== undefined
  return {
    ...(isChallenge && { 'WWW-Authenticate': challengesOf(code, context, config) }),
    ...(retryAfterSeconds !== undefined && { 'Retry-After': String(retryAfterSeconds) }),
    ...(nonce !== undefined && nonceHeaders(nonce))
  }
}

function challengesOf(
  code: DPoPErrorCode,
  { scheme, params = {}, scopes, resourceMetadata }: ChallengeContext,
  config: ChallengeConfig
): string | string[] {
  const { status, error, description } = responseFor(code)
  const announced = announcesScopes(code) && scopes?.length ? [param('scope', scopes.join(' '))] : []
  // RFC 6750 §3.1: a challenge for a request without credentials has no error code.
  const errorParams =
    error === undefined
      ? []
      : [
          param('error', error),
          param('error_description', description),
          ...Object.entries(params).map(([name, value]) => param(name, value))
        ]
  // RFC 9449 §7.2: only the challenge of the scheme that the request used has the error.
  const isDPoPError = scheme !== 'Bearer' || !config.allowBearer
  const metadata = resourceMetadata === undefined ? [] : [param('resource_metadata', resourceMetadata)]
  const algs = param('algs', config.proof.algorithms.join(' '))
  const dpop = challenge('DPoP', [...(isDPoPError ? errorParams : []), ...announced, algs, ...metadata])
  if (!config.allowBearer) return dpop
  // RFC 6750 §3: a Bearer challenge has at least one auth-param.
  const bearer = challenge('Bearer', [
    param('realm', config.realm),
    ...(scheme === 'DPoP' ? [] : errorParams),
    ...announced,
    ...metadata
  ])
  // RFC 9110 §15.5.4: a 403 is about the credentials that were sent, so it has only the challenge of their scheme.
  if (status === 403) return scheme === 'Bearer' ? bearer : dpop
  return [bearer, dpop]
}

/**
 * RFC 6750 §3: the scopes of the route, so that a client without a valid token can request them. A token that lacks only authentication
 * (RFC 9470) has them.
 */
function announcesScopes(code: DPoPErrorCode): boolean {
  return responseFor(code).status === 401 && code !== 'ERR_DPOP_AUTHENTICATION_INSUFFICIENT'
}

function challenge(scheme: Scheme, params: readonly string[]): string {
  return `${scheme} ${params.join(', ')}`
}

/** Every value is a constant or was validated to need no quoting: error descriptions, configured algorithms, scopes and URLs. */
function param(name: string, value: string): string {
  return `${name}="${value}"`
}

/** No header fields. */
export const noHeaders: ResponseHeaders = Object.freeze({})

/** The header fields of a nonce, if there is one. */
export function nonceHeadersIfAny(nonce: string | undefined): ResponseHeaders {
  return nonce === undefined ? noHeaders : nonceHeaders(nonce)
}
