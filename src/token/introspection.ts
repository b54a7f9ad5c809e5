/** Introspects tokens at the authorization server (RFC 7662), optionally with signed responses (RFC 9701). @module */

import { LRUCache } from 'lru-cache'
import { ClientCache } from '../cache/client-cache.js'
import type { VerifierConfig } from '../config/config.js'
import type { IntrospectionConfig, IssuerConfig } from '../config/issuers.js'
import { observeLoopTurn } from '../crypto/signature-threads.js'
import type { JsonObject } from '../encoding/json.js'
import { DPoPUnavailableError } from '../errors.js'
import * as telemetry from '../telemetry.js'
import { findClaimError } from './claims.js'
import { authenticate } from './client-authentication.js'
import { clientOf } from './client-of.js'
import { isWithin, RETRY_COOLDOWN_MS } from './cooldown.js'
import { fetchDocument, parseJson } from './fetch-document.js'
import { IntrospectionEndpoint } from './introspection-endpoint.js'
import type { IssuerKeys } from './issuer-keys.js'
import { readJwt, typeOf, verifyJwtSignature } from './jwt.js'
import type { IssuerMetadata } from './metadata.js'

/** Capacity of the cache of other responses than those for active tokens. */
const MAX_INACTIVE = 10_000
/** Maximum age of a signed response (RFC 9701 §5). */
const MAX_RESPONSE_AGE_SECONDS = 300

interface ActiveOutcome {
  readonly is: 'active'
  readonly members: JsonObject
}

/** The result of an introspection request. */
type Outcome = ActiveOutcome | { readonly is: 'inactive' } | { readonly is: 'unknown'; readonly cause: unknown }

interface CachedOutcome {
  readonly outcome: Outcome
  readonly requestedAtMs: number
  readonly ttlMs: number
}

/** The introspection of one issuer. */
export class Introspection {
  readonly #issuer: IssuerConfig
  readonly #options: IntrospectionConfig
  readonly #config: VerifierConfig
  readonly #keys: IssuerKeys
  readonly #endpoint: IntrospectionEndpoint
  /** Keyed by the hash of the token: the token itself is not stored. */
  readonly #active: ClientCache<CachedOutcome>
  /** A cache of its own, so that forged tokens cannot evict active ones. */
  readonly #inactive = new LRUCache<string, CachedOutcome>({ max: MAX_INACTIVE })
  /** One concurrent request per token, shared by all requests that wait for it. */
  readonly #pending = new Map<string, Promise<Outcome>>()

  constructor(
    issuer: IssuerConfig,
    options: IntrospectionConfig,
    sources: { readonly keys: IssuerKeys; readonly metadata: IssuerMetadata },
    config: VerifierConfig
  ) {
    this.#issuer = issuer
    this.#options = options
    this.#keys = sources.keys
    this.#config = config
    this.#active = new ClientCache({
      maxClients: config.cache.maxClients,
      clientOf: ({ outcome }) => clientOf((outcome as ActiveOutcome).members)
    })
    this.#endpoint = new IntrospectionEndpoint(sources.metadata, options.endpoint, config)
  }

  /**
   * The introspection response of an active token, not validated further; undefined for an inactive one. The proof is not sent:
   * the binding is checked here (RFC 9449 §6.2).
   */
  async activeToken(
    token: string,
    tokenHash: string,
    nowMs: number,
    isSignatureVerified: boolean
  ): Promise<JsonObject | undefined> {
    const cached = findLive(this.#active, tokenHash, nowMs) ?? findLive(this.#inactive, tokenHash, nowMs)
    const outcome = cached ?? (await this.#requestOnce(token, tokenHash, isSignatureVerified || this.wasActive(tokenHash)))
    if (outcome.is === 'unknown') throw unavailable(outcome.cause)
    return outcome.is === 'active' ? outcome.members : undefined
  }

  /** Whether the last introspection response said that the token is active. */
  wasActive(tokenHash: string): boolean {
    return this.#active.has(tokenHash)
  }

  /** Discovers the endpoint and creates client credentials, so that a misconfiguration is found before the first request. */
  async ready(): Promise<void> {
    try {
      await this.#endpoint.url()
      await authenticate(this.#options, this.#issuer.issuer, this.#config.clock())
    } catch (cause) {
      throw unavailable(cause)
    }
  }

  #requestOnce(token: string, tokenHash: string, isTrusted: boolean): Promise<Outcome> | Outcome {
    const pending = this.#pending.get(tokenHash)
    if (pending !== undefined) return pending
    if (this.#pending.size >= this.#introspectionLimit(isTrusted))
      return { is: 'unknown', cause: new Error('The limit of concurrent introspection requests is reached') }
    const request = this.#introspect(token, tokenHash).finally(() => this.#pending.delete(tokenHash))
    this.#pending.set(tokenHash, request)
    return request
  }

  /** Half of the concurrent requests are reserved for tokens that were active before or have a verified signature. Forged tokens cannot use those. */
  #introspectionLimit(isTrusted: boolean): number {
    const { maxConcurrentRequests } = this.#options
    return isTrusted ? maxConcurrentRequests : Math.ceil(maxConcurrentRequests / 2)
  }

  async #introspect(token: string, tokenHash: string): Promise<Outcome> {
    const requestedAtMs = this.#config.clock()
    const outcome = await this.#measure(() => this.#outcomeOf(token, requestedAtMs))
    if (outcome.is === 'unknown') this.#endpoint.rediscover()
    if (outcome.is === 'inactive') this.#active.delete(tokenHash)
    const cache = outcome.is === 'active' ? this.#active : this.#inactive
    cache.set(tokenHash, { outcome, requestedAtMs, ttlMs: this.#cacheTtlMs(outcome, requestedAtMs) })
    return outcome
  }

  async #measure(request: () => Promise<Outcome>): Promise<Outcome> {
    const { introspected } = telemetry
    if (!introspected.hasSubscribers) return await request()
    const startMs = performance.now()
    const outcome = await request()
    const { issuer } = this.#issuer
    introspected.publish({
      issuer,
      outcome: outcome.is === 'unknown' ? 'unavailable' : outcome.is,
      durationMs: performance.now() - startMs
    })
    return outcome
  }

  async #outcomeOf(token: string, nowMs: number): Promise<Outcome> {
    try {
      const members = await this.#request(await this.#endpoint.url(), token, nowMs)
      // RFC 7662 §2.2: only a boolean true is an active token.
      return members['active'] === true ? { is: 'active', members } : { is: 'inactive' }
    } catch (cause) {
      return { is: 'unknown', cause }
    }
  }

  /** RFC 7662 §4: a response is not cached past the expiry of the token. After a failure, the request is not repeated during the cooldown. */
  #cacheTtlMs(outcome: Outcome, nowMs: number): number {
    if (outcome.is === 'unknown') return RETRY_COOLDOWN_MS
    const ttlMs = this.#options.maxCacheSeconds * 1000
    const exp = outcome.is === 'active' ? outcome.members['exp'] : undefined
    return typeof exp === 'number' ? Math.min(ttlMs, exp * 1000 - nowMs) : ttlMs
  }

  async #request(endpoint: string, token: string, nowMs: number): Promise<JsonObject> {
    const { authorization, parameters } = await authenticate(this.#options, this.#issuer.issuer, nowMs)
    const body = new URLSearchParams({ token, token_type_hint: 'access_token', ...parameters })
    const accept = this.#options.signedResponse ? 'application/token-introspection+jwt' : 'application/json'
    const headers = { accept, 'content-type': 'application/x-www-form-urlencoded', ...authorization }
    const document = await fetchDocument(endpoint, { method: 'POST', headers, body: body.toString() }, this.#config)
    const members: unknown = this.#options.signedResponse ? await this.#verified(document, nowMs) : parseJson(document)
    if (typeof members !== 'object' || members === null || Array.isArray(members))
      throw new Error('The introspection response is not an object')
    return members as JsonObject
  }

  /** RFC 9701 §5: only the signed `token_introspection` claim is used. */
  async #verified(document: string, nowMs: number): Promise<unknown> {
    const jwt = readJwt(document)
    if (jwt === undefined || typeOf(jwt) !== 'token-introspection+jwt')
      throw new Error('The introspection response is not a signed JWT')
    const { issuer, algorithms, token } = this.#issuer
    const { signatureThreads: threads } = this.#config
    const signature = await verifyJwtSignature(jwt, this.#keys, { algorithms, threads, turn: observeLoopTurn() })
    if (signature.keys === undefined)
      throw new Error(`The introspection response is not signed by the issuer: ${signature.reason}`)
    const { clientId } = this.#options
    const toleranceSeconds = token.clockToleranceSeconds
    const expected = { issuer, audience: [clientId], required: ['iss', 'aud', 'iat'], toleranceSeconds }
    const error =
      findClaimError(jwt.claims, expected, nowMs)?.reason ?? findAgeError(jwt.claims['iat'] as number, nowMs, toleranceSeconds)
    if (error !== undefined) throw new Error(`The introspection response is invalid: ${error}`)
    return jwt.claims['token_introspection']
  }
}

function findLive(cache: Pick<LRUCache<string, CachedOutcome>, 'get'>, tokenHash: string, nowMs: number): Outcome | undefined {
  const cached = cache.get(tokenHash)
  return cached !== undefined && isWithin(cached.ttlMs, cached.requestedAtMs, nowMs) ? cached.outcome : undefined
}

/** RFC 9701 §5: the response must be recent. */
function findAgeError(iat: number, nowMs: number, toleranceSeconds: number): string | undefined {
  const ageSeconds = Math.floor(nowMs / 1000) - iat
  const isRecent = ageSeconds >= -toleranceSeconds && ageSeconds <= MAX_RESPONSE_AGE_SECONDS + toleranceSeconds
  return isRecent ? undefined : 'iat is not recent'
}

function unavailable(cause: unknown): DPoPUnavailableError {
  return new DPoPUnavailableError('ERR_DPOP_INTROSPECTION_UNAVAILABLE', cause)
}
