/** Validates the registered claims of a token: iss, aud, exp, nbf, iat (RFC 7519 §4.1). @module */

import type { JsonObject } from '../encoding/json.js'
import { isNumericDate } from '../encoding/numeric-date.js'

/** The expected values of the claims. */
export interface ExpectedClaims {
  readonly issuer: string
  /** Accepted `aud` values: one of them must be present. */
  readonly audience: readonly string[]
  /** Claims that must be present. Other registered claims are validated if present. */
  readonly required: readonly string[]
  readonly toleranceSeconds: number
}

/** The error of claims that are valid except for their `exp`. */
export const EXPIRED = 'exp has passed'

/** The first error of the claims, for diagnostics; undefined if they are valid. An `exp` in the past is reported last. */
export function findClaimError(claims: JsonObject, expected: ExpectedClaims, nowMs: number): string | undefined {
  const { iss, aud, exp, nbf, iat } = claims
  const { issuer, audience, required, toleranceSeconds } = expected
  const now = Math.floor(nowMs / 1000)
  const missing = required.find((name) => claims[name] === undefined)
  if (missing !== undefined) return `${missing} is missing`
  if (iss !== undefined && iss !== issuer) return 'iss is another issuer'
  if (aud !== undefined && !isAmong(aud, audience)) return 'aud does not contain an accepted audience'
  if (iat !== undefined && !isNumericDate(iat)) return 'iat is not a NumericDate'
  if (nbf !== undefined && !(isNumericDate(nbf) && nbf <= now + toleranceSeconds))
    return 'nbf is not a NumericDate, or is in the future'
  // Any finite value: some servers use the largest number they have for tokens that do not expire.
  if (exp !== undefined && !isFiniteNumber(exp)) return 'exp is not a number'
  return exp === undefined || exp > now - toleranceSeconds ? undefined : EXPIRED
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

/** RFC 7519 §4.1.3: one audience, or a list of them. */
function isAmong(aud: unknown, audience: readonly string[]): boolean {
  return Array.isArray(aud) ? aud.some((one) => audience.includes(one)) : audience.includes(aud as string)
}
