/** Where an issuer is asked about tokens: given, or found in its metadata and found again if it moves. @module */

import type { VerifierConfig } from '../config/config.js'
import { isWithin, REFRESH_COOLDOWN_MS, RETRY_COOLDOWN_MS } from './cooldown.js'
import { discoverEndpoint } from './metadata.js'

/** The introspection endpoint of one issuer. */
export class IntrospectionEndpoint {
  readonly #issuer: string
  readonly #config: VerifierConfig
  readonly #isGiven: boolean
  #url: string | undefined
  #looking: Promise<string> | undefined
  #lookedAtMs = Number.NEGATIVE_INFINITY
  #failure: { readonly cause: unknown; readonly atMs: number } | undefined

  constructor(issuer: string, given: string | undefined, config: VerifierConfig) {
    this.#issuer = issuer
    this.#url = given
    this.#isGiven = given !== undefined
    this.#config = config
  }

  /** Its URL, looked for once at a time, and not at once again after a failure. */
  async url(): Promise<string> {
    if (this.#url !== undefined) return this.#url
    if (this.#failure !== undefined && isWithin(RETRY_COOLDOWN_MS, this.#failure.atMs, this.#config.clock()))
      throw this.#failure.cause
    return await this.#look()
  }

  /**
   * A question failed there, so it may have moved: it is looked for behind the back of requests. Where nothing is found it stays
   * what it was, and anybody can make a question fail, so this is not done often.
   */
  suspect(): void {
    if (this.#isGiven || isWithin(REFRESH_COOLDOWN_MS, this.#lookedAtMs, this.#config.clock())) return
    this.#look().catch(() => {})
  }

  #look(): Promise<string> {
    this.#looking ??= this.#find().finally(() => {
      this.#looking = undefined
    })
    return this.#looking
  }

  async #find(): Promise<string> {
    this.#lookedAtMs = this.#config.clock()
    try {
      this.#url = await discoverEndpoint(this.#issuer, 'introspection_endpoint', this.#config)
      return this.#url
    } catch (cause) {
      this.#failure = { cause, atMs: this.#config.clock() }
      throw cause
    }
  }
}
