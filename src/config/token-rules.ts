/** Validates the options of access token validation that an issuer may override. @module */

import type { TokenOptions } from '../options.js'
import { check, misconfigured } from './option-validation.js'

/** The options that an issuer may override. */
export type TokenRuleOptions = Pick<TokenOptions, 'type' | 'requiredClaims' | 'scopes' | 'clockToleranceSeconds'>

/** The same after validation. Members that are undefined have a default that depends on others. */
export interface ValidTokenRuleOptions {
  readonly type: TokenRules['type']
  readonly requiredClaims: readonly string[] | undefined
  readonly scopes: TokenOptions['scopes'] | undefined
  readonly clockToleranceSeconds: number
}

/** How the access tokens of an issuer are validated. */
export interface TokenRules {
  readonly type: 'at+jwt' | 'any'
  /** All claims that a JWT access token must have. */
  readonly requiredClaims: readonly string[]
  readonly scopes: TokenOptions['scopes'] | undefined
  readonly clockToleranceSeconds: number
}

/** Without these, a token could be of another issuer, for another API, or valid forever. */
const alwaysRequired = ['iss', 'aud', 'exp']

/** RFC 9068 §2.2. */
const requiredByType = { 'at+jwt': ['sub', 'client_id', 'iat', 'jti'], any: [] }

const standard: ValidTokenRuleOptions = { type: 'at+jwt', requiredClaims: undefined, scopes: undefined, clockToleranceSeconds: 5 }

/** Validates the options at `path`, such as `'token.'`, and takes those that are undefined from `fallback`. */
export function checkTokenRules(
  path: string,
  options: TokenRuleOptions,
  fallback: ValidTokenRuleOptions = standard
): ValidTokenRuleOptions {
  const { requiredClaims } = options
  // An empty array is valid here: it requires only the claims that cannot be dropped.
  const isListed = Array.isArray(requiredClaims) && requiredClaims.every((claim) => typeof claim === 'string' && claim !== '')
  if (requiredClaims !== undefined && !isListed) misconfigured(`${path}requiredClaims`, 'be an array of claim names')
  return {
    type: check.oneOf(`${path}type`, options.type, ['at+jwt', 'any']) ?? fallback.type,
    requiredClaims: requiredClaims ?? fallback.requiredClaims,
    scopes: check.func(`${path}scopes`, options.scopes) ?? fallback.scopes,
    clockToleranceSeconds: check.integer(`${path}clockToleranceSeconds`, options.clockToleranceSeconds, {
      min: 0,
      max: 300,
      otherwise: fallback.clockToleranceSeconds
    })
  }
}

/** Applies the defaults to validated options. */
export function resolveTokenRules(options: ValidTokenRuleOptions): TokenRules {
  const { type, requiredClaims } = options
  const required = [...alwaysRequired, ...(requiredClaims ?? requiredByType[type])]
  return Object.freeze({ ...options, requiredClaims: Object.freeze([...new Set(required)]) })
}
