/** The introspection endpoint of an issuer: configured, or discovered in its metadata and rediscovered after failures. @module */

import type { VerifierConfig } from '../config/config.js'
import { isWithin, REFRESH_COOLDOWN_MS, RETRY_COOLDOWN_MS } from './cooldown.js'
import { discoverEndpoint } from './metadata.js'

/** The introspection endpoint of one issuer. */
export class IntrospectionEndpoint {
  readonly #issuer: string
  readonly #config: VerifierConfig
  readonly #isConfigured: boolean
  #url: string | undefined
  #discovering: Promise<string> | undefined
  #discoveredAtMs = Number.NEGATIVE_INFINITY
  #failure: { readonly cause: unknown; readonly atMs: number } | undefined

  constructor(issuer: string, configured: string | undefined, config: VerifierConfig) {
    this.#issuer = issuer
    this.#url = configured
    this.#isConfigured = configured !== undefined
    this.#config = config
  }

  /** Its URL. Concurrent callers share one discovery, which is not repeated during the cooldown after a failure. */
  async url(): Promise<string> {
    if (this.#url !== undefined) return this.#url
    if (this.#failure !== undefined && isWithin(RETRY_COOLDOWN_MS, this.#failure.atMs, this.#config.clock()))
      throw this.#failure.cause
    return await this.#discover()
  }

  /**
   * Called after a failed introspection request, since the endpoint may have changed: discovers it again in the background. The
   * current URL is kept if that fails. The cooldown applies because any client can cause a failure.
   */
  rediscover(): void {
    if (this.#isConfigured || isWithin(REFRESH_COOLDOWN_MS, this.#discoveredAtMs, this.#config.clock())) return
    this.#discover().catch(() => {})
  }

  #discover(): Promise<string> {
    this.#discovering ??= this.#fetch().finally(() => {
      this.#discovering = undefined
    })
    return this.#discovering
  }

  async #fetch(): Promise<string> {
    this.#discoveredAtMs = this.#config.clock()
    try {
      this.#url = await discoverEndpoint(this.#issuer, 'introspection_endpoint', this.#config)
      return this.#url
    } catch (cause) {
      this.#failure = { cause, atMs: this.#config.clock() }
      throw cause
    }
  }
}
