/** Verifies a JWT access token as RFC 9068 §4 says: signature, issuer, audience, time, type and required claims. @module */

import type { VerifierConfig } from '../config/config.js'
import type { Begun } from '../crypto/signature-threads.js'
import { refuse } from '../errors.js'
import { EXPIRED, faultOf } from './claims.js'
import type { Issuer } from './issuers.js'
import { findSigner, type Jwt, typeOf } from './jwt.js'
import type { KeySet } from './key-set.js'

/** What RFC 9068 §2.2 requires, and what is required of any token. */
const requiredClaims = {
  'at+jwt': ['iss', 'aud', 'exp', 'sub', 'client_id', 'iat', 'jti'],
  any: ['iss', 'aud', 'exp']
} as const

/** Kinds of JWT that are never an access token, whatever `token.type` says (RFC 8725 §3.12). */
const otherKinds = [
  'dpop+jwt',
  'token-introspection+jwt',
  'logout+jwt',
  'secevent+jwt',
  'oauth-authz-req+jwt',
  'client-authentication+jwt'
]

/** Verifies a JWT that names `issuer`, and gives the keys with one of which its signature verifies. */
export async function verifyJwtAccessToken(
  jwt: Jwt,
  issuer: Issuer,
  config: Pick<VerifierConfig, 'token' | 'signatureThreads'>,
  nowMs: number,
  begun: Begun
): Promise<KeySet> {
  const { type, clockToleranceSeconds: toleranceSeconds } = config.token
  const typ = typeOf(jwt)
  if (type === 'at+jwt' ? typ !== 'at+jwt' : otherKinds.includes(typ ?? '')) invalid('typ is of another kind of JWT')
  const { algorithms, audience } = issuer.config
  const keys = await findSigner(jwt, issuer.keys, { algorithms, threads: config.signatureThreads, begun })
  if (keys === undefined) return invalid('no key of the issuer verifies it')
  const expected = { issuer: issuer.config.issuer, audience, required: requiredClaims[type], toleranceSeconds }
  const fault = faultOf(jwt.claims, expected, nowMs)
  if (fault === EXPIRED) refuse('ERR_DPOP_TOKEN_EXPIRED')
  if (fault !== undefined) invalid(fault)
  if (type === 'at+jwt') checkTypes(jwt)
  return keys
}

/** The claims that RFC 9068 §2.2 requires say who: they are texts that are not empty. */
function checkTypes({ claims: { sub, client_id: clientId, jti } }: Jwt): void {
  const areTexts = [sub, clientId, jti].every((claim) => typeof claim === 'string' && claim !== '')
  if (!areTexts) invalid('a claim of the wrong type')
}

function invalid(reason: string): never {
  return refuse('ERR_DPOP_TOKEN_INVALID', { reason })
}
