/** The key set of an issuer: fetched on demand, refreshed as it ages or rotates, kept in use during an outage. @module */

import { LRUCache } from 'lru-cache'
import type { VerifierConfig } from '../config/config.js'
import { type IssuerConfig, isJwkSet } from '../config/issuers.js'
import { misconfigured } from '../config/option-validation.js'
import { copyString } from '../encoding/copy-string.js'
import { DPoPUnavailableError } from '../errors.js'
import type { JwkSet } from '../options.js'
import * as telemetry from '../telemetry.js'
import { isWithin, LOOKUP_COOLDOWN_MS, REFRESH_COOLDOWN_MS, RETRY_COOLDOWN_MS } from './cooldown.js'
import { fetchJson } from './fetch-document.js'
import { KeySet } from './key-set.js'
import type { IssuerMetadata } from './metadata.js'

/** Age at which the key set is refreshed in the background. */
const FRESH_MS = 10 * 60_000
/** Capacity of the list of keys that were looked up, and the longest `kid` in it. Of longer ones only the start counts. */
const MAX_LOOKUPS = 1000
const MAX_KID_LENGTH = 256

/**
 * The keys of one issuer. The {@link KeySet} keeps its identity until the keys change, so that a cached result can be checked for
 * rotation.
 */
export interface IssuerKeys {
  /** The current key set; undefined if none was fetched or it is too old to use. */
  present(nowMs: number): KeySet | undefined
  /** The current key set, fetched if needed. Throws {@link DPoPUnavailableError} if that fails. */
  current(): Promise<KeySet>
  /**
   * Refreshes the key set because it lacks a key with this `kid`, or one that verifies a token without `kid`. undefined if a key set that
   * was fetched seconds ago lacks it.
   */
  newer(kid: string | undefined): Promise<KeySet | undefined>
}

/** The keys of an issuer: configured, or fetched from a configured or discovered URL. */
export function createIssuerKeys(issuer: IssuerConfig, metadata: IssuerMetadata, config: VerifierConfig): IssuerKeys {
  return issuer.jwks === undefined ? new RemoteKeys(issuer, metadata, config) : fixedKeys(issuer.jwks)
}

function fixedKeys(jwks: JwkSet): IssuerKeys {
  const keys = copyOf(jwks)
  return { present: () => keys, current: async () => keys, newer: async () => undefined }
}

function copyOf({ keys }: JwkSet): KeySet {
  try {
    return new KeySet(structuredClone(keys))
  } catch {
    return misconfigured('issuer.jwks', 'contain only JSON values')
  }
}

class RemoteKeys implements IssuerKeys {
  readonly #issuer: IssuerConfig
  readonly #metadata: IssuerMetadata
  readonly #config: VerifierConfig
  /** Age up to which the key set stays in use while the issuer is unavailable. */
  readonly #usableMs: number
  #jwksUri: string | undefined
  /** The key set with its document, to detect changes. */
  #loaded: { readonly keys: KeySet; readonly document: string; readonly atMs: number } | undefined
  #loading: Promise<KeySet> | undefined
  #failure: { readonly cause: unknown; readonly atMs: number } | undefined
  #refreshedForUnknownAtMs = Number.NEGATIVE_INFINITY
  /** When each `kid` was looked up, so that a client that keeps sending an unknown one causes fewer refreshes. */
  readonly #lookups = new LRUCache<string, number>({ max: MAX_LOOKUPS })

  constructor(issuer: IssuerConfig, metadata: IssuerMetadata, config: VerifierConfig) {
    this.#issuer = issuer
    this.#metadata = metadata
    this.#config = config
    this.#usableMs = FRESH_MS + config.staleIfErrorSeconds * 1000
    this.#jwksUri = issuer.jwksUri
  }

  present(nowMs: number): KeySet | undefined {
    if (this.#loaded === undefined) return undefined
    // If the clock was set back, the age is unknown but at least this much.
    const ageMs = Math.abs(nowMs - this.#loaded.atMs)
    if (ageMs >= this.#usableMs) return undefined
    if (ageMs >= FRESH_MS) this.#refresh(nowMs)
    return this.#loaded.keys
  }

  async current(): Promise<KeySet> {
    return this.present(this.#config.clock()) ?? (await this.#load())
  }

  async newer(kid: string | undefined): Promise<KeySet | undefined> {
    const nowMs = this.#config.clock()
    const name = copyString((kid ?? '').slice(0, MAX_KID_LENGTH))
    // The cooldowns apply because any client can send an unknown kid. A request during a fetch waits for its result.
    const lookedUpAtMs = this.#lookups.get(name) ?? Number.NEGATIVE_INFINITY
    const isRefreshed = isWithin(REFRESH_COOLDOWN_MS, this.#refreshedForUnknownAtMs, nowMs)
    if (isRefreshed || isWithin(LOOKUP_COOLDOWN_MS, lookedUpAtMs, nowMs)) return await this.#loading
    const keys = await this.#load()
    // Only after success: while the issuer is unavailable, the missing key may exist.
    this.#refreshedForUnknownAtMs = nowMs
    this.#lookups.set(name, nowMs)
    return keys
  }

  /** Refreshes in the background. A failure is reported to operators, not to the client. */
  #refresh(nowMs: number): void {
    if (this.#loading !== undefined || this.#isCoolingDown(nowMs)) return
    this.#load().catch(({ code, cause }: DPoPUnavailableError) => telemetry.unavailable.publish({ code, cause }))
  }

  /** Concurrent callers share one fetch. After a failure, no fetch is made during the cooldown. */
  #load(): Promise<KeySet> {
    this.#loading ??= this.#fetch().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #fetch(): Promise<KeySet> {
    const nowMs = this.#config.clock()
    if (this.#isCoolingDown(nowMs)) throw unavailable(this.#failure?.cause)
    const startMs = performance.now()
    try {
      this.#jwksUri ??= await this.#metadata.endpoint('jwks_uri')
      const document = await fetchJson(this.#jwksUri, this.#config)
      if (!isJwkSet(document)) throw new Error('The document is not a JWK Set')
      return this.#accept(document, nowMs, startMs)
    } catch (cause) {
      this.#failure = { cause, atMs: this.#config.clock() }
      // The metadata may have changed as well.
      this.#jwksUri = this.#issuer.jwksUri
      throw unavailable(cause)
    }
  }

  #isCoolingDown(nowMs: number): boolean {
    return this.#failure !== undefined && isWithin(RETRY_COOLDOWN_MS, this.#failure.atMs, nowMs)
  }

  #accept(jwks: JwkSet, atMs: number, startMs: number): KeySet {
    const document = JSON.stringify(jwks)
    const isChanged = this.#loaded?.document !== document
    const keys = this.#loaded === undefined || isChanged ? new KeySet(jwks.keys) : this.#loaded.keys
    this.#loaded = { keys, document, atMs }
    this.#failure = undefined
    const { issuer } = this.#issuer
    telemetry.keysRefreshed.publish({ issuer, keyCount: jwks.keys.length, isChanged, durationMs: performance.now() - startMs })
    return keys
  }
}

function unavailable(cause: unknown): DPoPUnavailableError {
  return new DPoPUnavailableError('ERR_DPOP_KEYS_UNAVAILABLE', cause)
}
