/** A clock that stands still until it is told to move. @module */

/** A clock for the option `clock` of a verifier, an issuer and a client. */
export interface FakeClock {
  /** Milliseconds since the epoch. */
  (): number
  /** Moves the clock, back if negative. */
  advance(seconds: number): void
  /** Sets the clock to milliseconds since the epoch. */
  set(nowMs: number): void
}

/** A clock that stands at `nowMs`, milliseconds since the epoch. */
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
