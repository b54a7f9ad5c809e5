/** A bounded cache whose capacity is shared fairly between clients. @module */

import { LRUCache } from 'lru-cache'

/** Entries that one client may have, for clients with several tokens or whose header parameters vary. */
const MAX_PER_CLIENT = 8
/** The probability that a full cache accepts an entry of an unknown client. */
const ADMISSION_RATE = 1 / 8

/** The options of a {@link ClientCache}. */
export interface ClientCacheOptions<Value> {
  /** Capacity: the number of clients with one entry each. */
  readonly maxClients: number
  /** Identifies the client of a value. */
  readonly clientOf: (value: Value) => string
  /** From 0 to less than 1. @defaultValue `Math.random` */
  readonly random?: () => number
}

/**
 * Caches values by key. Whatever one client sends, it has at most {@link MAX_PER_CLIENT} entries.
 *
 * The least recently used entry is evicted, which suits traffic in which some clients are more active than others. Alone, this policy
 * would have no hits when more clients than the capacity send requests in turn: each entry would be evicted just before its next use.
 * A full cache therefore accepts an entry of an unknown client with a probability of 1/8, so that present entries are used before they
 * are evicted. An active client is accepted after eight requests on average.
 */
export class ClientCache<Value extends object> {
  readonly #entries: LRUCache<string, Value>
  /** The keys of each client, oldest first. */
  readonly #keysOf = new Map<string, string[]>()
  readonly #clientOf: (value: Value) => string
  readonly #random: () => number

  constructor({ maxClients, clientOf, random = Math.random }: ClientCacheOptions<Value>) {
    this.#clientOf = clientOf
    this.#random = random
    this.#entries = new LRUCache({
      max: maxClients,
      dispose: (value, key, reason) => {
        if (reason !== 'set') this.#removeKey(clientOf(value), key)
      }
    })
  }

  /** The number of entries. */
  get size(): number {
    return this.#entries.size
  }

  /** The number of clients that have an entry. */
  get clientCount(): number {
    return this.#keysOf.size
  }

  get(key: string): Value | undefined {
    return this.#entries.get(key)
  }

  /** Whether the key has an entry; does not count as a use. */
  has(key: string): boolean {
    return this.#entries.has(key)
  }

  /** Removes the entry of the key, if it has one. */
  delete(key: string): void {
    this.#entries.delete(key)
  }

  /** Adds or replaces an entry. `key` must not be a part of a longer string, which would stay in memory with it. */
  set(key: string, value: Value): void {
    const client = this.#clientOf(value)
    const present = this.#entries.peek(key)
    if (present !== undefined && this.#clientOf(present) !== client) this.#entries.delete(key)
    if (this.#entries.has(key) || this.#admit(client, key)) this.#entries.set(key, value)
  }

  /** Whether a new entry of the client is accepted. Evicts its oldest entry if it has the maximum. */
  #admit(client: string, key: string): boolean {
    const keys = this.#keysOf.get(client) ?? []
    if (keys.length === 0 && this.#isFull && this.#random() >= ADMISSION_RATE) return false
    const isAtLimit = keys.length >= MAX_PER_CLIENT
    if (isAtLimit) this.#entries.delete(keys[0] as string)
    this.#keysOf.set(client, [...(isAtLimit ? keys.slice(1) : keys), key])
    return true
  }

  get #isFull(): boolean {
    return this.#entries.size >= this.#entries.max
  }

  #removeKey(client: string, key: string): void {
    const rest = (this.#keysOf.get(client) as string[]).filter((one) => one !== key)
    if (rest.length > 0) this.#keysOf.set(client, rest)
    else this.#keysOf.delete(client)
  }
}
