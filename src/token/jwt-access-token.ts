/** Verifies a JWT access token (RFC 9068 §4): type, signature, issuer, audience, time and required claims. @module */

import type { VerifierConfig } from '../config/config.js'
import type { LoopTurn } from '../crypto/signature-threads.js'
import { printable } from '../encoding/printable.js'
import { refuse } from '../errors.js'
import { type AudienceComparison, findClaimError } from './claims.js'
import type { Issuer } from './issuers.js'
import { type Jwt, typeOf, verifyJwtSignature } from './jwt.js'
import type { KeySet } from './key-set.js'

/** `typ` values that are never accepted, whatever `token.type` is (RFC 8725 §3.12). */
const otherTypes = [
  'dpop+jwt',
  'token-introspection+jwt',
  'logout+jwt',
  'secevent+jwt',
  'oauth-authz-req+jwt',
  'client-authentication+jwt'
]

/** The request that a token is presented with. */
export interface Presentation {
  /** The time of all checks of the token, so that they agree with each other. */
  readonly atMs: number
  readonly turn: LoopTurn
  readonly audienceComparison: AudienceComparison
}

/** Verifies a JWT whose `iss` is `issuer`; returns the key set that verified its signature. */
export async function verifyJwtAccessToken(
  jwt: Jwt,
  issuer: Issuer,
  config: Pick<VerifierConfig, 'signatureThreads'>,
  { atMs, turn, audienceComparison }: Presentation
): Promise<KeySet> {
  const { algorithms, audience, token: rules } = issuer.config
  if (rules.type === 'at+jwt') checkProfileType(jwt)
  else checkOtherType(jwt)
  const signature = await verifyJwtSignature(jwt, issuer.keys, { algorithms, threads: config.signatureThreads, turn })
  if (signature.keys === undefined) return invalid(signature.reason)
  const { requiredClaims: required, clockToleranceSeconds: toleranceSeconds } = rules
  const expected = { issuer: issuer.config.issuer, audience, audienceComparison, required, toleranceSeconds }
  const error = findClaimError(jwt.claims, expected, atMs)
  if (error !== undefined) refuse(error.code, { reason: withOption(error.reason, jwt, required) })
  if (rules.type === 'at+jwt') checkClaimTypes(jwt)
  return signature.keys
}

/** RFC 9068 §4: "The resource server MUST verify that the "typ" header value is "at+jwt" or "application/at+jwt"". */
function checkProfileType(jwt: Jwt): void {
  if (typeOf(jwt) === 'at+jwt') return
  const { typ } = jwt.header
  const found = typ === undefined ? 'typ is missing' : `typ is ${printable(typ)}`
  const remedy = isOtherType(jwt) ? '' : '; token.type: "any" accepts it'
  invalid(`${found}, expected "at+jwt" (RFC 9068 §4)${remedy}`)
}

function checkOtherType(jwt: Jwt): void {
  if (isOtherType(jwt)) invalid(`typ is ${printable(jwt.header.typ)}, which is not an access token (RFC 8725 §3.12)`)
}

function isOtherType(jwt: Jwt): boolean {
  return otherTypes.includes(typeOf(jwt) ?? '')
}

/** Adds the option that accepts the token, if one does. */
function withOption(reason: string, { claims }: Jwt, required: readonly string[]): string {
  const missing = required.find((name) => claims[name] === undefined)
  if (missing === undefined) return reason
  const isAlwaysRequired = ['iss', 'aud', 'exp'].includes(missing)
  return isAlwaysRequired
    ? `${reason}; it is required in every token`
    : `${reason}; token.requiredClaims without it accepts the token`
}

/** `sub`, `client_id` and `jti` (RFC 9068 §2.2) must be non-empty strings if present. */
function checkClaimTypes({ claims }: Jwt): void {
  const invalidClaim = ['sub', 'client_id', 'jti'].find((name) => {
    const value = claims[name]
    return value !== undefined && (typeof value !== 'string' || value === '')
  })
  if (invalidClaim !== undefined) invalid(`${invalidClaim} is not a non-empty string`)
}

function invalid(reason: string): never {
  return refuse('ERR_DPOP_TOKEN_INVALID', { reason })
}
