import { describe, expect, it } from 'vitest'
import type { ProofHeader } from '../../src/proof/proof-key.js'
import { ProofKeyCache } from '../../src/proof/proof-key-cache.js'

const header = {} as ProofHeader

describe('ProofKeyCache', () => {
  it('remembers the header of a verified proof by its raw segment', () => {
    const cache = new ProofKeyCache()
    cache.set('segment', header)
    expect(cache.get('segment')).toBe(header)
    expect(cache.get('Segment')).toBeUndefined()
  })

  it('holds 10 000 headers, and forgets the one that was not used for longest', () => {
    const cache = new ProofKeyCache()
    for (let i = 0; i <= 10_000; i++) cache.set(String(i), header)
    expect([cache.get('0'), cache.get('1'), cache.get('10000')]).toEqual([undefined, header, header])
  })

  it('does not remember a header of more than 2048 characters, so that no client can fill the memory with what it wraps around its key', () => {
    const cache = new ProofKeyCache()
    cache.set('a'.repeat(2048), header)
    cache.set('a'.repeat(2049), header)
    expect(cache.get('a'.repeat(2048))).toBe(header)
    expect(cache.get('a'.repeat(2049))).toBeUndefined()
  })
})
