/** Limits how much of the memory store one client can fill: estimates the live entries of each key in constant memory. @module */

import { digestOf } from './digest-table.js'

/** Counters per row of a count-min sketch with two rows, a power of two. The probability of sharing both counters with another client is 2^-28. */
const COUNTERS = 2 ** 14

/** Counts entries by client. The count is never too low, and has entries of up to two of the longest lifetimes. */
export class ClientQuota {
  readonly #limit: number
  #current = new Uint32Array(2 * COUNTERS)
  #previous = new Uint32Array(2 * COUNTERS)
  /** The longest lifetime of an entry so far, so that every live entry was counted in one of two periods. */
  #periodMs = 0
  #periodEndsMs = Number.NEGATIVE_INFINITY

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Counts an entry of a client with a lifetime of `ttlMs`; false if the client is at its limit. */
  take(jkt: string, nowMs: number, ttlMs: number): boolean {
    this.#periodMs = Math.max(this.#periodMs, ttlMs)
    this.#rotate(nowMs)
    const [a, b] = digestOf(jkt)
    const first = a & (COUNTERS - 1)
    const second = COUNTERS + (b & (COUNTERS - 1))
    if (Math.min(this.#count(first), this.#count(second)) >= this.#limit) return false
    this.#add(first)
    this.#add(second)
    return true
  }

  /** Seconds until the oldest entries are no longer counted. A client that continues to send may be at its limit again. */
  retryAfterSeconds(nowMs: number): number {
    return (this.#periodEndsMs - nowMs) / 1000
  }

  #rotate(nowMs: number): void {
    // A period that ends later than a whole one from now began before the clock was set back.
    const isCurrent = nowMs < this.#periodEndsMs && this.#periodEndsMs <= nowMs + this.#periodMs
    if (isCurrent) return
    const isNext = nowMs < this.#periodEndsMs + this.#periodMs
    this.#previous.fill(0)
    if (isNext) [this.#current, this.#previous] = [this.#previous, this.#current]
    else this.#current.fill(0)
    this.#periodEndsMs = nowMs + this.#periodMs
  }

  #count(counter: number): number {
    return (this.#current[counter] as number) + (this.#previous[counter] as number)
  }

  #add(counter: number): void {
    this.#current[counter] = (this.#current[counter] as number) + 1
  }
}
