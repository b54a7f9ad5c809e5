/** Verifies access tokens, whatever they look like: JWTs once and then from memory, opaque ones through introspection. @module */

import { LRUCache } from 'lru-cache'
import { platform } from '#crypto'
import type { VerifierConfig } from '../config/config.js'
import type { MaybePromise } from '../crypto/crypto.js'
import type { Begun } from '../crypto/signature-threads.js'
import { deepFreeze, type JsonObject } from '../encoding/json.js'
import { DPoPUnavailableError, refuse } from '../errors.js'
import type { AccessTokenClaims } from '../verified-request.js'
import { type Confirmation, readConfirmation } from './confirmation.js'
import { checkIntrospected } from './introspected-token.js'
import { type Issuer, Issuers } from './issuers.js'
import { type Jwt, looksLikeJwt, readJwt } from './jwt.js'
import { verifyJwtAccessToken } from './jwt-access-token.js'
import type { KeySet } from './key-set.js'

/** An access token that was verified: everything but what the request must prove. */
export interface VerifiedToken {
  readonly issuer: string
  readonly claims: AccessTokenClaims
  readonly scopes: readonly string[]
  readonly confirmation: Confirmation
}

/** An access token as a request has it. */
export interface PresentedToken {
  readonly text: string
  /** Its SHA-256, base64url. */
  readonly hash: string
  /** What is known of this very token, if it was verified before and still is good in itself. */
  readonly remembered: Remembered | undefined
  /** The one instant for all that is said of it: no check disagrees with another about the time. */
  readonly atMs: number
  readonly begun: Begun
}

/** A token that was verified. */
interface Remembered {
  readonly verified: VerifiedToken
  readonly issuer: Issuer
  /** The keys of its issuer with which it was verified; under others it must be verified anew. */
  readonly keys: KeySet
}

/** Verified tokens that are remembered. */
const MAX_TOKENS = 10_000

/** The access tokens of the configured issuers. */
export class AccessTokens {
  readonly #config: VerifierConfig
  readonly #issuers: Issuers
  /** By the hash of the token: the token itself is not kept. */
  readonly #remembered = new LRUCache<string, Remembered>({ max: MAX_TOKENS })
  /** Whether something must be asked on every request, so that memory alone does not do. */
  readonly #asksEveryTime: boolean

  constructor(config: VerifierConfig) {
    this.#config = config
    this.#issuers = new Issuers(config)
    const isIntrospected = [...this.#issuers.configured].some(({ config: { introspection } }) => introspection?.tokens === 'all')
    this.#asksEveryTime = config.token.isRevoked !== undefined || isIntrospected || typeof config.issuers === 'function'
  }

  /** Looks a token up among those that were verified. */
  present(text: string, atMs: number, begun: Begun): MaybePromise<PresentedToken> {
    const hash = platform.sha256(text)
    return typeof hash === 'string'
      ? { text, hash, remembered: this.#recall(hash, atMs), atMs, begun }
      : hash.then((made) => ({ text, hash: made, remembered: this.#recall(made, atMs), atMs, begun }))
  }

  /** Verifies a token, unless it is remembered and nothing must be asked. */
  verify(token: PresentedToken): MaybePromise<VerifiedToken> {
    if (token.remembered !== undefined && !this.#asksEveryTime) return token.remembered.verified
    return this.#verifyAndAsk(token)
  }

  /** Fetches what can be fetched before the first request: metadata and keys of the configured issuers. */
  async ready(): Promise<void> {
    await Promise.all(
      Array.from(this.#issuers.configured, async ({ config, keys, introspection }) => {
        await introspection?.ready()
        // An issuer of opaque tokens need not have keys, unless it signs its answers.
        const mayLackKeys = config.introspection?.signedResponse === false
        await keys.current().catch((error) => mayLackKeys || Promise.reject(error))
      })
    )
  }

  async #verifyAndAsk(token: PresentedToken): Promise<VerifiedToken> {
    const verified = await this.#verifyAny(token)
    const { isRevoked } = this.#config.token
    // Only false is a token in force: a hook that answers anything else is taken at its worst.
    if (isRevoked !== undefined && (await isRevoked(verified.claims)) !== false) {
      refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'the access token was revoked' })
    }
    return verified
  }

  async #verifyAny(token: PresentedToken): Promise<VerifiedToken> {
    const { text, remembered } = token
    // A token that is remembered was a JWT.
    const jwt = remembered === undefined ? readJwt(text) : undefined
    if (remembered === undefined && jwt === undefined) {
      // Another spelling of a JWT: servers read it less strictly, and their word would stand in for every check that it failed.
      if (looksLikeJwt(text)) refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'a JWT that is not spelt as one' })
      return await this.#verifyOpaque(token)
    }
    const issuer = await this.#issuers.named(remembered?.verified.issuer ?? jwt?.claims['iss'])
    if (issuer === undefined) return refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'not one of the configured issuers' })
    const isKnown = remembered?.issuer === issuer
    const verified = isKnown ? remembered.verified : await this.#verifyJwt(token, jwt ?? (readJwt(text) as Jwt), issuer)
    if (issuer.config.introspection?.tokens === 'all') await this.#confirmActive(token, issuer, verified)
    return verified
  }

  #recall(hash: string, nowMs: number): Remembered | undefined {
    const remembered = this.#remembered.get(hash)
    if (remembered === undefined) return undefined
    const { verified, issuer, keys } = remembered
    return issuer.keys.present(nowMs) === keys && this.#isInTime(verified.claims, nowMs) ? remembered : undefined
  }

  /** RFC 7519 §4.1.4 and §4.1.5, as for a token that is new. */
  #isInTime({ exp, nbf }: AccessTokenClaims, nowMs: number): boolean {
    const now = Math.floor(nowMs / 1000)
    const tolerance = this.#config.token.clockToleranceSeconds
    return exp > now - tolerance && (nbf === undefined || nbf <= now + tolerance)
  }

  async #verifyJwt({ hash, atMs, begun }: PresentedToken, jwt: Jwt, issuer: Issuer): Promise<VerifiedToken> {
    const keys = await verifyJwtAccessToken(jwt, issuer, this.#config, atMs, begun)
    const verified = toVerifiedToken(issuer, jwt.claims)
    this.#remembered.set(hash, { verified, issuer, keys })
    return verified
  }

  /**
   * An opaque token does not say whose it is: of the issuers that can be asked, one must know it, and the one that knew it before
   * is asked first. That another is out of reach does not matter then; where none knows it, it does.
   */
  async #verifyOpaque(token: PresentedToken): Promise<VerifiedToken> {
    let outage: DPoPUnavailableError | undefined
    const knew = ({ introspection }: Issuer) => Number(introspection?.knows(token.hash) ?? false)
    for (const issuer of [...this.#issuers.configured].sort((a, b) => knew(b) - knew(a))) {
      try {
        const introspected = await this.#introspect(token, issuer, false)
        if (introspected !== undefined) return introspected
      } catch (error) {
        if (!(error instanceof DPoPUnavailableError)) throw error
        outage = error
      }
    }
    if (outage !== undefined) throw outage
    return refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'neither a JWT nor active at an issuer' })
  }

  /** A JWT that is good in itself may have been revoked. Where the server names a key it must be the same. */
  async #confirmActive(token: PresentedToken, issuer: Issuer, { confirmation }: VerifiedToken): Promise<void> {
    const introspected = await this.#introspect(token, issuer, true)
    if (introspected === undefined) refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'the access token is not active' })
    const { jkt } = introspected.confirmation
    if (jkt !== undefined && jkt !== confirmation.jkt)
      refuse('ERR_DPOP_TOKEN_BINDING', { reason: 'the server knows another key' })
  }

  /** What the issuer says of a token; undefined where it is not active, or cannot be asked. */
  async #introspect(
    { text, hash, atMs }: PresentedToken,
    issuer: Issuer,
    isVouchedFor: boolean
  ): Promise<VerifiedToken | undefined> {
    const members = await issuer.introspection?.activeToken(text, hash, atMs, isVouchedFor)
    if (members === undefined) return undefined
    checkIntrospected(members, issuer.config, this.#config.token.clockToleranceSeconds, atMs)
    return toVerifiedToken(issuer, { ...members, iss: issuer.config.issuer })
  }
}

function toVerifiedToken(issuer: Issuer, claims: JsonObject): VerifiedToken {
  return {
    issuer: issuer.config.issuer,
    claims: deepFreeze(claims) as AccessTokenClaims,
    scopes: Object.freeze(scopesOf(claims)),
    confirmation: readConfirmation(claims)
  }
}

/** RFC 8693 §4.2: scope is one string with spaces between; some servers send a list. */
function scopesOf({ scope }: JsonObject): string[] {
  const scopes = typeof scope === 'string' ? scope.split(' ') : Array.isArray(scope) ? scope : []
  return scopes.filter((one): one is string => typeof one === 'string' && one !== '')
}
