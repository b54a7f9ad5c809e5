/** Stateless nonces: instances with the same secrets issue and accept the same nonces (RFC 9449 §8, §9). @module */

import { platform } from '#crypto'
import type { NonceConfig } from '../config/config.js'
import type { MaybePromise } from '../crypto/crypto.js'
import { refuse } from '../errors.js'
import { CLOCK_DRIFT_MS } from './replay-entry.js'

/** The result of a nonce check. */
export interface AcceptedNonce {
  /** Milliseconds since the epoch after which no instance accepts the nonce. */
  readonly expiresAtMs: number
  /** The nonce that the client should use next, if it is another. */
  readonly next: string | undefined
}

/**
 * The nonces of a verifier. Time is divided into steps of half the maximum age, and the nonce of a step is the MAC of its number.
 * It is unpredictable without the secret, and its age follows from the clock alone.
 */
export class Nonces {
  readonly #stepMs: number
  readonly #secrets: readonly Uint8Array[]
  /** The nonces of recent steps: first the one that is issued, then those of the other secrets. */
  readonly #byStep = new Map<number, readonly string[]>()

  constructor({ maxAgeSeconds, secrets }: NonceConfig) {
    this.#stepMs = (maxAgeSeconds * 1000) / 2
    this.#secrets = secrets
  }

  /** The nonce to issue. */
  current(nowMs: number): MaybePromise<string> {
    const nonces = this.#noncesOf(this.#stepAt(nowMs))
    return nonces instanceof Promise ? nonces.then(first) : first(nonces)
  }

  /** RFC 9449 §9: rejects a proof without a nonce, or with one that is not current. */
  async check(nonce: unknown, nowMs: number): Promise<AcceptedNonce> {
    if (nonce === undefined) refuse('ERR_DPOP_NONCE_REQUIRED')
    if (typeof nonce !== 'string') refuse('ERR_DPOP_PROOF_CLAIMS', { reason: 'nonce is not a string' })
    const present = this.#stepAt(nowMs)
    // An instance whose clock is ahead may already have issued the nonce of the next step.
    const newest = this.#stepAt(nowMs + CLOCK_DRIFT_MS)
    for (let step = newest; step >= present - 1; step--) {
      const nonces = await this.#noncesOf(step)
      if (!nonces.includes(nonce)) continue
      const isNewest = step >= present && nonce === nonces[0]
      return {
        expiresAtMs: (step + 2) * this.#stepMs + CLOCK_DRIFT_MS,
        next: isNewest ? undefined : await this.current(nowMs)
      }
    }
    return refuse('ERR_DPOP_NONCE_INVALID')
  }

  #stepAt(nowMs: number): number {
    return Math.floor(nowMs / this.#stepMs)
  }

  #noncesOf(step: number): MaybePromise<readonly string[]> {
    const cached = this.#byStep.get(step)
    if (cached !== undefined) return cached
    const macs = this.#secrets.map((secret) => platform.hmac(secret, `dpop-guard nonce ${step} of ${this.#stepMs} ms`))
    const store = (nonces: readonly string[]) => this.#store(step, nonces)
    return macs.every((mac) => typeof mac === 'string') ? store(macs) : Promise.all(macs).then(store)
  }

  #store(step: number, nonces: readonly string[]): readonly string[] {
    for (const old of this.#byStep.keys()) if (old < step - 2) this.#byStep.delete(old)
    this.#byStep.set(step, nonces)
    return nonces
  }
}

function first(nonces: readonly string[]): string {
  return nonces[0] as string
}
