import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ClientCache } from '../../src/cache/client-cache.js'

interface Entry {
  readonly client: string
}

const CAPACITY = 100
const ALWAYS = () => 0
const NEVER = () => 0.125

function createCache(random: () => number, maxClients = CAPACITY): ClientCache<Entry> {
  return new ClientCache({ maxClients, clientOf: ({ client }) => client, random })
}

/** One entry for each client from `first` to before `end`. */
function fill(cache: ClientCache<Entry>, first: number, end: number): void {
  for (let i = first; i < end; i++) cache.set(`key of ${i}`, { client: String(i) })
}

/** A reproducible sequence of numbers from 0 to less than 1. */
function createRandom(seed: number): () => number {
  let state = seed
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0
    return state / 2 ** 32
  }
}

/** The hit rate of requests of clients, each of which adds its entry if it is not cached, after a warm-up. */
function hitRate(cache: ClientCache<Entry>, nextClient: (i: number) => number, count: number): number {
  let hits = 0
  for (let i = 0; i < 2 * count; i++) {
    const client = nextClient(i)
    const isCached = cache.get(`key of ${client}`) !== undefined
    if (isCached && i >= count) hits++
    if (!isCached) cache.set(`key of ${client}`, { client: String(client) })
  }
  return hits / count
}

describe('ClientCache', () => {
  it('returns the value that was set last for a key', () => {
    const cache = createCache(ALWAYS)
    const [first, second] = [{ client: 'a' }, { client: 'a' }]
    cache.set('key', first)
    cache.set('key', second)
    expect(cache.get('key')).toBe(second)
    expect(cache.size).toBe(1)
  })

  it('evicts the oldest of eight entries when a client adds another', () => {
    const cache = createCache(ALWAYS)
    for (let i = 0; i < 9; i++) cache.set(`key ${i}`, { client: 'a' })
    expect(cache.get('key 0')).toBeUndefined()
    expect(Array.from({ length: 8 }, (_, i) => cache.get(`key ${i + 1}`))).not.toContain(undefined)
  })

  it('has at most eight entries of a client', () => {
    const cache = createCache(ALWAYS)
    for (let i = 0; i < 40; i++) cache.set(`key ${i}`, { client: 'a' })
    expect(cache.size).toBe(8)
  })

  it('counts the other entries of a client after one was removed', () => {
    const cache = createCache(ALWAYS)
    for (let i = 0; i < 8; i++) cache.set(`key ${i}`, { client: 'a' })
    cache.delete('key 3')
    for (let i = 0; i < 10; i++) cache.set(`other ${i}`, { client: 'a' })
    expect(cache.size).toBe(8)
  })

  it('does not count a client whose last entry was evicted or removed', () => {
    const cache = createCache(ALWAYS)
    fill(cache, 0, 3 * CAPACITY)
    expect(cache.clientCount).toBe(CAPACITY)
    cache.delete(`key of ${3 * CAPACITY - 1}`)
    expect(cache.clientCount).toBe(CAPACITY - 1)
  })

  it('counts an entry that is set again once', () => {
    const cache = createCache(ALWAYS)
    for (let i = 0; i < 20; i++) cache.set('key', { client: 'a' })
    for (let i = 0; i < 7; i++) cache.set(`key ${i}`, { client: 'a' })
    expect(cache.get('key')).toBeDefined()
  })

  it('counts an entry for the client of its current value', () => {
    const cache = createCache(ALWAYS)
    cache.set('key', { client: 'a' })
    cache.set('key', { client: 'b' })
    for (let i = 0; i < 8; i++) cache.set(`key ${i}`, { client: 'b' })
    expect(cache.get('key')).toBeUndefined()
    for (let i = 0; i < 8; i++) cache.set(`other ${i}`, { client: 'a' })
    expect(cache.get('other 0')).toBeDefined()
  })

  it('has() is true only for entries that were set and not deleted', () => {
    const cache = createCache(ALWAYS)
    cache.set('key', { client: 'a' })
    expect([cache.has('key'), cache.has('other')]).toEqual([true, false])
    cache.delete('key')
    cache.delete('other')
    expect(cache.has('key')).toBe(false)
  })

  it('evicts the least recently used entry when it is full', () => {
    const cache = createCache(ALWAYS)
    fill(cache, 0, CAPACITY)
    cache.get('key of 0')
    fill(cache, CAPACITY, CAPACITY + 1)
    expect(cache.get('key of 0')).toBeDefined()
    expect(cache.get('key of 1')).toBeUndefined()
    expect(cache.size).toBe(CAPACITY)
  })

  it('accepts an unknown client when it is full only if the random number admits it', () => {
    const cache = createCache(NEVER)
    fill(cache, 0, CAPACITY + 1)
    expect(cache.get('key of 0')).toBeDefined()
    expect(cache.get(`key of ${CAPACITY}`)).toBeUndefined()
  })

  it('accepts a further entry of a known client when it is full, such as a renewed token', () => {
    const cache = createCache(NEVER)
    fill(cache, 0, CAPACITY)
    cache.set('renewed', { client: '5' })
    expect(cache.get('renewed')).toBeDefined()
  })

  it('no longer counts evicted entries', () => {
    const cache = createCache(ALWAYS, 4)
    for (let i = 0; i < 40; i++) cache.set(`key ${i}`, { client: String(i % 10) })
    for (let i = 0; i < 4; i++) cache.set(`other ${i}`, { client: 'a' })
    expect(cache.size).toBe(4)
    expect(Array.from({ length: 4 }, (_, i) => cache.get(`other ${i}`))).not.toContain(undefined)
  })

  it('keeps the entries of other clients, for any entries of one client', () => {
    const action = fc.record({ key: fc.nat(10_000), isRead: fc.boolean(), other: fc.nat(CAPACITY - 20) })
    fc.assert(
      fc.property(fc.array(action, { maxLength: 500 }), (actions) => {
        const cache = createCache(ALWAYS)
        fill(cache, 0, CAPACITY - 10)
        for (const { key, isRead, other } of actions) {
          if (isRead) cache.get(`key of ${other}`)
          else cache.set(`attack ${key}`, { client: 'attacker' })
        }
        for (let i = 0; i < CAPACITY - 10; i++) expect(cache.get(`key of ${i}`)).toBeDefined()
      })
    )
  })

  it('has hits for more than a quarter of the requests of twice as many clients as its capacity in cyclic order', () => {
    const cyclic = hitRate(createCache(createRandom(1)), (i) => i % (2 * CAPACITY), 20_000)
    expect(cyclic).toBeGreaterThan(0.25)
  })

  it('has hits for almost half of the requests of twice as many clients as its capacity in random order', () => {
    const random = createRandom(2)
    const uniform = hitRate(createCache(createRandom(1)), () => Math.floor(random() * 2 * CAPACITY), 20_000)
    expect(uniform).toBeGreaterThan(0.45)
  })
})
