/** Keeps one client from filling the replay memory: about how many live entries each key has, in a fixed room. @module */

import { digestOf } from './digest-table.js'

/** Counters in a row, a power of two. Two rows, and the smaller counter counts: that somebody shares both with a busy client is one in 2^28. */
const COUNTERS = 2 ** 14
/** Longer than an entry lives under the widest default window. */
const MIN_PERIOD_MS = 360_000

/** Counts entries by client. It may count too many, up to twice as many, and never too few. */
export class ClientQuota {
  readonly #limit: number
  #present = new Uint32Array(2 * COUNTERS)
  #former = new Uint32Array(2 * COUNTERS)
  /** At least as long as the longest life of an entry so far, so that every live entry is in one of two periods. */
  #periodMs = MIN_PERIOD_MS
  #periodEndsMs = Number.NEGATIVE_INFINITY

  constructor(limit: number) {
    this.#limit = limit
  }

  /** Counts one more entry of a client, one that lives for `ttlMs`; false where it has its share already. */
  take(jkt: string, nowMs: number, ttlMs: number): boolean {
    this.#turn(nowMs)
    this.#periodMs = Math.max(this.#periodMs, ttlMs)
    const [a, b] = digestOf(jkt)
    const first = a & (COUNTERS - 1)
    const second = COUNTERS + (b & (COUNTERS - 1))
    if (Math.min(this.#count(first), this.#count(second)) >= this.#limit) return false
    this.#add(first)
    this.#add(second)
    return true
  }

  #turn(nowMs: number): void {
    if (nowMs < this.#periodEndsMs) return
    const isNext = nowMs < this.#periodEndsMs + this.#periodMs
    this.#former.fill(0)
    if (isNext) [this.#present, this.#former] = [this.#former, this.#present]
    else this.#present.fill(0)
    this.#periodEndsMs = nowMs + this.#periodMs
  }

  #count(counter: number): number {
    return (this.#present[counter] as number) + (this.#former[counter] as number)
  }

  #add(counter: number): void {
    this.#present[counter] = (this.#present[counter] as number) + 1
  }
}
