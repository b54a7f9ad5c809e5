/** The issuers of a configuration: which one a token is of, its keys, and its introspection endpoint. @module */

import { LRUCache } from 'lru-cache'
import type { VerifierConfig } from '../config/config.js'
import type { IssuerConfig } from '../config/issuers.js'
import type { MaybePromise } from '../crypto/crypto.js'
import { Introspection } from './introspection.js'
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.js'

/** One issuer at work. */
export interface Issuer {
  readonly config: IssuerConfig
  readonly keys: IssuerKeys
  readonly introspection: Introspection | undefined
}

/** Issuers that a function gave and that are kept, each with its keys. */
const MAX_GIVEN_ISSUERS = 1_000

/** The issuers of one configuration. */
export class Issuers {
  readonly #config: VerifierConfig
  readonly #configured: ReadonlyMap<string, Issuer>
  /** By what a function said of them, so that an issuer of which it says something else begins anew. */
  readonly #given = new LRUCache<string, Issuer>({ max: MAX_GIVEN_ISSUERS })

  constructor(config: VerifierConfig) {
    this.#config = config
    const configured = typeof config.issuers === 'function' ? [] : config.issuers
    this.#configured = new Map(configured.map((one) => [one.issuer, this.#start(one)]))
  }

  /** Those that are known without a token. */
  get configured(): Iterable<Issuer> {
    return this.#configured.values()
  }

  /** The issuer of this name. A token's own word for it is not believed yet: it only chooses, and nothing is fetched for another. */
  named(iss: unknown): MaybePromise<Issuer | undefined> {
    if (typeof iss !== 'string') return undefined
    return typeof this.#config.issuers === 'function' ? this.#giveNamed(iss, this.#config.issuers) : this.#configured.get(iss)
  }

  async #giveNamed(iss: string, give: (iss: string) => MaybePromise<IssuerConfig | undefined>): Promise<Issuer | undefined> {
    const config = await give(iss)
    if (config === undefined) return undefined
    const key = JSON.stringify(config)
    const issuer = this.#given.get(key) ?? this.#start(config)
    this.#given.set(key, issuer)
    return issuer
  }

  #start(config: IssuerConfig): Issuer {
    const keys = createIssuerKeys(config, this.#config)
    const introspection = config.introspection && new Introspection(config, config.introspection, keys, this.#config)
    return { config, keys, introspection }
  }
}
