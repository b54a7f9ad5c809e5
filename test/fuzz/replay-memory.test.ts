import { memoryReplayStore } from 'dpop-guard'
import fc from 'fast-check'
import { describe } from 'vitest'
import { NOW_MS } from '../support/world.js'
import { fuzz } from './fuzz.js'

const WRAP_MS = 2 ** 32
const DAY_MS = 86_400_000

/** A store and its model: whether a reservation was accepted, and whether the model has an entry that is live at `liveAtMs`. */
function createPair() {
  const store = memoryReplayStore()
  const model = new Map<string, number>()
  return (key: string, ttlMs: number, nowMs: number, liveAtMs: number) => {
    const isLive = (model.get(key) ?? Number.NEGATIVE_INFINITY) >= liveAtMs
    const isFirst = store.reserve(key, nowMs + ttlMs, { nowMs } as never)
    if (isFirst) model.set(key, nowMs + ttlMs)
    return { isFirst, isLive }
  }
}

/** One call: the key, the lifetime, and the time since the previous call. */
const calls = fc.array(
  fc.record({
    key: fc.oneof({ weight: 3, arbitrary: fc.nat(40) }, { weight: 1, arbitrary: fc.nat(4000) }),
    burst: fc.oneof({ weight: 8, arbitrary: fc.constant(1) }, { weight: 1, arbitrary: fc.integer({ min: 300, max: 1500 }) }),
    ttlMs: fc.integer({ min: 0, max: 400 }),
    passMs: fc.oneof(
      { weight: 4, arbitrary: fc.constant(0) },
      { weight: 8, arbitrary: fc.nat(100) },
      { weight: 1, arbitrary: fc.nat(50 * DAY_MS) }
    )
  }),
  { maxLength: 60 }
)
const anyStart = fc.integer({ min: NOW_MS, max: NOW_MS + WRAP_MS })
const anyJumps = fc.array(fc.integer({ min: -300, max: 300 }), { minLength: 60, maxLength: 60 })

describe('memoryReplayStore compared with a Map of keys and expiries (RFC 9449 §11.1)', () => {
  fuzz('with a monotonic clock, a key is rejected if and only if its entry is live', [anyStart, calls], 300, (startMs, steps) => {
    const reserve = createPair()
    let nowMs = startMs
    for (const { key, burst, ttlMs, passMs } of steps) {
      nowMs += passMs
      for (let i = 0; i < burst; i++) {
        const { isFirst, isLive } = reserve(`k${key + i}`, ttlMs, nowMs, nowMs)
        if (isFirst === isLive) throw new Error(`k${key + i} at ${nowMs}: live ${isLive}, first ${isFirst}`)
      }
    }
  })

  fuzz(
    'with a clock that is set forward and back, a key whose entry is live at the latest time is rejected',
    [calls, anyJumps],
    200,
    (steps, jumps) => {
      const reserve = createPair()
      let nowMs = NOW_MS
      let latestMs = nowMs
      steps.forEach(({ key, burst, ttlMs }, step) => {
        nowMs += jumps[step] as number
        latestMs = Math.max(latestMs, nowMs)
        for (let i = 0; i < burst; i++) {
          const { isFirst, isLive } = reserve(`k${key + i}`, ttlMs, nowMs, latestMs)
          if (isFirst && isLive) throw new Error(`k${key + i} was accepted twice`)
        }
      })
    }
  )
})
