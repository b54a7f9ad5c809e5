import { describe, expect, it } from 'vitest'
import type { ProofHeader } from '../../src/proof/proof-key.js'
import { ProofKeyCache } from '../../src/proof/proof-key-cache.js'

const headerOf = (jkt: string) => ({ jkt }) as ProofHeader

describe('ProofKeyCache', () => {
  it('caches the header of a verified proof by its encoded segment', () => {
    const cache = new ProofKeyCache(1000)
    const header = headerOf('a')
    cache.set('segment', header)
    expect(cache.get('segment')).toBe(header)
    expect(cache.get('Segment')).toBeUndefined()
  })

  it('does not cache a header of more than 2048 characters', () => {
    const cache = new ProofKeyCache(1000)
    const header = headerOf('a')
    cache.set('a'.repeat(2048), header)
    cache.set('a'.repeat(2049), header)
    expect(cache.get('a'.repeat(2048))).toBe(header)
    expect(cache.get('a'.repeat(2049))).toBeUndefined()
  })

  it('holds eight headers of one key', () => {
    const cache = new ProofKeyCache(1000)
    for (let i = 0; i < 9; i++) cache.set(`segment ${i}`, headerOf('a'))
    expect(cache.get('segment 0')).toBeUndefined()
    expect(cache.get('segment 1')).toBeDefined()
  })
})
