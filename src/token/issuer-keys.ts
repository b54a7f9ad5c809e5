/** The public keys of one issuer: fetched once at a time, fetched anew as they age or rotate, kept through an outage. @module */

import type { VerifierConfig } from '../config/config.js'
import { type IssuerConfig, isJwkSet } from '../config/issuers.js'
import { misconfigured } from '../config/option-validation.js'
import { DPoPUnavailableError } from '../errors.js'
import type { JwkSet } from '../options.js'
import * as telemetry from '../telemetry.js'
import { isWithin, REFRESH_COOLDOWN_MS, RETRY_COOLDOWN_MS } from './cooldown.js'
import { KeySet } from './key-set.js'
import { discoverEndpoint, fetchJson } from './metadata.js'

/** Age at which keys are fetched anew, behind the back of requests. */
const FRESH_MS = 10 * 60_000

/**
 * The keys of one issuer. The same keys are the same {@link KeySet}, so that whoever verified something with one can see
 * whether it is still the present one.
 */
export interface IssuerKeys {
  /** The keys at hand; undefined where there are none yet, or they are too old to vouch for anything. */
  present(nowMs: number): KeySet | undefined
  /** The keys at hand, fetched where there are none. Throws {@link DPoPUnavailableError} where that fails. */
  current(): Promise<KeySet>
  /** Newer keys, asked for because the present ones lack one; undefined where it is too early to ask again. */
  newer(): Promise<KeySet | undefined>
}

/** The keys of an issuer as it was configured: given, or behind a URL that is given or found by discovery. */
export function createIssuerKeys(issuer: IssuerConfig, config: VerifierConfig): IssuerKeys {
  return issuer.jwks === undefined ? new RemoteKeys(issuer, config) : fixedKeys(issuer.jwks)
}

function fixedKeys(jwks: JwkSet): IssuerKeys {
  const keys = copyOf(jwks)
  return { present: () => keys, current: async () => keys, newer: async () => undefined }
}

function copyOf({ keys }: JwkSet): KeySet {
  try {
    return new KeySet(structuredClone(keys))
  } catch {
    return misconfigured('issuer.jwks', 'have keys of JSON values alone')
  }
}

class RemoteKeys implements IssuerKeys {
  readonly #issuer: IssuerConfig
  readonly #config: VerifierConfig
  /** Age up to which keys that were good stay in use while the issuer cannot be reached. */
  readonly #usableMs: number
  #jwksUri: string | undefined
  /** The keys, with the document that they came from, to see whether it changed. */
  #loaded: { readonly keys: KeySet; readonly document: string; readonly atMs: number } | undefined
  #loading: Promise<KeySet> | undefined
  #failure: { readonly cause: unknown; readonly atMs: number } | undefined
  #askedForUnknownAtMs = Number.NEGATIVE_INFINITY

  constructor(issuer: IssuerConfig, config: VerifierConfig) {
    this.#issuer = issuer
    this.#config = config
    this.#usableMs = FRESH_MS + config.staleIfErrorSeconds * 1000
    this.#jwksUri = issuer.jwksUri
  }

  present(nowMs: number): KeySet | undefined {
    if (this.#loaded === undefined) return undefined
    // Where the clock was set back nobody knows how old they are: at least by so much.
    const ageMs = Math.abs(nowMs - this.#loaded.atMs)
    if (ageMs >= this.#usableMs) return undefined
    if (ageMs >= FRESH_MS) this.#refresh(nowMs)
    return this.#loaded.keys
  }

  async current(): Promise<KeySet> {
    return this.present(this.#config.clock()) ?? (await this.#load())
  }

  async newer(): Promise<KeySet | undefined> {
    const nowMs = this.#config.clock()
    // Anybody can send an unknown kid.
    if (isWithin(REFRESH_COOLDOWN_MS, this.#askedForUnknownAtMs, nowMs)) return await this.#loading
    const keys = await this.#load()
    // Not before: while the issuer cannot be asked, the key that we lack may well exist.
    this.#askedForUnknownAtMs = nowMs
    return keys
  }

  /** Behind the back of whoever asks: it is the operator who is told that keys grow old. */
  #refresh(nowMs: number): void {
    if (this.#loading !== undefined || this.#isPausing(nowMs)) return
    this.#load().catch(({ code, cause }: DPoPUnavailableError) => telemetry.unavailable.publish({ code, cause }))
  }

  /** One fetch at a time, however many wait for it, and a pause after one that failed. */
  #load(): Promise<KeySet> {
    this.#loading ??= this.#fetch().finally(() => {
      this.#loading = undefined
    })
    return this.#loading
  }

  async #fetch(): Promise<KeySet> {
    const nowMs = this.#config.clock()
    if (this.#isPausing(nowMs)) throw unavailable(this.#failure?.cause)
    try {
      this.#jwksUri ??= await discoverEndpoint(this.#issuer.issuer, 'jwks_uri', this.#config)
      const document = await fetchJson(this.#jwksUri, this.#config)
      if (!isJwkSet(document)) throw new Error('The document is not a JWK Set')
      return this.#accept(document, nowMs)
    } catch (cause) {
      this.#failure = { cause, atMs: this.#config.clock() }
      // The metadata may have moved on as well.
      this.#jwksUri = this.#issuer.jwksUri
      throw unavailable(cause)
    }
  }

  #isPausing(nowMs: number): boolean {
    return this.#failure !== undefined && isWithin(RETRY_COOLDOWN_MS, this.#failure.atMs, nowMs)
  }

  #accept(jwks: JwkSet, atMs: number): KeySet {
    const document = JSON.stringify(jwks)
    const keys = this.#loaded?.document === document ? this.#loaded.keys : new KeySet(jwks.keys)
    this.#loaded = { keys, document, atMs }
    this.#failure = undefined
    return keys
  }
}

function unavailable(cause: unknown): DPoPUnavailableError {
  return new DPoPUnavailableError('ERR_DPOP_KEYS_UNAVAILABLE', cause)
}
