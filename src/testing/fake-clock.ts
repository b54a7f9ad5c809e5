/** A clock for tests that only advances on demand. @module */

/** A clock for the option `clock` of a verifier, a test issuer and a test client. */
export interface FakeClock {
  /** Milliseconds since the epoch. */
  (): number
  /** Advances the clock; a negative value sets it back. */
  advance(seconds: number): void
  /** Sets the clock to milliseconds since the epoch. */
  set(nowMs: number): void
}

/** Creates a clock set to `nowMs`, milliseconds since the epoch. */
export function fakeClock(nowMs: number = Date.now()): FakeClock {
  let currentMs = nowMs
  return Object.assign(() => currentMs, {
    advance: (seconds: number) => {
      currentMs += seconds * 1000
    },
    set: (toMs: number) => {
      currentMs = toMs
    }
  })
}
