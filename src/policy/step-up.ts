/** Checks how and when the user authenticated (RFC 9470). @module */

import { checkKeys, misconfigured } from '../config/option-validation.js'
import { isNumericDate } from '../encoding/numeric-date.js'
import { printable } from '../encoding/printable.js'
import type { AccessTokenClaims } from '../verified-request.js'
import { isScopeToken } from './scopes.js'

/** How and when the user must have authenticated (RFC 9470 §3). At least one member is required. */
export interface AuthenticationRequirement {
  /** Accepted values of the claim `acr`, in order of preference. One of them suffices; the comparison is exact. */
  readonly acrValues?: readonly string[]
  /** Maximum seconds since `auth_time`, with the clock tolerance of tokens. From 0. */
  readonly maxAgeSeconds?: number
}

const knownMembers = { acrValues: true, maxAgeSeconds: true } as const satisfies Record<keyof AuthenticationRequirement, true>

/** Validates the requirement of a route when the route is registered. `name` is the option. */
export function validateAuthentication(
  requirement: AuthenticationRequirement,
  name = 'authentication'
): AuthenticationRequirement {
  const { acrValues, maxAgeSeconds } = checkKeys(`${name}.`, requirement, knownMembers)
  if (acrValues === undefined && maxAgeSeconds === undefined) misconfigured(name, 'have "acrValues" or "maxAgeSeconds"')
  const isList = acrValues === undefined || (Array.isArray(acrValues) && acrValues.length > 0 && acrValues.every(isScopeToken))
  if (!isList) misconfigured(`${name}.acrValues`, 'be one or more acr values of printable ASCII without spaces and quotes')
  const isAge = maxAgeSeconds === undefined || (Number.isSafeInteger(maxAgeSeconds) && maxAgeSeconds >= 0)
  if (!isAge) misconfigured(`${name}.maxAgeSeconds`, 'be a non-negative integer')
  return Object.freeze({
    ...(acrValues && { acrValues: Object.freeze([...acrValues]) }),
    ...(isAge && maxAgeSeconds !== undefined && { maxAgeSeconds })
  })
}

/** RFC 9470 §3: the parameters of the challenge. */
export function authenticationParams({ acrValues, maxAgeSeconds }: AuthenticationRequirement): Record<string, string> {
  return {
    ...(acrValues && { acr_values: acrValues.join(' ') }),
    ...(maxAgeSeconds !== undefined && { max_age: String(maxAgeSeconds) })
  }
}

/**
 * Why the authentication does not satisfy the requirement, for operators; undefined if it does. A missing `acr` or `auth_time` does
 * not satisfy it. `iat` is never used instead of `auth_time`, which does not change when a token is renewed (RFC 9470 §6.1).
 */
export function findAuthenticationError(
  { acr, auth_time: authTime }: AccessTokenClaims,
  { acrValues, maxAgeSeconds }: AuthenticationRequirement,
  nowMs: number,
  toleranceSeconds: number
): string | undefined {
  if (acrValues !== undefined && !(typeof acr === 'string' && acrValues.includes(acr)))
    return acr === undefined ? 'acr is missing' : `acr is ${printable(acr)}, expected one of ${printable(acrValues)}`
  if (maxAgeSeconds === undefined) return undefined
  if (authTime === undefined) return 'auth_time is missing'
  if (!isNumericDate(authTime) || authTime < 0) return 'auth_time is not a NumericDate'
  const ageSeconds = Math.floor(nowMs / 1000) - authTime
  if (ageSeconds < -toleranceSeconds) return `auth_time is ${-ageSeconds} seconds in the future`
  return ageSeconds <= maxAgeSeconds + toleranceSeconds
    ? undefined
    : `auth_time is ${ageSeconds} seconds in the past, accepted are ${maxAgeSeconds}`
}
