/** Judges what introspection said of an active token: active is not enough (RFC 7662 §2.2, RFC 9449 §6.2). @module */

import type { IssuerConfig } from '../config/issuers.js'
import type { JsonObject } from '../encoding/json.js'
import { refuse } from '../errors.js'
import { EXPIRED, findClaimError } from './claims.js'

/** Members that the server may leave out are checked where they are there: `iss`, `aud`, `exp`, `nbf`, `iat`, `token_type`. */
export function checkIntrospected(members: JsonObject, issuer: IssuerConfig, toleranceSeconds: number, nowMs: number): void {
  const required = issuer.introspection?.requiredMembers ?? []
  const expected = { issuer: issuer.issuer, audience: issuer.audience, required, toleranceSeconds }
  const fault = findClaimError(members, expected, nowMs)
  if (fault === EXPIRED) refuse('ERR_DPOP_TOKEN_EXPIRED')
  if (fault !== undefined) invalid(fault)
  checkTokenType(members)
}

/** RFC 9449 §6.2: a bound token has the type DPoP, if it has one. Types are compared without regard to case (RFC 6749 §5.1). */
function checkTokenType({ token_type: type, cnf }: JsonObject): void {
  if (type === undefined) return
  const isBound = typeof cnf === 'object' && cnf !== null && Object.hasOwn(cnf, 'jkt')
  const isDPoP = typeof type === 'string' && type.toLowerCase() === 'dpop'
  if (isBound !== isDPoP) invalid('token_type')
}

function invalid(reason: string): never {
  return refuse('ERR_DPOP_TOKEN_INVALID', { reason: `at introspection: ${reason}` })
}
