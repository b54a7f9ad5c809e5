/** Validates the registered claims of a token: iss, aud, exp, nbf, iat (RFC 7519 §4.1). @module */

import type { JsonObject } from '../encoding/json.js'
import { isNumericDate } from '../encoding/numeric-date.js'
import { printable } from '../encoding/printable.js'
import type { DPoPErrorCode } from '../errors.js'

/**
 * How `aud` is compared. `'exact'`: code point by code point (RFC 9728 §6). `'uri'`: the same, but scheme and authority of `http` and
 * `https` URLs are case-insensitive (RFC 3986 §6.2.2.1).
 */
export type AudienceComparison = 'exact' | 'uri'

/** The expected values of the claims. */
export interface ExpectedClaims {
  readonly issuer: string
  /** Accepted `aud` values: one of them must be present. */
  readonly audience: readonly string[]
  /** @defaultValue 'exact' */
  readonly audienceComparison?: AudienceComparison
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
  const { issuer, audience, audienceComparison, required, toleranceSeconds } = expected
  const now = Math.floor(nowMs / 1000)
  const missing = required.find((name) => claims[name] === undefined)
  if (missing !== undefined) return invalid(`${missing} is missing`)
  if (iss !== undefined && iss !== issuer) return invalid(`iss is ${printable(iss)}, expected ${printable(issuer)}`)
  if (aud !== undefined && !hasAudience(aud, audience, audienceComparison))
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

/** Whether `aud`, one audience or a list of them, has one of `audience` (RFC 7519 §4.1.3). */
export function hasAudience(aud: unknown, audience: readonly string[], comparison: AudienceComparison = 'exact'): boolean {
  const present: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (present.some((one) => audience.includes(one as string))) return true
  if (comparison === 'exact') return false
  const accepted = audience.map(withLowerCaseAuthority)
  return present.some((one) => typeof one === 'string' && accepted.includes(withLowerCaseAuthority(one)))
}

/** ASCII only, and not an authority with user information, which is case-sensitive. */
const schemeAndAuthority = /^https?:\/\/[!"$-.0->A-~]+(?![^/?#])/i

/** Other values than URLs remain as they are. */
function withLowerCaseAuthority(audience: string): string {
  return audience.replace(schemeAndAuthority, (start) => start.toLowerCase())
}
