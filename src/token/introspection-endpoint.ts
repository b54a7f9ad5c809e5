/** The introspection endpoint of an issuer: configured, or discovered in its metadata and rediscovered after failures. @module */

import type { VerifierConfig } from '../config/config.js'
import { isWithin, REDISCOVERY_COOLDOWN_MS, RETRY_COOLDOWN_MS } from './cooldown.js'
import type { IssuerMetadata } from './metadata.js'

/** The introspection endpoint of one issuer. */
export class IntrospectionEndpoint {
  readonly #metadata: IssuerMetadata
  readonly #config: Pick<VerifierConfig, 'clock'>
  readonly #isConfigured: boolean
  #url: string | undefined
  #discovering: Promise<string> | undefined
  #discoveredAtMs = Number.NEGATIVE_INFINITY
  #failure: { readonly cause: unknown; readonly atMs: number } | undefined

  constructor(metadata: IssuerMetadata, configured: string | undefined, config: Pick<VerifierConfig, 'clock'>) {
    this.#metadata = metadata
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
    if (this.#isConfigured || isWithin(REDISCOVERY_COOLDOWN_MS, this.#discoveredAtMs, this.#config.clock())) return
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
      this.#url = await this.#metadata.endpoint('introspection_endpoint')
      return this.#url
    } catch (cause) {
      this.#failure = { cause, atMs: this.#config.clock() }
      throw cause
    }
  }
}
