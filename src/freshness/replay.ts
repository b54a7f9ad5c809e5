/** Replay protection: what a store is, and the key and expiry under which a proof is remembered (RFC 9449 §11.1). @module */

import { platform } from '#crypto'
import type { MaybePromise } from '../crypto/crypto.js'

/** Remembers which proofs were used. One atomic method, so that of any number of copies of a proof one wins. */
export interface ReplayStore {
  /**
   * Reserves `key` until `expiresAtMs`: true the first time, false while an earlier reservation of it lives. Look-up and
   * insertion are one step. A store that cannot tell must throw (the answer is then 503), and must never forget a live entry.
   *
   * @param key 22 characters of base64url, a hash that says nothing of the proof
   * @param expiresAtMs milliseconds since the epoch; never past what the store may forget
   * @param context what a store may want to know beside
   */
  reserve(key: string, expiresAtMs: number, context?: ReplayContext): MaybePromise<boolean>
  /** Resolves once the store can be reached; rejects where it cannot. Asked by `verifier.ready()`. */
  ready?(): MaybePromise<void>
}

/** What a store may want to know beside the key and its expiry. */
export interface ReplayContext {
  /** The verifier's clock at this request, milliseconds since the epoch. */
  readonly nowMs: number
  /** The thumbprint of the key that signed the proof: the client, for a quota. */
  readonly jkt: string
}

/** 22 characters of base64url are 132 bits: nobody finds two proofs of one key, and a Redis key is a fifth smaller than with all 43. */
const KEY_LENGTH = 22

/** Clocks of instances that share a store, or the secrets of nonces, may differ by this much. */
export const CLOCK_DRIFT_MS = 5_000

/**
 * The key of a proof: a hash over the signing key, the normalised URI and the jti. Never over the proof itself, which
 * verifies again in other spellings; and with the signing key, so that no client can use up another's jti.
 */
export function replayKey(jkt: string, uri: string, jti: string): MaybePromise<string> {
  const hash = platform.sha256(`${jkt}\n${uri}\n${jti}`)
  return typeof hash === 'string' ? hash.slice(0, KEY_LENGTH) : hash.then((text) => text.slice(0, KEY_LENGTH))
}

/**
 * The instant after which no instance accepts the proof any more. It counts from iat, not from now: iat may lie ahead. The
 * second beside the drift is the one that a rounded clock hides.
 */
export function replayExpiryMs(iat: number, maxAgeSeconds: number): number {
  return Math.ceil((iat + maxAgeSeconds + 1) * 1000) + CLOCK_DRIFT_MS
}

/** Whether the memory of a use that ends at `expiresAtMs` may be gone by now, on an instance whose clock is ahead of ours. */
export function mayHaveExpired(expiresAtMs: number, nowMs: number): boolean {
  return !(nowMs < expiresAtMs - CLOCK_DRIFT_MS)
}
