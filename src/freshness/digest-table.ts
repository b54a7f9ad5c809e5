/** A hash table of digests and expiries in one typed array: 16 bytes per slot, no garbage. @module */

/** 96 bits of a keyed hash as signed 32-bit words. A collision rejects a proof; it never accepts one. */
export type Digest = readonly [number, number, number]

const WORDS_PER_SLOT = 4
const EXPIRY = 3

// Keyed, so that a client cannot choose proofs that collide. Created on first use: Workers forbid random values at module scope.
let seeds: Digest | undefined

/**
 * The digest of a key: one word for each third of it, mixed with the seeds. The keys of the verifier are cryptographic hashes
 * already, so this one need not be.
 */
export function digestOf(key: string): Digest {
  seeds ??= crypto.getRandomValues(new Int32Array(3)) as unknown as Digest
  const [seedA, seedB, seedC] = seeds
  const third = Math.ceil(key.length / 3)
  const a = mix(word(key, 0, third) ^ (seedA + key.length))
  const b = mix(word(key, third, 2 * third) ^ seedB ^ a)
  const c = mix(word(key, 2 * third, key.length) ^ seedC ^ b)
  return [mix(a ^ c), b, c]
}

function word(key: string, from: number, to: number): number {
  let value = 0
  for (let i = from; i < to; i++) value = Math.imul(value, 0x9e3779b1) + key.charCodeAt(i)
  return value
}

function mix(word: number): number {
  const once = Math.imul(word ^ (word >>> 16), 0x85ebca6b)
  const twice = Math.imul(once ^ (once >>> 13), 0xc2b2ae35)
  return twice ^ (twice >>> 16)
}

/** Open addressing with linear probing. Removal moves entries back, so there are no tombstones. */
export class DigestTable {
  readonly slots: number
  /** Number of entries, including expired ones that were not removed yet. */
  size = 0
  readonly #words: Int32Array

  constructor(slots: number) {
    this.slots = slots
    this.#words = new Int32Array(slots * WORDS_PER_SLOT)
  }

  /** Whether there is a live entry of this digest. */
  has(digest: Digest, nowMs: number): boolean {
    const slot = this.#find(digest)
    return this.#isTaken(slot) && this.#isLive(slot, nowMs)
  }

  /** Adds an entry, or replaces the expiry of the entry with the same digest. There must be a free slot. */
  set(digest: Digest, expiresAtMs: number): void {
    const slot = this.#find(digest)
    if (!this.#isTaken(slot)) this.size++
    const at = slot * WORDS_PER_SLOT
    const words = this.#words
    words[at] = digest[0]
    words[at + 1] = digest[1]
    words[at + 2] = digest[2]
    // A slot whose expiry is zero is free.
    words[at + EXPIRY] = expiresAtMs | 0 || 1
  }

  /** Removes the expired entries of at most `count` slots from `slot` on. Returns the slot to continue with. */
  sweep(slot: number, count: number, nowMs: number): number {
    let next = slot
    for (let left = count; left > 0 && next < this.slots; left--) {
      if (!this.#isTaken(next) || this.#isLive(next, nowMs)) next++
      // Another entry may have moved into this slot, so it is checked again.
      else this.#remove(next)
    }
    return next
  }

  /** Moves the live entries of at most `count` slots from `slot` on to another table. Returns the slot to continue with. */
  move(slot: number, count: number, nowMs: number, to: DigestTable): number {
    const end = Math.min(slot + count, this.slots)
    for (let next = slot; next < end; next++) if (this.#isTaken(next)) this.#moveOne(next, nowMs, to)
    return end
  }

  #moveOne(slot: number, nowMs: number, to: DigestTable): void {
    this.size--
    if (!this.#isLive(slot, nowMs)) return
    const at = slot * WORDS_PER_SLOT
    const digest = [this.#words[at], this.#words[at + 1], this.#words[at + 2]] as unknown as Digest
    // If the clock was set back, the digest may have been added to the other table after this entry expired.
    if (!to.has(digest, nowMs)) to.set(digest, this.#words[at + EXPIRY] as number)
  }

  /** The slot of the digest, or the free slot to insert it. */
  #find([a, b, c]: Digest): number {
    let slot = this.#home(a)
    for (;;) {
      const at = slot * WORDS_PER_SLOT
      const words = this.#words
      if (words[at + EXPIRY] === 0 || (words[at] === a && words[at + 1] === b && words[at + 2] === c)) return slot
      slot = this.#after(slot)
    }
  }

  /** Knuth's algorithm R (deletion with linear probing): moves later entries into the gap. */
  #remove(slot: number): void {
    this.size--
    let gap = slot
    for (let next = this.#after(gap); this.#isTaken(next); next = this.#after(next)) {
      const home = this.#home(this.#words[next * WORDS_PER_SLOT] as number)
      const staysPut = gap <= next ? gap < home && home <= next : gap < home || home <= next
      if (staysPut) continue
      this.#words.copyWithin(gap * WORDS_PER_SLOT, next * WORDS_PER_SLOT, (next + 1) * WORDS_PER_SLOT)
      gap = next
    }
    this.#words[gap * WORDS_PER_SLOT + EXPIRY] = 0
  }

  #home(word: number): number {
    return Math.floor(((word >>> 0) / 2 ** 32) * this.slots)
  }

  #after(slot: number): number {
    return slot + 1 === this.slots ? 0 : slot + 1
  }

  #isTaken(slot: number): boolean {
    return this.#words[slot * WORDS_PER_SLOT + EXPIRY] !== 0
  }

  /** The millisecond of the expiry is inclusive. */
  #isLive(slot: number, nowMs: number): boolean {
    return (((this.#words[slot * WORDS_PER_SLOT + EXPIRY] as number) - nowMs) | 0) >= 0
  }
}
