import { describe, expect, it } from 'vitest'
import type { ProofHeader } from '../../src/proof/proof-key.js'
import { ProofKeyCache } from '../../src/proof/proof-key-cache.js'

const header = {} as ProofHeader

describe('ProofKeyCache', () => {
  it('caches the header of a verified proof by its encoded segment', () => {
    const cache = new ProofKeyCache()
    cache.set('segment', header)
    expect(cache.get('segment')).toBe(header)
    expect(cache.get('Segment')).toBeUndefined()
  })

  it('holds 10 000 headers and evicts the least recently used one', () => {
    const cache = new ProofKeyCache()
    for (let i = 0; i <= 10_000; i++) cache.set(String(i), header)
    expect([cache.get('0'), cache.get('1'), cache.get('10000')]).toEqual([undefined, header, header])
  })

  it('does not cache a header of more than 2048 characters', () => {
    const cache = new ProofKeyCache()
    cache.set('a'.repeat(2048), header)
    cache.set('a'.repeat(2049), header)
    expect(cache.get('a'.repeat(2048))).toBe(header)
    expect(cache.get('a'.repeat(2049))).toBeUndefined()
  })
})
