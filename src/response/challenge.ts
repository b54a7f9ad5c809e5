/** The WWW-Authenticate challenges of a refusal (RFC 9449 §7.1 and §7.2, RFC 6750 §3, RFC 9110 §11.6.1). @module */

import type { VerifierConfig } from '../config/config.js'
import { type DPoPErrorCode, type ResponseHeaders, responseFor } from '../errors.js'
import type { Scheme } from '../request/credentials.js'

/** What a challenge depends on beside the code. */
export interface ChallengeContext {
  /** The scheme that the request used, if it was clear. */
  readonly scheme: Scheme | undefined
  /** The scopes that a 403 names. */
  readonly scopes?: readonly string[] | undefined
  /** The nonce that goes with `use_dpop_nonce`. */
  readonly nonce?: string | undefined
}

/** RFC 9449 §8.2: an answer with a nonce "should" not be stored. */
export function nonceHeaders(nonce: string): ResponseHeaders {
  return { 'DPoP-Nonce': nonce, 'Cache-Control': 'no-store' }
}

/** What a configuration says in every challenge. */
export type ChallengeConfig = Pick<VerifierConfig, 'allowBearer' | 'proof' | 'realm'>

/** The header fields of a refusal: one challenge a line, Bearer first because more clients know it. */
export function challengeHeaders(code: DPoPErrorCode, context: ChallengeContext, config: ChallengeConfig): ResponseHeaders {
  const challenges = { 'WWW-Authenticate': challengesOf(code, context, config) }
  return context.nonce === undefined ? challenges : { ...challenges, ...nonceHeaders(context.nonce) }
}

function challengesOf(code: DPoPErrorCode, { scheme, scopes }: ChallengeContext, config: ChallengeConfig): string | string[] {
  const { status, error, description } = responseFor(code)
  // RFC 6750 §3.1: without authentication information there is no error code, and nothing to describe.
  const fault = error === undefined ? [] : [param('error', error), param('error_description', description)]
  const needed = status === 403 && scopes !== undefined ? [param('scope', scopes.join(' '))] : []
  // RFC 9449 §7.2: where the scheme is clear, only its challenge carries the error.
  const dpopIsAtFault = scheme !== 'Bearer' || !config.allowBearer
  const dpop = challenge('DPoP', [
    ...(dpopIsAtFault ? [...fault, ...needed] : []),
    param('algs', config.proof.algorithms.join(' '))
  ])
  if (!config.allowBearer) return dpop
  // RFC 6750 §3: a Bearer challenge has at least one parameter.
  const bearer = challenge('Bearer', [param('realm', config.realm), ...(scheme === 'DPoP' ? [] : [...fault, ...needed])])
  // RFC 9110 §15.5.4: a 403 asks for no other credentials, so there is only the challenge of those that fell short.
  if (status === 403) return scheme === 'Bearer' ? bearer : dpop
  return [bearer, dpop]
}

function challenge(scheme: Scheme, params: readonly string[]): string {
  return `${scheme} ${params.join(', ')}`
}

/** Every value is a constant or was checked to need no quoting: our own sentences, configured algorithms, scopes and URLs. */
function param(name: string, value: string): string {
  return `${name}="${value}"`
}
