/** Validates the registered claims of a token: iss, aud, exp, nbf, iat (RFC 7519 §4.1). @module */

import type { JsonObject } from '../encoding/json.js'
import { isNumericDate } from '../encoding/numeric-date.js'
import { printable } from '../encoding/printable.js'
import type { DPoPErrorCode } from '../errors.js'

/** The expected values of the claims. */
export interface ExpectedClaims {
  readonly issuer: string
  /** Accepted `aud` values: one of them must be present. */
  readonly audience: readonly string[]
  /** Claims that must be present. Other registered claims are validated if present. */
  readonly required: readonly string[]
  readonly toleranceSeconds: number
}

/** Why claims are rejected. */
export interface ClaimError {
  readonly code: Extract<DPoPErrorCode, 'ERR_DPOP_TOKEN_INVALID' | 'ERR_DPOP_TOKEN_EXPIRED'>
  /** For operators: the claim, what was found and what was expected. Never a claim that may be personal. */
  readonly reason: string
}

/** The first error of the claims; undefined if they are valid. An `exp` in the past is reported last. */
export function findClaimError(claims: JsonObject, expected: ExpectedClaims, nowMs: number): ClaimError | undefined {
  const { iss, aud, exp, nbf, iat } = claims
  const { issuer, audience, required, toleranceSeconds } = expected
  const now = Math.floor(nowMs / 1000)
  const missing = required.find((name) => claims[name] === undefined)
  if (missing !== undefined) return invalid(`${missing} is missing`)
  if (iss !== undefined && iss !== issuer) return invalid(`iss is ${printable(iss)}, expected ${printable(issuer)}`)
  if (aud !== undefined && !isAmong(aud, audience))
    return invalid(`aud is ${printable(aud)}, expected one of ${printable(audience)}; the option audience sets it`)
  if (iat !== undefined && !isNumericDate(iat)) return invalid('iat is not a NumericDate')
  if (nbf !== undefined && !isNumericDate(nbf)) return invalid('nbf is not a NumericDate')
  if (nbf !== undefined && nbf > now + toleranceSeconds) return invalid(`nbf is ${nbf - now} seconds in the future`)
  // Any finite value: some servers use the largest number they have for tokens that do not expire.
  if (exp !== undefined && !isFiniteNumber(exp)) return invalid('exp is not a number')
  if (exp === undefined || exp > now - toleranceSeconds) return undefined
  return {
    code: 'ERR_DPOP_TOKEN_EXPIRED',
    reason: `exp is ${now - exp} seconds in the past, the clock tolerance is ${toleranceSeconds}`
  }
}

function invalid(reason: string): ClaimError {
  return { code: 'ERR_DPOP_TOKEN_INVALID', reason }
}

function isFiniteNumber(value: unknown): value is number {
  return Number.isFinite(value)
}

/** RFC 7519 §4.1.3: one audience, or a list of them. */
function isAmong(aud: unknown, audience: readonly string[]): boolean {
  return Array.isArray(aud) ? aud.some((one) => audience.includes(one)) : audience.includes(aud as string)
}
