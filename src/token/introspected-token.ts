/** Validates the introspection response of an active token (RFC 7662 §2.2, RFC 9449 §6.2). @module */

import type { IssuerConfig } from '../config/issuers.js'
import type { JsonObject } from '../encoding/json.js'
import { refuse } from '../errors.js'
import { type AudienceComparison, findClaimError } from './claims.js'

/** Validates the optional members if present: `iss`, `aud`, `exp`, `nbf`, `iat`, `token_type`. */
export function checkIntrospected(
  members: JsonObject,
  issuer: IssuerConfig,
  nowMs: number,
  audienceComparison: AudienceComparison = 'exact'
): void {
  const { clockToleranceSeconds: toleranceSeconds } = issuer.token
  const required = issuer.introspection?.requiredMembers ?? []
  const expected = { issuer: issuer.issuer, audience: issuer.audience, audienceComparison, required, toleranceSeconds }
  const error = findClaimError(members, expected, nowMs)
  if (error !== undefined) refuse(error.code, { reason: `introspection response: ${error.reason}` })
  checkTokenType(members)
}

/** RFC 9449 §6.2: the token_type of a bound token is DPoP, if present. It is case-insensitive (RFC 6749 §5.1). */
function checkTokenType({ token_type: type, cnf }: JsonObject): void {
  if (type === undefined) return
  const isBound = typeof cnf === 'object' && cnf !== null && Object.hasOwn(cnf, 'jkt')
  const isDPoP = typeof type === 'string' && type.toLowerCase() === 'dpop'
  if (isBound !== isDPoP) refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'introspection response: token_type does not match cnf' })
}
