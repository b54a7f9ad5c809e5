/** The replay store of one process: exact, bounded, and resized incrementally so that it never blocks. @module */

import { checkKeys, misconfigured } from '../config/option-validation.js'
import { ClientQuota } from './client-quota.js'
import { type Digest, DigestTable, digestOf } from './digest-table.js'
import { type ReplayContext, ReplayQuotaError, type ReplayStore } from './replay-store.js'

/** Options of {@link memoryReplayStore}. */
export interface MemoryReplayStoreOptions {
  /**
   * Maximum number of entries, 22 to 32 bytes each. One client may use three quarters of them: with the default, more than
   * 1 000 requests per second. Above that, its response is 429.
   * @defaultValue 1 000 000
   */
  readonly maxEntries?: number
}

const MAX_MAX_ENTRIES = 2 ** 26
// A table always has a free slot. While the entries of a table of s slots are moved, s ÷ 16 reservations add one each: after growth
// the load is at most (0.75 + 1 ÷ 16) ÷ 1.5 = 0.54, and after shrinking at most (0.1 + 1 ÷ 16) × 1.5⁴ = 0.82.
const MIN_SLOTS = 1024
const GROW_ABOVE_LOAD = 0.75
/** Large enough that growing leaves few tables to the garbage collector. */
const GROWTH = 1.5
const SHRINK_BELOW_LOAD = 0.1
/** Share of the store that one client may use. Its count may be twice too high, and 1 000 requests per second need 336 000 entries. */
const CLIENT_SHARE = 0.75
/** Slots that each reservation sweeps, or moves to a table of another size. */
const SLOTS_PER_STEP = 16
/** The same when the store is full; takes far less than a millisecond. */
const SLOTS_PER_STEP_WHEN_FULL = 4096
/** Expiries are stored as 32 bits of milliseconds and compared by their difference. */
const MAX_TTL_MS = 2 ** 31 - 1

/**
 * Stores consumed proofs in the memory of this process. Several instances need a shared store.
 *
 * A live entry is never evicted. With `maxEntries` live entries, `reserve` throws until entries expire, and the response is 503.
 *
 * @throws TypeError if an option is invalid
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-11.1 | RFC 9449 §11.1}
 */
export function memoryReplayStore(options: MemoryReplayStoreOptions = {}): ReplayStore {
  const { maxEntries = 1_000_000 } = checkKeys('', options, { maxEntries: true })
  const isValid = Number.isInteger(maxEntries) && maxEntries >= 1 && maxEntries <= MAX_MAX_ENTRIES
  if (!isValid) misconfigured('maxEntries', `be an integer from 1 to ${MAX_MAX_ENTRIES}`)
  return new MemoryReplayStore(maxEntries)
}

/** Whether a store was created by {@link memoryReplayStore}. */
export function isMemoryReplayStore(store: unknown): boolean {
  return store instanceof MemoryReplayStore
}

class MemoryReplayStore implements ReplayStore {
  readonly #maxEntries: number
  readonly #quota: ClientQuota
  #table = new DigestTable(MIN_SLOTS)
  /** During a resize: the table whose entries are moved, a few with each reservation. */
  #old: DigestTable | undefined
  /** The slot at which the next step starts, in the old table if there is one. */
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
    if (nowMs > this.#lastExpiryMs) this.#clear()
    this.#step(SLOTS_PER_STEP, nowMs)
    const digest = digestOf(key)
    if (this.#isReserved(digest, nowMs)) return false
    // Twice, because a step ends at the last slot, and expired entries may be before the first.
    for (let step = 0; step < 2 && this.#size >= this.#maxEntries; step++) this.#step(SLOTS_PER_STEP_WHEN_FULL, nowMs)
    if (this.#size >= this.#maxEntries) throw new Error('The replay store is full of live entries')
    if (context?.jkt !== undefined && !this.#quota.take(context.jkt, nowMs, expiryMs - nowMs))
      throw new ReplayQuotaError(this.#quota.retryAfterSeconds(nowMs))
    this.#table.set(digest, expiryMs)
    this.#lastExpiryMs = Math.max(this.#lastExpiryMs, expiryMs)
    this.#resizeIfNeeded()
    return true
  }

  has(key: string, context?: Partial<ReplayContext>): boolean {
    const nowMs = Math.floor(context?.nowMs ?? Date.now())
    return nowMs <= this.#lastExpiryMs && this.#isReserved(digestOf(key), nowMs)
  }

  get #size(): number {
    return this.#table.size + (this.#old?.size ?? 0)
  }

  #isReserved(digest: Digest, nowMs: number): boolean {
    return this.#table.has(digest, nowMs) || this.#old?.has(digest, nowMs) === true
  }

  /** Every entry has expired. Clearing at once also keeps old expiries within the comparable range. */
  #clear(): void {
    this.#table = new DigestTable(MIN_SLOTS)
    this.#old = undefined
    this.#cursor = 0
  }

  /** Continues the move to another table, or else the sweep of expired entries. */
  #step(slots: number, nowMs: number): void {
    const old = this.#old
    this.#cursor =
      old === undefined ? this.#table.sweep(this.#cursor, slots, nowMs) : old.move(this.#cursor, slots, nowMs, this.#table)
    if (this.#cursor < (old ?? this.#table).slots) return
    this.#cursor = 0
    this.#old = undefined
  }

  /** Starts a resize if the load is outside its limits and no resize is in progress. */
  #resizeIfNeeded(): void {
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
