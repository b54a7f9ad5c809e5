import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { replayExpiryMs, replayKey } from '../../src/freshness/replay-entry.js'
import { checkTime, type Proof } from '../../src/proof/proof.js'

const JKT = 'a'.repeat(43)

describe('the key of a proof', () => {
  it('has 22 characters of base64url for any jti', async () => {
    for (const jti of ['x', 'x'.repeat(256), 'é\n\u0000']) expect(await replayKey(JKT, 'https://a/', jti)).toMatch(/^[\w-]{22}$/)
  })

  it('differs by client, URI and jti, also if their concatenation is equal', async () => {
    const keys = await Promise.all([
      replayKey(JKT, 'https://a/', 'x'),
      replayKey('b'.repeat(43), 'https://a/', 'x'),
      replayKey(JKT, 'https://a/x', ''),
      replayKey(JKT, 'https://a/', 'y'),
      replayKey(JKT, 'https://a/', 'https://a/\nx')
    ])
    expect(new Set(keys).size).toBe(keys.length)
  })
})

describe('an entry expires after the last acceptance of the proof (RFC 9449 §11.1)', () => {
  const isAccepted = (iat: number, nowMs: number, maxAgeSeconds: number): boolean => {
    const proof = { claims: { iat } } as Proof
    try {
      checkTime(proof, nowMs, { algorithms: [], maxAgeSeconds, maxFutureSeconds: 604_800, maxBytes: 8192 })
      return true
    } catch {
      return false
    }
  }

  it('by at least five seconds, for any iat, integer or not, and any window', () => {
    const iats = fc.double({ min: 1_700_000_000, max: 1_900_000_000, noNaN: true })
    const anyIat = fc.oneof(iats, iats.map(Math.floor))
    fc.assert(
      fc.property(anyIat, fc.integer({ min: 1, max: 604_800 }), fc.nat(999), (iat, maxAgeSeconds, ms) => {
        const expiresAtMs = replayExpiryMs(iat, maxAgeSeconds)
        expect(isAccepted(iat, expiresAtMs - 5000 + ms, maxAgeSeconds)).toBe(false)
        expect(isAccepted(iat, expiresAtMs, maxAgeSeconds)).toBe(false)
        // The entry does not live much longer: the last second before that is accepted.
        expect(isAccepted(iat, expiresAtMs - 7001, maxAgeSeconds)).toBe(true)
      }),
      { seed: 9449, numRuns: 2000 }
    )
  })

  it('and its lifetime starts at iat, also if iat is in the future', () => {
    expect(replayExpiryMs(1000 + 29, 60)).toBe((1000 + 29 + 60 + 6) * 1000)
  })
})
