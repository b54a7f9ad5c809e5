/** Verifies access tokens: JWTs, whose result is cached, and opaque tokens through introspection. @module */

import { platform } from '#crypto'
import { ClientCache } from '../cache/client-cache.js'
import type { VerifierConfig } from '../config/config.js'
import type { MaybePromise } from '../crypto/crypto.js'
import type { LoopTurn } from '../crypto/signature-threads.js'
import { deepFreeze, type JsonObject } from '../encoding/json.js'
import { printable } from '../encoding/printable.js'
import { DPoPUnavailableError, Refusal, refuse } from '../errors.js'
import type { AccessTokenClaims } from '../verified-request.js'
import type { AudienceComparison } from './claims.js'
import { clientOf } from './client-of.js'
import { type Confirmation, readConfirmation } from './confirmation.js'
import { grantedScopes } from './granted-scopes.js'
import { checkIntrospected } from './introspected-token.js'
import { type Issuer, Issuers } from './issuers.js'
import { type Jwt, looksLikeJwt, readJwt } from './jwt.js'
import { type Presentation, verifyJwtAccessToken } from './jwt-access-token.js'
import type { KeySet } from './key-set.js'

/** A verified access token. The binding to the key of the proof is not checked yet. */
export interface VerifiedToken {
  readonly issuer: string
  readonly claims: AccessTokenClaims
  readonly scopes: readonly string[]
  readonly confirmation: Confirmation
}

/** The access token of a request. */
export interface PresentedToken extends Presentation {
  readonly text: string
  /** Its SHA-256, base64url. */
  readonly hash: string
  /** The cache entry of this token, if it was verified before and has not expired. */
  readonly cached: CachedToken | undefined
}

/** A cache entry. */
interface CachedToken {
  readonly verified: VerifiedToken
  readonly issuer: Issuer
  /** The key set that verified it. After a rotation the token must be verified again. */
  readonly keys: KeySet
}

/** The access tokens of the configured issuers. */
export class AccessTokens {
  readonly #config: VerifierConfig
  readonly #issuers: Issuers
  /** Keyed by {@link cacheKeyOf} of the hash of the token: the token itself is not stored. */
  readonly #cache: ClientCache<CachedToken>
  /** Whether a cached token needs further checks on every request. */
  readonly #needsFurtherChecks: boolean

  constructor(config: VerifierConfig) {
    this.#config = config
    this.#issuers = new Issuers(config)
    this.#cache = new ClientCache({ maxClients: config.cache.maxClients, clientOf: ({ verified }) => clientOf(verified.claims) })
    const isIntrospected = [...this.#issuers.configured].some(({ config: { introspection } }) => introspection?.tokens === 'all')
    this.#needsFurtherChecks = config.token.isRevoked !== undefined || isIntrospected || typeof config.issuers === 'function'
  }

  /** Looks a token up in the cache. */
  present(
    text: string,
    atMs: number,
    turn: LoopTurn,
    audienceComparison: AudienceComparison = 'exact'
  ): MaybePromise<PresentedToken> {
    const toPresented = (hash: string): PresentedToken => {
      const cached = this.#findCached(cacheKeyOf(hash, audienceComparison), atMs)
      return { text, hash, cached, atMs, turn, audienceComparison }
    }
    const hash = platform.sha256(text)
    return typeof hash === 'string' ? toPresented(hash) : hash.then(toPresented)
  }

  /** Verifies a token, unless it is cached and needs no further checks. */
  verify(token: PresentedToken): MaybePromise<VerifiedToken> {
    if (token.cached !== undefined && !this.#needsFurtherChecks) return token.cached.verified
    return this.#verifyAndCheckRevocation(token)
  }

  /** The `acr_values_supported` of the issuer of a verified token, if its metadata was fetched and has them (RFC 9470 §7). */
  acrValuesSupported(iss: string): readonly unknown[] | undefined {
    return this.#issuers.metadataOf(iss)?.acrValuesSupported
  }

  /** Fetches metadata and keys of the configured issuers. */
  async ready(): Promise<void> {
    await Promise.all(
      Array.from(this.#issuers.configured, async ({ config, keys, introspection }) => {
        await introspection?.ready()
        // An issuer of opaque tokens needs no keys, unless it signs introspection responses.
        const mayLackKeys = config.introspection?.signedResponse === false
        await keys.current().catch((error) => mayLackKeys || Promise.reject(error))
      })
    )
  }

  async #verifyAndCheckRevocation(token: PresentedToken): Promise<VerifiedToken> {
    const verified = await this.#verifyAny(token)
    const { isRevoked } = this.#config.token
    // Fails closed: any value other than false counts as revoked.
    if (isRevoked !== undefined && (await isRevoked(verified.claims)) !== false) {
      refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'the access token was revoked' })
    }
    return verified
  }

  async #verifyAny(token: PresentedToken): Promise<VerifiedToken> {
    const { text, cached } = token
    // Only JWTs are cached.
    const jwt = cached === undefined ? readJwt(text) : undefined
    if (cached === undefined && jwt === undefined) {
      // A JWT in a non-canonical encoding is not introspected: the server may parse it less strictly.
      if (looksLikeJwt(text)) refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'the JWT is not canonically encoded' })
      return await this.#verifyOpaque(token)
    }
    const issuer = await this.#issuers.find(cached?.verified.issuer ?? jwt?.claims['iss'])
    if (issuer === undefined) return this.#refuseIssuer(cached?.verified.issuer ?? jwt?.claims['iss'])
    const isCached = cached?.issuer === issuer
    const verified = isCached ? cached.verified : await this.#verifyJwt(token, jwt ?? (readJwt(text) as Jwt), issuer)
    if (issuer.config.introspection?.tokens === 'all') await this.#confirmActive(token, issuer, verified)
    return verified
  }

  #refuseIssuer(iss: unknown): never {
    const similar = Array.from(this.#issuers.configured, ({ config }) => config.issuer).find(
      (issuer) => typeof iss === 'string' && issuer.replace(/\/$/, '') === iss.replace(/\/$/, '')
    )
    const hint = similar === undefined ? '' : `; ${printable(similar)} differs by a trailing slash`
    return refuse('ERR_DPOP_TOKEN_INVALID', { reason: `iss is ${printable(iss)}, which is not a configured issuer${hint}` })
  }

  #findCached(key: string, nowMs: number): CachedToken | undefined {
    const cached = this.#cache.get(key)
    if (cached === undefined) return undefined
    const { verified, issuer, keys } = cached
    const { clockToleranceSeconds } = issuer.config.token
    const isLive = issuer.keys.present(nowMs) === keys && isWithinLifetime(verified.claims, clockToleranceSeconds, nowMs)
    return isLive ? cached : undefined
  }

  async #verifyJwt(token: PresentedToken, jwt: Jwt, issuer: Issuer): Promise<VerifiedToken> {
    const keys = await verifyJwtAccessToken(jwt, issuer, this.#config, token)
    const verified = toVerifiedToken(issuer, jwt.claims)
    this.#cache.set(cacheKeyOf(token.hash, token.audienceComparison), { verified, issuer, keys })
    return verified
  }

  /**
   * An opaque token does not name its issuer, so the issuers with introspection are tried in sequence, starting with the one
   * for which the token was active before. Whatever one issuer responds, another may accept the token. If none does, an unavailable
   * issuer results in 503.
   */
  async #verifyOpaque(token: PresentedToken): Promise<VerifiedToken> {
    let outage: DPoPUnavailableError | undefined
    let refusal: Refusal | undefined
    const wasActive = ({ introspection }: Issuer) => Number(introspection?.wasActive(token.hash) ?? false)
    for (const issuer of [...this.#issuers.configured].sort((a, b) => wasActive(b) - wasActive(a))) {
      try {
        const introspected = await this.#introspect(token, issuer, false)
        if (introspected !== undefined) return introspected
      } catch (error) {
        if (error instanceof DPoPUnavailableError) outage = error
        else if (error instanceof Refusal) refusal ??= error
        else throw error
      }
    }
    if (outage !== undefined) throw outage
    if (refusal !== undefined) throw refusal
    return refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'not a JWT, and not active at any issuer with introspection' })
  }

  /** A valid JWT may have been revoked. If the introspection response has a `cnf.jkt`, it must be that of the JWT. */
  async #confirmActive(token: PresentedToken, issuer: Issuer, { confirmation }: VerifiedToken): Promise<void> {
    const introspected = await this.#introspect(token, issuer, true)
    if (introspected === undefined) refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'the access token is not active' })
    const { jkt } = introspected.confirmation
    if (jkt !== undefined && jkt !== confirmation.jkt)
      refuse('ERR_DPOP_TOKEN_BINDING', { reason: 'the introspection response has another cnf.jkt' })
  }

  /** The introspected token; undefined if it is not active or the issuer has no introspection. */
  async #introspect(
    { text, hash, atMs, audienceComparison }: PresentedToken,
    issuer: Issuer,
    isSignatureVerified: boolean
  ): Promise<VerifiedToken | undefined> {
    const members = await issuer.introspection?.activeToken(text, hash, atMs, isSignatureVerified)
    if (members === undefined) return undefined
    checkIntrospected(members, issuer.config, atMs, audienceComparison)
    return toVerifiedToken(issuer, { ...members, iss: issuer.config.issuer })
  }
}

/** A token that was accepted under one comparison may not be under the other. */
function cacheKeyOf(hash: string, comparison: AudienceComparison): string {
  return comparison === 'exact' ? hash : `${comparison}:${hash}`
}

function toVerifiedToken(issuer: Issuer, claims: JsonObject): VerifiedToken {
  return {
    issuer: issuer.config.issuer,
    claims: deepFreeze(claims) as AccessTokenClaims,
    scopes: Object.freeze(grantedScopes(claims, issuer.config.token.scopes)),
    confirmation: readConfirmation(claims)
  }
}

/** RFC 7519 §4.1.4 and §4.1.5, as for a token that is not cached. A JWT always has `exp`. */
function isWithinLifetime({ exp, nbf }: AccessTokenClaims, toleranceSeconds: number, nowMs: number): boolean {
  const now = Math.floor(nowMs / 1000)
  return (exp as number) > now - toleranceSeconds && (nbf === undefined || nbf <= now + toleranceSeconds)
}
