/** Verifies a JWT access token as RFC 9068 §4 says: signature, issuer, audience, time, type and required claims. @module */

import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify, type LocalJWKSet } from 'jose'
import { platform } from '#crypto'
import type { VerifierConfig } from '../config/config.js'
import { decodeJsonObject, splitCompactJws } from '../encoding/compact-jws.js'
import { DPoPUnavailableError, Refusal, refuse } from '../errors.js'
import type { Issuer } from './issuers.js'

/** Claims of a verified token, and the keys of its issuer with which it was verified. */
export interface VerifiedJwt {
  readonly claims: JWTPayload
  readonly keys: LocalJWKSet
}

/** RFC 9068 §2.2. */
const requiredClaims = { 'at+jwt': ['exp', 'sub', 'client_id', 'iat', 'jti'], any: ['exp'] }
/** Keys of one kid that are tried, where a key set has several. */
const MAX_KEYS_TRIED = 8

/** Kinds of JWT that are never an access token, whatever `token.type` says (RFC 8725 §3.12). */
const otherKinds = [
  'dpop+jwt',
  'token-introspection+jwt',
  'logout+jwt',
  'secevent+jwt',
  'oauth-authz-req+jwt',
  'client-authentication+jwt'
]

/**
 * What a JWT says of itself, which nobody has verified yet: its issuer. Undefined for a token that is no JWT in compact
 * serialization, written in the one way that counts as one here.
 */
export function readJwt(token: string): { readonly iss: unknown } | undefined {
  const jws = splitCompactJws(token)
  if (jws === undefined || platform.decodeBase64url(jws.signature) === undefined) return undefined
  const header = decodeJsonObject(jws.header)
  const claims = decodeJsonObject(jws.payload)
  if (header === undefined || claims === undefined) return undefined
  // RFC 7797 §7: a JWT has no b64.
  if (header['b64'] !== undefined) refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'b64' })
  const kind = typeof header['typ'] === 'string' ? header['typ'].toLowerCase().replace(/^application\//, '') : ''
  if (otherKinds.includes(kind)) refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'another kind of JWT' })
  return { iss: claims['iss'] }
}

/** Verifies a token that names `issuer`. Keys that the issuer has published since are looked for once. */
export async function verifyJwtAccessToken(
  token: string,
  { config, keys }: Issuer,
  { type, clockToleranceSeconds }: VerifierConfig['token'],
  nowMs: number
): Promise<VerifiedJwt> {
  const options: JWTVerifyOptions = {
    issuer: config.issuer,
    audience: [...config.audience],
    algorithms: [...config.algorithms],
    requiredClaims: requiredClaims[type],
    clockTolerance: clockToleranceSeconds,
    currentDate: new Date(nowMs),
    ...(type === 'at+jwt' && { typ: 'at+jwt' })
  }
  const verified = await verifyWithKeys(token, keys, options)
  if (type === 'at+jwt') checkTypes(verified.claims)
  return verified
}

async function verifyWithKeys(token: string, keys: Issuer['keys'], options: JWTVerifyOptions): Promise<VerifiedJwt> {
  try {
    const present = await keys.current()
    return { claims: await verifyWith(token, present, options), keys: present }
  } catch (error) {
    if (!(error instanceof errors.JWKSNoMatchingKey)) refuseToken(error)
  }
  const newer = await keys.newer()
  if (newer === undefined) refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'no key of the issuer fits' })
  return { claims: await verifyWith(token, newer, options).catch(refuseToken), keys: newer }
}

/** What jose does not look at: the types of the claims that RFC 9068 §2.2 requires. */
function checkTypes({ sub, client_id: clientId, jti, iat }: JWTPayload): void {
  const areStrings = [sub, clientId, jti].every((claim) => typeof claim === 'string' && claim !== '')
  if (!areStrings || typeof iat !== 'number') refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'a claim of the wrong type' })
}

async function verifyWith(token: string, select: JWTVerifyGetKey, options: JWTVerifyOptions): Promise<JWTPayload> {
  try {
    return (await jwtVerify(token, select, options)).payload
  } catch (error) {
    if (!(error instanceof errors.JWKSMultipleMatchingKeys)) throw error
    return await verifyWithEach(token, error, options)
  }
}

/** RFC 7517 §4.5 allows several keys of one kid; the token is good if one of them verifies it. */
async function verifyWithEach(
  token: string,
  keys: errors.JWKSMultipleMatchingKeys,
  options: JWTVerifyOptions
): Promise<JWTPayload> {
  let left = MAX_KEYS_TRIED
  for await (const key of keys) {
    if (left-- === 0) break
    try {
      return (await jwtVerify(token, key, options)).payload
    } catch (error) {
      if (!(error instanceof errors.JWSSignatureVerificationFailed)) throw error
    }
  }
  throw new errors.JWSSignatureVerificationFailed()
}

/** A fault that jose found in the token is the client's. Anything else is a key that cannot be used, or ours. */
function refuseToken(error: unknown): never {
  if (error instanceof Refusal || error instanceof DPoPUnavailableError) throw error
  if (error instanceof errors.JWTExpired) refuse('ERR_DPOP_TOKEN_EXPIRED')
  if (error instanceof errors.JOSEError && !(error instanceof errors.JWKSInvalid))
    refuse('ERR_DPOP_TOKEN_INVALID', { reason: error.message })
  throw new DPoPUnavailableError('ERR_DPOP_KEYS_UNAVAILABLE', error)
}
