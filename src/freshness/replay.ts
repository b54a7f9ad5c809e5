/** The interface of replay stores, and the key and expiry of a consumed proof (RFC 9449 §11.1). @module */

import { platform } from '#crypto'
import type { MaybePromise } from '../crypto/crypto.js'

/** Stores which proofs were consumed. One atomic method, so that exactly one of any number of copies of a proof is accepted. */
export interface ReplayStore {
  /**
   * Reserves `key` until `expiresAtMs`: true the first time, false while an earlier reservation is live. Lookup and insertion
   * must be atomic. A store that cannot decide must throw (the response is then 503) and must never evict a live entry. It may throw
   * a {@link ReplayQuotaError} for a client that uses too much of it (the response is then 429).
   *
   * @param key 22 characters of base64url, a hash that reveals nothing about the proof
   * @param expiresAtMs milliseconds since the epoch until which the entry must be kept
   * @param context further information, such as for quotas
   */
  reserve(key: string, expiresAtMs: number, context?: ReplayContext): MaybePromise<boolean>
  /**
   * Whether `key` is reserved, without reserving it. Optional; used only by `verifier.explain()`.
   */
  has?(key: string, context?: ReplayContext): MaybePromise<boolean>
  /** Resolves if the store is reachable and rejects otherwise. Called by `verifier.ready()`. */
  ready?(): MaybePromise<void>
}

const isQuotaError = Symbol.for('dpop-guard.replay-quota')

/** Thrown by a replay store for a client above its quota. The response is 429 with `Retry-After` (RFC 6585 §4). */
export class ReplayQuotaError extends Error {
  override readonly name = 'ReplayQuotaError'
  /** After how many seconds the client may succeed, an integer from 1. */
  readonly retryAfterSeconds: number
  protected readonly [isQuotaError] = true

  /**
   * @param retryAfterSeconds rounded up
   * @throws RangeError if it is not a finite number
   */
  constructor(retryAfterSeconds: number) {
    if (!Number.isFinite(retryAfterSeconds)) throw new RangeError('"retryAfterSeconds" must be a finite number')
    super('The client has reached its limit in the replay store')
    this.retryAfterSeconds = Math.max(1, Math.ceil(retryAfterSeconds))
  }
}

/** Whether a value is a {@link ReplayQuotaError}, also one from another copy of this package. */
export function isReplayQuotaError(value: unknown): value is ReplayQuotaError {
  return typeof value === 'object' && value !== null && isQuotaError in value
}

/** Further information about a reservation. */
export interface ReplayContext {
  /** Time of the request by the verifier's clock, milliseconds since the epoch. */
  readonly nowMs: number
  /** The thumbprint of the key that signed the proof, which identifies the client. */
  readonly jkt: string
}

/** 22 base64url characters are 132 bits: enough against collisions, and a Redis entry is a fifth smaller than with all 43. */
const KEY_LENGTH = 22

/** Maximum clock difference between instances that share a store or nonce secrets. */
export const CLOCK_DRIFT_MS = 5_000

/**
 * The key of a proof: a hash of the signing key, the normalized URI and the jti. The proof itself is not hashed, since a malleable
 * signature would give it another key. The signing key is included so that a client cannot consume the jti of another.
 */
export function replayKey(jkt: string, uri: string, jti: string): MaybePromise<string> {
  const hash = platform.sha256(`${jkt}\n${uri}\n${jti}`)
  return typeof hash === 'string' ? hash.slice(0, KEY_LENGTH) : hash.then((made) => made.slice(0, KEY_LENGTH))
}

/**
 * Milliseconds since the epoch after which no instance accepts the proof. It is computed from iat, which may be in the future. One
 * second is added because the age check rounds the clock down.
 */
export function replayExpiryMs(iat: number, maxAgeSeconds: number): number {
  return Math.ceil((iat + maxAgeSeconds + 1) * 1000) + CLOCK_DRIFT_MS
}

/** Whether an entry that expires at `expiresAtMs` may have expired on an instance whose clock is ahead. */
export function mayHaveExpired(expiresAtMs: number, nowMs: number): boolean {
  return !(nowMs < expiresAtMs - CLOCK_DRIFT_MS)
}
