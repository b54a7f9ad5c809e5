import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type Digest, DigestTable, digestOf } from '../../src/freshness/digest-table.js'

/** A digest whose home is a given slot. */
const at = (slot: number, slots: number, id: number): Digest => [Math.ceil((slot / slots) * 2 ** 32) | 0, id, id]

describe('digestOf', () => {
  it('has words of 32 bits, is equal for equal keys, and differs for different keys', () => {
    const seen = new Set<string>()
    for (let i = 0; i < 50_000; i++) {
      const digest = digestOf(`key ${i}`)
      for (const word of digest) expect(word | 0).toBe(word)
      seen.add(digest.join())
    }
    expect(seen.size).toBe(50_000)
    expect(digestOf('a')).toEqual(digestOf('a'))
  })

  it('distributes similar keys over the whole table', () => {
    const quarters = [0, 0, 0, 0]
    for (let i = 0; i < 4000; i++) {
      const quarter = digestOf(`k${i}`)[0] >>> 30
      quarters[quarter] = (quarters[quarter] as number) + 1
    }
    for (const count of quarters) expect(count).toBeGreaterThan(700)
  })
})

describe('DigestTable', () => {
  it('compares all three words of a digest', () => {
    const table = new DigestTable(8)
    const others: Digest[] = [
      [2, 2, 3],
      [1, 3, 3],
      [1, 2, 4]
    ]
    table.set([1, 2, 3], 10)
    for (const digest of others) expect(table.has(digest, 10)).toBe(false)
    for (const digest of others) table.set(digest, 10)
    expect(table.size).toBe(4)
  })

  it('closes a gap: later entries move toward their home, also across the end of the table', () => {
    const table = new DigestTable(8)
    // Three with home 6, then two with home 7, which wrap: 6 6' 6" 7 7' are in slots 6 7 0 1 2.
    const digests = [6, 6, 6, 7, 7].map((slot, id) => at(slot, 8, id))
    digests.forEach((digest, id) => {
      table.set(digest, id === 1 ? 10 : 100)
    })
    expect(table.size).toBe(5)
    expect(table.sweep(7, 1, 10)).toBe(8)
    expect(table.size).toBe(5)
    // The entry that moved into the gap is swept next.
    expect(table.sweep(7, 1, 11)).toBe(7)
    expect(table.size).toBe(4)
    expect(digests.map((digest) => table.has(digest, 11))).toEqual([true, false, true, true, true])
    expect(table.sweep(7, 5, 11)).toBe(8)
    expect(table.size).toBe(4)
  })

  it('does not move an entry that wrapped around the end of the table before its home', () => {
    const table = new DigestTable(8)
    // Homes 5, 6, 7, 7: the last one wraps to slot 0.
    const digests = [5, 6, 7, 7].map((slot, id) => at(slot, 8, id))
    digests.forEach((digest, id) => {
      table.set(digest, id === 0 ? 10 : 100)
    })
    table.sweep(5, 1, 11)
    expect(digests.map((digest) => table.has(digest, 11))).toEqual([false, true, true, true])
  })

  it('finds each entry until it expires, for any order of insertions and removals', () => {
    fc.assert(
      fc.property(fc.array(fc.tuple(fc.nat(15), fc.nat(12), fc.integer({ min: 1, max: 30 })), { maxLength: 60 }), (steps) => {
        const table = new DigestTable(16)
        const model = new Map<number, number>()
        steps.forEach(([home, id, ttl], nowMs) => {
          for (let slot = 0; slot < 16; ) slot = table.sweep(slot, 3, nowMs)
          for (const [key, expiry] of model) if (expiry < nowMs) model.delete(key)
          expect(table.size).toBe(model.size)
          const key = home * 100 + id
          if (model.size < 12 || model.has(key)) {
            table.set(at(home, 16, id), nowMs + ttl)
            model.set(key, nowMs + ttl)
          }
          for (const key of model.keys()) expect(table.has(at(Math.floor(key / 100), 16, key % 100), nowMs)).toBe(true)
        })
      }),
      { seed: 9449, numRuns: 500 }
    )
  })

  it('does not overwrite the later entry of a digest when its earlier one is moved after the clock was set back', () => {
    const [from, to] = [new DigestTable(4), new DigestTable(8)]
    const digest = at(0, 4, 1)
    from.set(digest, 100)
    expect(from.has(digest, 150)).toBe(false)
    to.set(digest, 500)
    expect(from.move(0, 2, 90, to)).toBe(2)
    expect(to.has(digest, 500)).toBe(true)
    expect([from.size, to.size]).toEqual([0, 1])
  })

  it('drops expired entries and skips empty slots when entries are moved', () => {
    const [from, to] = [new DigestTable(4), new DigestTable(8)]
    from.set(at(0, 4, 1), 100)
    expect(from.move(0, 9, 101, to)).toBe(4)
    expect([from.size, to.size]).toEqual([0, 0])
  })
})
