/** The interface of replay stores (RFC 9449 §11.1). @module */

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
