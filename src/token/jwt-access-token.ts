/** Verifies a JWT access token as RFC 9068 §4 says: signature, issuer, audience, time, type and required claims. @module */

import type { VerifierConfig } from '../config/config.js'
import type { LoopTurn } from '../crypto/signature-threads.js'
import { refuse } from '../errors.js'
import { EXPIRED, findClaimError } from './claims.js'
import type { Issuer } from './issuers.js'
import { findVerifyingKeySet, type Jwt, typeOf } from './jwt.js'
import type { KeySet } from './key-set.js'

/** Required claims: those of RFC 9068 §2.2, and the minimum for any token. */
const requiredClaims = {
  'at+jwt': ['iss', 'aud', 'exp', 'sub', 'client_id', 'iat', 'jti'],
  any: ['iss', 'aud', 'exp']
} as const

/** `typ` values that are never accepted, whatever `token.type` is (RFC 8725 §3.12). */
const otherKinds = [
  'dpop+jwt',
  'token-introspection+jwt',
  'logout+jwt',
  'secevent+jwt',
  'oauth-authz-req+jwt',
  'client-authentication+jwt'
]

/** Verifies a JWT whose `iss` is `issuer`; returns the key set that verified its signature. */
export async function verifyJwtAccessToken(
  jwt: Jwt,
  issuer: Issuer,
  config: Pick<VerifierConfig, 'token' | 'signatureThreads'>,
  nowMs: number,
  turn: LoopTurn
): Promise<KeySet> {
  const { type, clockToleranceSeconds: toleranceSeconds } = config.token
  const typ = typeOf(jwt)
  if (type === 'at+jwt' ? typ !== 'at+jwt' : otherKinds.includes(typ ?? '')) invalid('typ is of another kind of JWT')
  const { algorithms, audience } = issuer.config
  const keys = await findVerifyingKeySet(jwt, issuer.keys, { algorithms, threads: config.signatureThreads, turn })
  if (keys === undefined) return invalid('no key of the issuer verifies it')
  const expected = { issuer: issuer.config.issuer, audience, required: requiredClaims[type], toleranceSeconds }
  const fault = findClaimError(jwt.claims, expected, nowMs)
  if (fault === EXPIRED) refuse('ERR_DPOP_TOKEN_EXPIRED')
  if (fault !== undefined) invalid(fault)
  if (type === 'at+jwt') checkTypes(jwt)
  return keys
}

/** `sub`, `client_id` and `jti` (RFC 9068 §2.2) must be non-empty strings. */
function checkTypes({ claims: { sub, client_id: clientId, jti } }: Jwt): void {
  const areStrings = [sub, clientId, jti].every((claim) => typeof claim === 'string' && claim !== '')
  if (!areStrings) invalid('a claim of the wrong type')
}

function invalid(reason: string): never {
  return refuse('ERR_DPOP_TOKEN_INVALID', { reason })
}
