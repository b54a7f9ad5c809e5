/** Verifies JWT access tokens as RFC 9068 §4 says, each once: afterwards the cache answers until it expires. @module */

import { errors, type JWTPayload, type JWTVerifyGetKey, type JWTVerifyOptions, jwtVerify, type LocalJWKSet } from 'jose'
import { LRUCache } from 'lru-cache'
import { platform } from '#crypto'
import type { MaybePromise } from '../crypto/crypto.js'
import { decodeJsonObject, splitCompactJws } from '../encoding/compact-jws.js'
import { deepFreeze } from '../encoding/json.js'
import { DPoPUnavailableError, Refusal, refuse } from '../errors.js'
import type { IssuerConfig, VerifierConfig } from '../options.js'
import type { AccessTokenClaims } from '../verified-request.js'
import { type Confirmation, readConfirmation } from './confirmation.js'
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.js'

/** An access token that was verified: everything but what the request must prove. */
export interface VerifiedToken {
  readonly issuer: string
  readonly claims: AccessTokenClaims
  readonly scopes: readonly string[]
  readonly confirmation: Confirmation
}

interface Remembered {
  readonly verified: VerifiedToken
  readonly issuer: Issuer
  /** The keys of its issuer with which it was verified; under others it must be verified anew. */
  readonly keys: LocalJWKSet
}

interface Issuer {
  readonly config: IssuerConfig
  readonly keys: IssuerKeys
}

/** RFC 9068 §2.2. */
const requiredClaims = { 'at+jwt': ['exp', 'sub', 'client_id', 'iat', 'jti'], any: ['exp'] }
/** Kinds of JWT that are never an access token, whatever `token.type` says (RFC 8725 §3.12). */
const otherKinds = [
  'dpop+jwt',
  'token-introspection+jwt',
  'logout+jwt',
  'secevent+jwt',
  'oauth-authz-req+jwt',
  'client-authentication+jwt'
]
/** Verified tokens that are remembered. */
const MAX_TOKENS = 10_000
/** Keys of one kid that are tried, where a key set has several. */
const MAX_KEYS_TRIED = 8

/** The access tokens of the configured issuers. */
export class AccessTokens {
  readonly #config: VerifierConfig
  readonly #issuers: ReadonlyMap<string, Issuer>
  /** By the hash of the token: the token itself is not kept. */
  readonly #remembered = new LRUCache<string, Remembered>({ max: MAX_TOKENS })

  constructor(config: VerifierConfig) {
    this.#config = config
    this.#issuers = new Map(config.issuers.map((one) => [one.issuer, { config: one, keys: createIssuerKeys(one, config) }]))
  }

  /** Verifies a token, or finds it among those that were. `tokenHash` is its SHA-256. */
  verify(token: string, tokenHash: string, nowMs: number): MaybePromise<VerifiedToken> {
    const remembered = this.#recall(tokenHash, nowMs)
    if (remembered !== undefined && this.#config.token.isRevoked === undefined) return remembered
    return this.#verifyStatus(remembered ?? this.#verifyAnew(token, tokenHash, nowMs))
  }

  /** Asked every time: a token can be revoked between two requests. */
  async #verifyStatus(pending: MaybePromise<VerifiedToken>): Promise<VerifiedToken> {
    const verified = await pending
    const { isRevoked } = this.#config.token
    // Only false is a token in force: a hook that answers anything else is taken at its worst.
    if (isRevoked !== undefined && (await isRevoked(verified.claims)) !== false)
      refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'the access token was revoked' })
    return verified
  }

  #recall(tokenHash: string, nowMs: number): VerifiedToken | undefined {
    const remembered = this.#remembered.get(tokenHash)
    if (remembered === undefined) return undefined
    const { verified, issuer, keys } = remembered
    return issuer.keys.present(nowMs) === keys && this.#isInTime(verified.claims, nowMs) ? verified : undefined
  }

  /** RFC 7519 §4.1.4 and §4.1.5, as jose judges them. */
  #isInTime({ exp, nbf }: AccessTokenClaims, nowMs: number): boolean {
    const now = Math.floor(nowMs / 1000)
    const tolerance = this.#config.token.clockToleranceSeconds
    return exp > now - tolerance && (nbf === undefined || nbf <= now + tolerance)
  }

  async #verifyAnew(token: string, tokenHash: string, nowMs: number): Promise<VerifiedToken> {
    const issuer = this.#issuerOf(token)
    const { claims, keys } = await this.#verifySignature(token, issuer, nowMs)
    this.#checkProfile(claims)
    const verified = {
      issuer: issuer.config.issuer,
      claims: deepFreeze(claims) as AccessTokenClaims,
      scopes: Object.freeze(scopesOf(claims)),
      confirmation: readConfirmation(claims)
    }
    this.#remembered.set(tokenHash, { verified, issuer, keys })
    return verified
  }

  /** The issuer that a token names, which is not believed yet: it only chooses among the configured ones. */
  #issuerOf(token: string): Issuer {
    const jws = splitCompactJws(token) ?? notAJwt()
    const header = decodeJsonObject(jws.header) ?? notAJwt()
    const claims = decodeJsonObject(jws.payload) ?? notAJwt()
    if (platform.decodeBase64url(jws.signature) === undefined) notAJwt()
    // RFC 7797 §7: a JWT has no b64.
    if (header['b64'] !== undefined) refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'b64' })
    const kind = typeof header['typ'] === 'string' ? header['typ'].toLowerCase().replace(/^application\//, '') : ''
    if (otherKinds.includes(kind)) refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'another kind of JWT' })
    const issuer = this.#issuers.get(claims['iss'] as string)
    return issuer ?? refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'not one of the configured issuers' })
  }

  async #verifySignature(
    token: string,
    { config, keys }: Issuer,
    nowMs: number
  ): Promise<{ claims: JWTPayload; keys: LocalJWKSet }> {
    const { type, clockToleranceSeconds } = this.#config.token
    const options: JWTVerifyOptions = {
      issuer: config.issuer,
      audience: [...config.audience],
      algorithms: [...config.algorithms],
      requiredClaims: requiredClaims[type],
      clockTolerance: clockToleranceSeconds,
      currentDate: new Date(nowMs),
      ...(type === 'at+jwt' && { typ: 'at+jwt' })
    }
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
  #checkProfile({ sub, client_id: clientId, jti, iat }: JWTPayload): void {
    if (this.#config.token.type === 'any') return
    const areStrings = [sub, clientId, jti].every((claim) => typeof claim === 'string' && claim !== '')
    if (!areStrings || typeof iat !== 'number') refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'a claim of the wrong type' })
  }
}

function notAJwt(): never {
  refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'not a JWT in compact serialization' })
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

/** RFC 8693 §4.2: scope is one string with spaces between; some servers send a list. */
function scopesOf({ scope }: JWTPayload): string[] {
  const scopes = typeof scope === 'string' ? scope.split(' ') : Array.isArray(scope) ? scope : []
  return scopes.filter((one): one is string => typeof one === 'string' && one !== '')
}
