/** The options of one call: its types and validation. @module */

import { check, checkKeys, misconfigured } from './config/option-validation.js'
import { type Policy, policyMembers, validatePolicy } from './policy/policy.js'
import { isScopeToken } from './policy/scopes.js'

/** Options of one call: the policy of the route, checked before the proof is consumed, and the request target. */
export interface VerifyOptions extends Policy {
  /** The request target as the client sent it, if a framework has rewritten that of the request object. */
  readonly target?: string | undefined
  /** The path template of the route, such as `/notes/:id`, for diagnostics events. */
  readonly route?: string | undefined
  /**
   * How `aud` of the token is compared. `'exact'`: code point by code point (RFC 9728 §6). `'uri'`: the same, but scheme and authority of
   * `http` and `https` URLs are case-insensitive, as the Model Context Protocol recommends. @defaultValue 'exact'
   */
  readonly audienceComparison?: 'exact' | 'uri' | undefined
}

/** A policy with the path template of its route, for diagnostics events. */
export type RoutePolicy = Omit<VerifyOptions, 'target' | 'audienceComparison'>

const knownCallOptions = { ...policyMembers, target: true, route: true, audienceComparison: true } as const satisfies Record<
  keyof VerifyOptions,
  true
>

/** The options of a call without any. */
export const noPolicy: VerifyOptions = Object.freeze({})

/** Rejects options of a call that would otherwise be ignored. */
export function checkCall(options: VerifyOptions): void {
  const { scopes, anyScope, authentication, authorize, route, audienceComparison } = checkKeys('', options, knownCallOptions)
  check.oneOf('audienceComparison', audienceComparison, ['exact', 'uri'])
  if (route !== undefined && typeof route !== 'string') misconfigured('route', 'be a string')
  if (scopes !== undefined && !Array.isArray(scopes)) misconfigured('scopes', 'be an array of scope names')
  validatePolicy({ anyScope, authentication, authorize })
}

/** The scopes of a call that need no quoting in a challenge. The options may be invalid. */
export function validScopes({ scopes }: VerifyOptions): readonly string[] | undefined {
  return Array.isArray(scopes) ? scopes.filter(isScopeToken) : undefined
}
