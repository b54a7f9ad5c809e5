/** Judges the claims of a token, wherever they came from: issuer, audience and time (RFC 7519 §4.1). @module */

import type { JsonObject } from '../encoding/json.js'
import { isNumericDate } from '../encoding/numeric-date.js'

/** What claims must say. */
export interface ExpectedClaims {
  readonly issuer: string
  /** Accepted `aud` values: one of them must be there. */
  readonly audience: readonly string[]
  /** Claims that must be there; the others count where they are. */
  readonly required: readonly string[]
  readonly toleranceSeconds: number
}

/** The fault of claims that are good but for their `exp`. */
export const EXPIRED = 'exp has passed'

/** What is wrong with claims, in a few words for the operator; undefined where nothing is. An `exp` that has passed is told last. */
export function faultOf(claims: JsonObject, expected: ExpectedClaims, nowMs: number): string | undefined {
  const { iss, aud, exp, nbf, iat } = claims
  const { issuer, audience, required, toleranceSeconds } = expected
  const now = Math.floor(nowMs / 1000)
  const missing = required.find((name) => claims[name] === undefined)
  if (missing !== undefined) return `${missing} is missing`
  if (iss !== undefined && iss !== issuer) return 'iss is of another issuer'
  if (aud !== undefined && !isAmong(aud, audience)) return 'aud is not this API'
  if (iat !== undefined && !isNumericDate(iat)) return 'iat is no time'
  if (nbf !== undefined && !(isNumericDate(nbf) && nbf <= now + toleranceSeconds)) return 'nbf is no time, or has not come'
  // However far away: servers write the greatest number that they have where a token does not expire.
  if (exp !== undefined && !isFiniteNumber(exp)) return 'exp is no time'
  return exp === undefined || exp > now - toleranceSeconds ? undefined : EXPIRED
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

/** RFC 7519 §4.1.3: one audience, or a list of them. */
function isAmong(aud: unknown, audience: readonly string[]): boolean {
  return Array.isArray(aud) ? aud.some((one) => audience.includes(one)) : audience.includes(aud as string)
}
