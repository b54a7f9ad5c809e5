import { describe, expect, it } from 'vitest'
import { ClientQuota } from '../../src/freshness/client-quota.js'
import { NOW_MS } from '../support/world.js'

const take = (quota: ClientQuota, jkt: string, count: number, nowMs: number): number => {
  let taken = 0
  for (let i = 0; i < count; i++) if (quota.take(jkt, nowMs)) taken++
  return taken
}

describe('ClientQuota', () => {
  it('gives each client its share, and no more', () => {
    const quota = new ClientQuota(10)
    expect(take(quota, 'a', 15, NOW_MS)).toBe(10)
    expect(take(quota, 'b', 15, NOW_MS)).toBe(10)
    expect(quota.take('a', NOW_MS + 359_999)).toBe(false)
  })

  it('counts the former period too: an entry may live across the turn', () => {
    const quota = new ClientQuota(10)
    expect(take(quota, 'a', 6, NOW_MS)).toBe(6)
    expect(take(quota, 'a', 6, NOW_MS + 360_000)).toBe(4)
    expect(take(quota, 'a', 10, NOW_MS + 720_000)).toBe(6)
  })

  it('forgets everything after two periods', () => {
    const quota = new ClientQuota(10)
    take(quota, 'a', 10, NOW_MS)
    expect(take(quota, 'a', 15, NOW_MS + 720_000)).toBe(10)
  })
})
