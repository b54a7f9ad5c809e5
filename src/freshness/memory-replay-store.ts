/** Replay memory of one process: exact, bounded, and without a pause however large it grows. @module */

import { checkKeys, misconfigured } from '../config/option-validation.js'
import { ClientQuota } from './client-quota.js'
import { type Digest, DigestTable, digestOf } from './digest-table.js'
import type { ReplayContext, ReplayStore } from './replay.js'

/** Options of {@link memoryReplayStore}. */
export interface MemoryReplayStoreOptions {
  /**
   * Entries that are held at most; each takes 22 to 32 bytes. One client may have three quarters of them: with the default
   * that is more than 1 000 requests a second.
   * @defaultValue 1 000 000
   */
  readonly maxEntries?: number
}

const MAX_MAX_ENTRIES = 2 ** 26
const MIN_SLOTS = 1024
const GROW_ABOVE_LOAD = 0.75
/** Enough that few tables are left to the collector on the way up: it stops for those. */
const GROWTH = 1.5
const SHRINK_BELOW_LOAD = 0.1
/** How much of the store one client may have. Counts run up to twice too high, and 336 000 entries are 1 000 requests a second. */
const CLIENT_SHARE = 0.75
/** Slots that every reservation looks over for dead entries, or moves to a table of another size. */
const SLOTS_PER_STEP = 16
/** The same when the store is full; still far below a millisecond. */
const SLOTS_PER_STEP_WHEN_FULL = 4096
/** Expiries are kept as 32 bits of milliseconds and compared by their distance. */
const MAX_TTL_MS = 2 ** 31 - 1

/**
 * Remembers used proofs in the memory of this process; several instances need a shared store.
 *
 * A live entry is never dropped to make room: with `maxEntries` of them, `reserve` throws, which the verifier answers with
 * 503, and room comes back as entries expire.
 *
 * @throws TypeError where an option is wrong
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-11.1 | RFC 9449 §11.1}
 */
export function memoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  const { maxEntries = 1_000_000 } = checkKeys('', options, { maxEntries: true })
  const isGood = Number.isInteger(maxEntries) && maxEntries >= 1 && maxEntries <= MAX_MAX_ENTRIES
  if (!isGood) misconfigured('maxEntries', `be an integer from 1 to ${MAX_MAX_ENTRIES}`)
  return new MemoryReplayStore(maxEntries)
}

/** Whether a store is one of {@link memoryReplayStore}. */
export function isMemoryReplayStore(store: unknown): boolean {
  return store instanceof MemoryReplayStore
}

class MemoryReplayStore implements ReplayStore {
  readonly #maxEntries: number
  readonly #quota: ClientQuota
  #table = new DigestTable(MIN_SLOTS)
  /** While the size changes: the table that entries move out of, a few with every reservation. */
  #old: DigestTable | undefined
  /** The slot that the next step begins with, in the old table if there is one. */
  #cursor = 0
  #lastExpiryMs = 0

  constructor(maxEntries: number) {
    this.#maxEntries = maxEntries
    this.#quota = new ClientQuota(Math.ceil(maxEntries * CLIENT_SHARE))
  }

  reserve(key: string, expiresAtMs: number, context?: Partial<ReplayContext>): boolean {
    const nowMs = Math.floor(context?.nowMs ?? Date.now())
    const expiryMs = Math.ceil(expiresAtMs)
    if (!(expiryMs - nowMs <= MAX_TTL_MS)) throw new RangeError('A reservation must end within 24 days')
    if (nowMs > this.#lastExpiryMs) this.#forgetAll()
    this.#step(SLOTS_PER_STEP, nowMs)
    const digest = digestOf(key)
    if (this.#isReserved(digest, nowMs)) return false
    if (this.#size >= this.#maxEntries) this.#step(SLOTS_PER_STEP_WHEN_FULL, nowMs)
    if (this.#size >= this.#maxEntries) throw new Error('The replay store is full of live entries')
    if (context?.jkt !== undefined && !this.#quota.take(context.jkt, nowMs, expiryMs - nowMs))
      throw new Error('The client has its share of the replay store')
    this.#table.set(digest, expiryMs)
    this.#lastExpiryMs = Math.max(this.#lastExpiryMs, expiryMs)
    this.#fit()
    return true
  }

  get #size(): number {
    return this.#table.size + (this.#old?.size ?? 0)
  }

  #isReserved(digest: Digest, nowMs: number): boolean {
    return this.#table.has(digest, nowMs) || this.#old?.has(digest, nowMs) === true
  }

  /** The last entry has expired: after a pause of any length there is nothing to sweep, and no expiry to misread. */
  #forgetAll(): void {
    this.#table = new DigestTable(MIN_SLOTS)
    this.#old = undefined
    this.#cursor = 0
  }

  /** Goes on with the move to another table, or else with the search for dead entries. */
  #step(slots: number, nowMs: number): void {
    const old = this.#old
    this.#cursor =
      old === undefined ? this.#table.sweep(this.#cursor, slots, nowMs) : old.move(this.#cursor, slots, nowMs, this.#table)
    if (this.#cursor < (old ?? this.#table).slots) return
    this.#cursor = 0
    this.#old = undefined
  }

  /** Begins to move to a table of a better size, unless a move is under way. */
  #fit(): void {
    const { size, slots } = this.#table
    if (this.#old !== undefined) return
    if (size > slots * GROW_ABOVE_LOAD) this.#resize(Math.ceil(slots * GROWTH))
    else if (size < slots * SHRINK_BELOW_LOAD && slots > MIN_SLOTS)
      this.#resize(Math.max(MIN_SLOTS, Math.ceil(slots / GROWTH ** 4)))
  }

  #resize(slots: number): void {
    this.#old = this.#table
    this.#table = new DigestTable(slots)
    this.#cursor = 0
  }
}
