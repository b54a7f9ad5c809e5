import { memoryReplayStore, ReplayQuotaError } from 'dpop-guard'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { isReplayQuotaError } from '../../src/freshness/replay-store.js'
import { NOW_MS } from '../support/world.js'

const WRAP_MS = 2 ** 32
const DAY_MS = 86_400_000

/** A store that is called without a verifier, at a given time. */
function createStore(maxEntries?: number) {
  const store = memoryReplayStore(maxEntries === undefined ? {} : { maxEntries })
  return (key: string, expiresAtMs: number, nowMs: number) => store.reserve(key, expiresAtMs, { nowMs } as never)
}

function errorOf(run: () => unknown): unknown {
  try {
    return run()
  } catch (error) {
    return error
  }
}

describe('memoryReplayStore', () => {
  it.each([0, -1, 1.5, '5', 2 ** 26 + 1, null, Number.NaN])('rejects maxEntries %j with a TypeError', (maxEntries) => {
    expect(() => memoryReplayStore({ maxEntries: maxEntries as number })).toThrow(
      new TypeError('"maxEntries" must be an integer from 1 to 67108864')
    )
  })

  it.each([1, 2 ** 26])('accepts maxEntries %d', (maxEntries) => {
    expect(memoryReplayStore({ maxEntries }).reserve('a', NOW_MS + 1, { nowMs: NOW_MS, jkt: 'j' })).toBe(true)
  })

  it('rejects an unknown option with a TypeError', () => {
    expect(() => memoryReplayStore({ max: 1 } as never)).toThrow(
      new TypeError('"max" is not an option; did you mean "maxEntries"?')
    )
  })

  it('accepts a key once until its entry expires, the last millisecond included', () => {
    const reserve = createStore()
    expect(reserve('a', NOW_MS + 1000, NOW_MS)).toBe(true)
    expect(reserve('b', NOW_MS + 9000, NOW_MS)).toBe(true)
    expect(reserve('a', NOW_MS + 5000, NOW_MS)).toBe(false)
    expect(reserve('a', NOW_MS + 5000, NOW_MS + 1000)).toBe(false)
    expect(reserve('a', NOW_MS + 5000, NOW_MS + 1001)).toBe(true)
    expect(reserve('a', NOW_MS + 5000, NOW_MS + 5000)).toBe(false)
  })

  it('does not extend the lifetime of an entry when the proof is replayed', () => {
    const reserve = createStore()
    expect(reserve('a', NOW_MS + 1000, NOW_MS)).toBe(true)
    expect(reserve('a live entry, so that the store is not idle', NOW_MS + 9000, NOW_MS)).toBe(true)
    expect(reserve('a', NOW_MS + 9000, NOW_MS + 900)).toBe(false)
    expect(reserve('a', NOW_MS + 9000, NOW_MS + 1001)).toBe(true)
  })

  it('has() finds only live entries, and does not reserve the key', () => {
    const store = memoryReplayStore()
    expect(store.has?.('key')).toBe(false)
    store.reserve('key', 2000, { nowMs: 1000, jkt: 'j' })
    const at = (nowMs: number, key = 'key') => store.has?.(key, { nowMs, jkt: 'j' })
    expect([at(1000), at(2000), at(2001), at(1000, 'other')]).toEqual([true, true, false, false])
    store.reserve('later', 9000, { nowMs: 1000, jkt: 'j' })
    expect([at(2000), at(2001)]).toEqual([true, false])
    const now = vi.spyOn(Date, 'now').mockReturnValue(9001)
    expect(store.has?.('later')).toBe(false)
    now.mockReturnValue(9000)
    expect(store.has?.('later')).toBe(true)
    now.mockRestore()
    expect(store.reserve('other', 9000, { nowMs: 1000, jkt: 'j' })).toBe(true)
  })

  it('uses the clock of the platform without a context', () => {
    const now = vi.spyOn(Date, 'now').mockReturnValue(NOW_MS)
    const store = memoryReplayStore()
    expect(store.reserve('a', NOW_MS + 1)).toBe(true)
    expect(store.reserve('a', NOW_MS + 1)).toBe(false)
    now.mockReturnValue(NOW_MS + 2)
    expect(store.reserve('a', NOW_MS + 9)).toBe(true)
    now.mockRestore()
  })

  it.each([2 ** 31, Number.POSITIVE_INFINITY, Number.NaN])(
    'rejects an entry with a lifetime above its maximum: %d ms',
    (ttlMs) => {
      const reserve = createStore()
      expect(() => reserve('a', NOW_MS + ttlMs, NOW_MS)).toThrow(new RangeError('A reservation must end within 24 days'))
      expect(reserve('a', NOW_MS + 2 ** 31 - 1, NOW_MS)).toBe(true)
    }
  )

  it.each([0, 1, 2])(
    'keeps live entries when the time in milliseconds wraps at 32 bits: an entry that expires %d ms after it',
    (after) => {
      const reserve = createStore()
      const wrapMs = Math.ceil(NOW_MS / WRAP_MS) * WRAP_MS
      expect(reserve('other', wrapMs + 10, wrapMs - 10)).toBe(true)
      expect(reserve('a', wrapMs + after, wrapMs - 5)).toBe(true)
      for (const at of [-4, -1, 0, after]) expect(reserve('a', wrapMs + 9, wrapMs + at)).toBe(false)
      expect(reserve('a', wrapMs + 9, wrapMs + Math.max(after + 1, 2))).toBe(true)
    }
  )

  it('accepts a key again after an idle period of any length, and rejects its replay', () => {
    for (const pauseMs of [11, DAY_MS, 25 * DAY_MS, 49.7 * DAY_MS, 50 * DAY_MS, 365 * DAY_MS]) {
      const reserve = createStore()
      expect(reserve('a', NOW_MS + 10, NOW_MS)).toBe(true)
      expect(reserve('a', NOW_MS + pauseMs + 10, NOW_MS + pauseMs)).toBe(true)
      expect(reserve('a', NOW_MS + pauseMs + 10, NOW_MS + pauseMs)).toBe(false)
    }
  })
})

describe('a full store never evicts a live entry', () => {
  it('reserve() throws, and every entry is kept', () => {
    const reserve = createStore(100)
    for (let i = 0; i < 100; i++) expect(reserve(`k${i}`, NOW_MS + 1000, NOW_MS)).toBe(true)
    expect(() => reserve('one too many', NOW_MS + 1000, NOW_MS)).toThrow('The replay store is full of live entries')
    for (let i = 0; i < 100; i++) expect(reserve(`k${i}`, NOW_MS + 1000, NOW_MS)).toBe(false)
  })

  it('reserve() also throws while entries move to a larger table', () => {
    const reserve = createStore(800)
    for (let i = 0; i < 800; i++) expect(reserve(`k${i}`, NOW_MS + 1000, NOW_MS)).toBe(true)
    expect(() => reserve('one too many', NOW_MS + 1000, NOW_MS)).toThrow('The replay store is full of live entries')
  })

  it('accepts entries again when others have expired', () => {
    const reserve = createStore(100)
    for (let i = 0; i < 99; i++) reserve(`k${i}`, NOW_MS + 1000, NOW_MS)
    reserve('long', NOW_MS + 9000, NOW_MS)
    expect(() => reserve('x', NOW_MS + 1000, NOW_MS + 1000)).toThrow()
    for (let i = 0; i < 99; i++) expect(reserve(`n${i}`, NOW_MS + 9000, NOW_MS + 1001)).toBe(true)
    expect(() => reserve('x', NOW_MS + 9000, NOW_MS + 1001)).toThrow()
  })

  // With the seed 29, the sweep starts after the slot of the expired entry.
  it.each([1, 29])('removes expired entries in any slot: seed %d', async (seed) => {
    const random = vi.spyOn(crypto, 'getRandomValues').mockImplementation((array) => (array as Int32Array).fill(seed) as never)
    onTestFinished(() => random.mockRestore())
    vi.resetModules()
    const fresh = await import('../../src/freshness/memory-replay-store.js')
    const store = fresh.memoryReplayStore({ maxEntries: 2 })
    store.reserve('long', NOW_MS + 90_000, { nowMs: NOW_MS } as never)
    for (let i = 0; i < 50; i++) expect(store.reserve(`k${i}`, NOW_MS + i, { nowMs: NOW_MS + i } as never)).toBe(true)
  })

  it('accepts entries of a client at its quota again when its entries have expired', () => {
    const store = memoryReplayStore({ maxEntries: 4 })
    const reserve = (key: string, nowMs: number) => store.reserve(key, nowMs + 1000, { nowMs, jkt: 'busy' })
    for (const key of ['a', 'b', 'c']) expect(reserve(key, NOW_MS)).toBe(true)
    const error = errorOf(() => reserve('d', NOW_MS + 1001))
    expect(error).toBeInstanceOf(ReplayQuotaError)
    expect(error).toMatchObject({ message: 'The client has reached its limit in the replay store', retryAfterSeconds: 1 })
    for (const key of ['d', 'e', 'f']) expect(reserve(key, NOW_MS + 12 * 60_000)).toBe(true)
  })

  it('limits one client to three quarters of the capacity, so that the rest is available to others', () => {
    const store = memoryReplayStore({ maxEntries: 100 })
    const busy = { nowMs: NOW_MS, jkt: 'busy' }
    for (let i = 0; i < 75; i++) expect(store.reserve(`b${i}`, NOW_MS + 1000, busy)).toBe(true)
    expect(() => store.reserve('b75', NOW_MS + 1000, busy)).toThrow('The client has reached its limit in the replay store')
    expect(store.reserve('b0', NOW_MS + 1000, busy)).toBe(false)
    for (let i = 0; i < 25; i++) expect(store.reserve(`o${i}`, NOW_MS + 1000, { nowMs: NOW_MS, jkt: 'other' })).toBe(true)
  })
})

describe('ReplayQuotaError', () => {
  it.each([null, undefined, 'text', {}, new Error('down')])('is not %j', (value) => {
    expect(isReplayQuotaError(value)).toBe(false)
  })

  it('is recognized also if another copy of this package threw it', () => {
    expect(isReplayQuotaError({ [Symbol.for('dpop-guard.replay-quota')]: true, retryAfterSeconds: 1 })).toBe(true)
    expect(isReplayQuotaError(new ReplayQuotaError(1))).toBe(true)
  })

  it.each([
    [0.2, 1],
    [-5, 1],
    [6, 6],
    [6.01, 7]
  ])('rounds %d seconds up to an integer of at least 1: %d', (given, seconds) => {
    expect(new ReplayQuotaError(given)).toMatchObject({ name: 'ReplayQuotaError', retryAfterSeconds: seconds })
  })

  it.each([Number.NaN, Number.POSITIVE_INFINITY, '5'])('rejects %j', (given) => {
    expect(() => new ReplayQuotaError(given as number)).toThrow(new RangeError('"retryAfterSeconds" must be a finite number'))
  })
})

describe('a growing or shrinking table keeps all live entries', () => {
  it('for a hundred thousand entries, which are moved a few slots at a time', () => {
    const reserve = createStore()
    const count = 100_000
    for (let i = 0; i < count; i++) expect(reserve(`k${i}`, NOW_MS + 1000, NOW_MS)).toBe(true)
    for (let i = 0; i < count; i += 7) expect(reserve(`k${i}`, NOW_MS + 1000, NOW_MS + 999)).toBe(false)
    // All entries but these expire, and the table shrinks.
    for (let i = 0; i < 500; i++) expect(reserve(`long${i}`, NOW_MS + 100_000, NOW_MS + 1000)).toBe(true)
    for (let round = 0; round < 100; round++) {
      for (let i = 0; i < 500; i++) expect(reserve(`long${i}`, NOW_MS + 100_000, NOW_MS + 2000 + round)).toBe(false)
      for (let i = 0; i < 100; i++) expect(reserve(`r${round}-${i}`, NOW_MS + 2000 + round, NOW_MS + 2000 + round)).toBe(true)
    }
    for (let i = 0; i < count; i += 997) expect(reserve(`k${i}`, NOW_MS + 90_000, NOW_MS + 3000)).toBe(true)
  })
})

/** The sizes, in slots of 16 bytes, of the tables that are created from now on. */
function recordTables(): number[] {
  const slots: number[] = []
  class RecordedArray extends Int32Array {
    constructor(length: number) {
      super(length)
      slots.push(length / 4)
    }
  }
  vi.stubGlobal('Int32Array', RecordedArray)
  onTestFinished(() => void vi.unstubAllGlobals())
  return slots
}

describe('the memory of an entry is 22 to 32 bytes', () => {
  it('a table that is three quarters full is replaced by one with 1.5 times as many slots', () => {
    const tables = recordTables()
    const reserve = createStore()
    for (let i = 0; i < 768; i++) reserve(`k${i}`, NOW_MS + 1000, NOW_MS)
    expect(new Set(tables)).toEqual(new Set([1024]))
    reserve('k768', NOW_MS + 1000, NOW_MS)
    expect(tables.at(-1)).toBe(1536)
    for (let i = 769; i < 10_000; i++) reserve(`k${i}`, NOW_MS + 1000, NOW_MS)
    expect(tables.at(-1)).toBeGreaterThan(10_000 / 0.75)
    expect(tables.at(-1)).toBeLessThan((10_000 / 0.75) * 1.5)
  })

  it('a table that is one tenth full is replaced by a smaller one, but not below the minimum size', () => {
    const tables = recordTables()
    const reserve = createStore()
    for (let i = 0; i < 10_000; i++) reserve(`k${i}`, NOW_MS + 1000, NOW_MS)
    const largest = tables.at(-1) as number
    const grown = tables.length
    reserve('long', NOW_MS + 90_000, NOW_MS)
    for (let i = 0; i < 5000; i++) reserve(`n${i}`, NOW_MS + 1001 + i, NOW_MS + 1001 + i)
    expect(tables.slice(grown)).toEqual([Math.ceil(largest / 1.5 ** 4), 1024])
  })
})
