import { describe, expect, it } from 'vitest'
import type { ProofHeader } from '../../src/proof/proof-key.js'
import { ProofKeyCache } from '../../src/proof/proof-key-cache.js'

const headerOf = (jkt: string, alg = 'ES256') => ({ jkt, alg }) as ProofHeader

describe('ProofKeyCache', () => {
  it('caches the header of a verified proof by its encoded segment', () => {
    const cache = new ProofKeyCache(1000)
    const header = headerOf('a')
    cache.set('segment', header)
    expect(cache.get('segment')).toBe(header)
    expect(cache.get('Segment')).toBeUndefined()
  })

  it.each([
    ['ES256', 2048],
    ['RS512', 2048],
    ['ML-DSA-44', 5120],
    ['ML-DSA-87', 5120]
  ])('%s: does not cache a header of more than %i characters', (alg, length) => {
    const cache = new ProofKeyCache(1000)
    const header = headerOf('a', alg)
    cache.set('a'.repeat(length), header)
    cache.set('a'.repeat(length + 1), header)
    expect(cache.get('a'.repeat(length))).toBe(header)
    expect(cache.get('a'.repeat(length + 1))).toBeUndefined()
  })

  it('has at most eight headers of one key', () => {
    const cache = new ProofKeyCache(1000)
    for (let i = 0; i < 9; i++) cache.set(`segment ${i}`, headerOf('a'))
    expect(cache.get('segment 0')).toBeUndefined()
    expect(cache.get('segment 1')).toBeDefined()
  })

  it('has one header of each of nine keys', () => {
    const cache = new ProofKeyCache(1000)
    for (let i = 0; i < 9; i++) cache.set(`segment ${i}`, headerOf(`key ${i}`))
    expect(cache.get('segment 0')).toBeDefined()
  })
})
