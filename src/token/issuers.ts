/** Finds the issuer of a token, with its keys and its introspection. @module */

import { LRUCache } from 'lru-cache'
import type { VerifierConfig } from '../config/config.js'
import type { IssuerConfig } from '../config/issuers.js'
import type { MaybePromise } from '../crypto/crypto.js'
import { Introspection } from './introspection.js'
import { createIssuerKeys, type IssuerKeys } from './issuer-keys.js'
import { IssuerMetadata } from './metadata.js'

/** An issuer with its keys and introspection. */
export interface Issuer {
  readonly config: IssuerConfig
  readonly metadata: IssuerMetadata
  readonly keys: IssuerKeys
  readonly introspection: Introspection | undefined
}

/** Capacity of the cache of issuers that a function returned. */
const MAX_DYNAMIC_ISSUERS = 1_000

/** The issuers of one configuration. */
export class Issuers {
  readonly #config: VerifierConfig
  readonly #configured: ReadonlyMap<string, Issuer>
  /** Keyed by the configuration, so that a changed configuration creates a new issuer. */
  readonly #dynamic = new LRUCache<string, Issuer>({ max: MAX_DYNAMIC_ISSUERS })

  constructor(config: VerifierConfig) {
    this.#config = config
    const configured = typeof config.issuers === 'function' ? [] : config.issuers
    this.#configured = new Map(configured.map((one) => [one.issuer, this.#create(one)]))
  }

  /** The issuers that are configured statically. */
  get configured(): Iterable<Issuer> {
    return this.#configured.values()
  }

  /** The metadata of the issuer of a verified token; undefined if it is no longer cached. */
  metadataOf(iss: string): IssuerMetadata | undefined {
    const known = this.#configured.get(iss) ?? [...this.#dynamic.values()].find(({ config }) => config.issuer === iss)
    return known?.metadata
  }

  /** The issuer with this identifier. The `iss` is not verified yet: it only selects among accepted issuers. */
  find(iss: unknown): MaybePromise<Issuer | undefined> {
    if (typeof iss !== 'string') return undefined
    return typeof this.#config.issuers === 'function' ? this.#findDynamic(iss, this.#config.issuers) : this.#configured.get(iss)
  }

  async #findDynamic(iss: string, resolve: (iss: string) => MaybePromise<IssuerConfig | undefined>): Promise<Issuer | undefined> {
    const config = await resolve(iss)
    if (config === undefined) return undefined
    const key = JSON.stringify(config)
    const issuer = withScopes(this.#dynamic.get(key) ?? this.#create(config), config)
    this.#dynamic.set(key, issuer)
    return issuer
  }

  #create(config: IssuerConfig): Issuer {
    const metadata = new IssuerMetadata(config.issuer, this.#config)
    const keys = createIssuerKeys(config, metadata, this.#config)
    const introspection =
      config.introspection && new Introspection(config, config.introspection, { keys, metadata }, this.#config)
    return { config, metadata, keys, introspection }
  }
}

/** The key of the cache does not include functions. Another `scopes` function results in another issuer with the same keys. */
function withScopes(issuer: Issuer, config: IssuerConfig): Issuer {
  return issuer.config.token.scopes === config.token.scopes ? issuer : { ...issuer, config }
}
