/** The key and the expiry of a consumed proof in a replay store (RFC 9449 §11.1). @module */

import { platform } from '#crypto'
import type { MaybePromise } from '../crypto/crypto.js'

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
