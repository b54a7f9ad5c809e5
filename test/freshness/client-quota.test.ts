import { createHash } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { ClientQuota } from '../../src/freshness/client-quota.js'
import { NOW_MS } from '../support/world.js'

const MINUTE = 60_000

/** How many of `count` entries, each with a lifetime of `ttlMs`, are accepted for a client. */
function take(quota: ClientQuota, jkt: string, count: number, nowMs: number, ttlMs = 5 * MINUTE): number {
  let taken = 0
  for (let i = 0; i < count; i++) if (quota.take(jkt, nowMs, ttlMs)) taken++
  return taken
}

describe('ClientQuota limits the replay store entries of one client (RFC 9449 §11.1)', () => {
  it('accepts entries of each client up to its limit', () => {
    const quota = new ClientQuota(10)
    expect(take(quota, 'a', 15, NOW_MS)).toBe(10)
    expect(take(quota, 'b', 15, NOW_MS)).toBe(10)
    expect(take(quota, 'a', 1, NOW_MS + 6 * MINUTE - 1)).toBe(0)
  })

  it('counts the entries of the previous period too, because they may still be live', () => {
    const quota = new ClientQuota(10)
    expect(take(quota, 'a', 6, NOW_MS)).toBe(6)
    expect(take(quota, 'a', 6, NOW_MS + 6 * MINUTE)).toBe(4)
    expect(take(quota, 'a', 10, NOW_MS + 12 * MINUTE)).toBe(6)
  })

  it('resets its counts after two periods', () => {
    const quota = new ClientQuota(10)
    take(quota, 'a', 10, NOW_MS)
    expect(take(quota, 'a', 15, NOW_MS + 12 * MINUTE)).toBe(10)
  })

  it('never counts too few entries with long lifetimes, as with nonces of one hour or a wide window', () => {
    const quota = new ClientQuota(10)
    expect(take(quota, 'a', 10, NOW_MS, 60 * MINUTE)).toBe(10)
    for (let minutes = 1; minutes < 60; minutes++) expect(take(quota, 'a', 1, NOW_MS + minutes * MINUTE, 60 * MINUTE)).toBe(0)
    expect(take(quota, 'a', 15, NOW_MS + 66 * MINUTE + 60 * MINUTE, 60 * MINUTE)).toBe(10)
  })

  it('counts entries for at most two lifetimes if these are short, as under the FAPI profile', () => {
    const quota = new ClientQuota(10)
    expect(take(quota, 'a', 15, NOW_MS, MINUTE)).toBe(10)
    expect(take(quota, 'a', 15, NOW_MS + MINUTE - 1, MINUTE)).toBe(0)
    expect(take(quota, 'a', 15, NOW_MS + 2 * MINUTE, MINUTE)).toBe(10)
  })

  it('counts an entry with a longer lifetime than earlier ones until it expires', () => {
    const quota = new ClientQuota(10)
    expect(take(quota, 'a', 1, NOW_MS, 1)).toBe(1)
    expect(take(quota, 'b', 10, NOW_MS, MINUTE)).toBe(10)
    for (const atMs of [1, 2, MINUTE - 1]) expect(take(quota, 'b', 1, NOW_MS + atMs, MINUTE)).toBe(0)
  })

  it('begins a new period if the clock was set back, so that no client waits for the time before', () => {
    const quota = new ClientQuota(10)
    expect(take(quota, 'a', 1, NOW_MS)).toBe(1)
    const earlierMs = NOW_MS - 24 * 60 * MINUTE
    expect(take(quota, 'a', 15, earlierMs)).toBe(9)
    expect(quota.retryAfterSeconds(earlierMs)).toBeLessThanOrEqual(300)
    expect(take(quota, 'a', 15, earlierMs + 10 * MINUTE)).toBe(10)
  })

  it('separates clients by two counters', () => {
    const quota = new ClientQuota(1)
    const clients = 2 ** 14
    let refused = 0
    for (let i = 0; i < clients; i++) {
      const jkt = createHash('sha256').update(String(i)).digest('base64url')
      if (!quota.take(jkt, NOW_MS, MINUTE)) refused++
    }
    // 17 % with two counters, 37 % with one; about 50 of 16 384 are random variation.
    expect(refused / clients).toBeGreaterThan(0.12)
    expect(refused / clients).toBeLessThan(0.22)
  })

  it('never counts too few entries, for any lifetimes', () => {
    const quota = new ClientQuota(5)
    let alive: number[] = []
    for (let minute = 0, seed = 1; minute < 600; minute++) {
      seed = (seed * 48_271) % 2_147_483_647
      const nowMs = NOW_MS + minute * MINUTE
      const ttlMs = (1 + (seed % 45)) * MINUTE
      alive = alive.filter((endMs) => endMs > nowMs)
      if (quota.take('a', nowMs, ttlMs)) alive.push(nowMs + ttlMs)
      expect(alive.length).toBeLessThanOrEqual(5)
    }
  })
})
