/** Reserves one key in a replay store and converts its failures (RFC 9449 §11.1). @module */

import type { MaybePromise } from '../crypto/crypto.js'
import { DPoPUnavailableError, Refusal } from '../errors.js'
import * as telemetry from '../telemetry.js'
import { mayHaveExpired } from './replay-entry.js'
import { isReplayQuotaError, type ReplayStore } from './replay-store.js'

/** When a key is reserved, and until when. */
export interface Reservation {
  /** The time of the check. The replay store uses the same time, so that an entry cannot expire in between. */
  readonly atMs: number
  /** Milliseconds since the epoch after which no instance accepts the proof or the ticket. */
  readonly expiresAtMs: number
}

/** Whether the key was not reserved before. Throws if the store cannot decide, or the client is above its quota. */
export function reserve(
  store: ReplayStore,
  key: string,
  reservation: Reservation,
  jkt: string,
  clock: () => number
): MaybePromise<boolean> {
  const reserveKey = telemetry.replayReserved.hasSubscribers ? reserveMeasured : reserveOnce
  return reserveKey(store, key, reservation, jkt, clock)
}

async function reserveMeasured(
  store: ReplayStore,
  key: string,
  reservation: Reservation,
  jkt: string,
  clock: () => number
): Promise<boolean> {
  const startMs = performance.now()
  let outcome: telemetry.ReplayReservedEvent['outcome'] = 'unavailable'
  try {
    const isFirst = await reserveOnce(store, key, reservation, jkt, clock)
    outcome = isFirst ? 'first-use' : 'replay'
    return isFirst
  } catch (error) {
    if (error instanceof Refusal) outcome = 'quota-exceeded'
    throw error
  } finally {
    telemetry.replayReserved.publish({ outcome, durationMs: performance.now() - startMs })
  }
}

function reserveOnce(
  store: ReplayStore,
  key: string,
  { expiresAtMs, atMs }: Reservation,
  jkt: string,
  clock: () => number
): MaybePromise<boolean> {
  try {
    const result = store.reserve(key, expiresAtMs, { nowMs: atMs, jkt })
    return typeof result === 'boolean' ? result : inTime(result, expiresAtMs, jkt, clock)
  } catch (cause) {
    throw storeFailure(cause, jkt)
  }
}

/** A slow store may return true because the entry of the first use has expired meanwhile. The result is then unknown. */
async function inTime(result: Promise<boolean>, expiresAtMs: number, jkt: string, clock: () => number): Promise<boolean> {
  let isFirst: boolean
  try {
    isFirst = await result
  } catch (cause) {
    throw storeFailure(cause, jkt)
  }
  if (isFirst && mayHaveExpired(expiresAtMs, clock()))
    throw storeUnavailable(new Error('The replay store responded after the entry may have expired'))
  return isFirst
}

/** A store that throws cannot decide, unless it says that the client is above its quota. */
function storeFailure(cause: unknown, jkt: string): Refusal | DPoPUnavailableError {
  if (!isReplayQuotaError(cause)) return storeUnavailable(cause)
  const { message: reason, retryAfterSeconds } = cause
  return new Refusal('ERR_DPOP_QUOTA_EXCEEDED', { reason, jkt, retryAfterSeconds })
}

/** The error of a replay store that cannot decide. */
export function storeUnavailable(cause: unknown): DPoPUnavailableError {
  return new DPoPUnavailableError('ERR_DPOP_REPLAY_STORE_UNAVAILABLE', cause)
}
