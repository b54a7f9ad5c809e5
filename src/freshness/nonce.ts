/** Nonces without state: each instance with the same secrets gives out and accepts the same ones (RFC 9449 §8, §9). @module */

import { platform } from '#crypto'
import type { NonceConfig } from '../config/config.js'
import { refuse } from '../errors.js'
import { CLOCK_DRIFT_MS } from './replay.js'

/** A nonce that a proof had, accepted. */
export interface AcceptedNonce {
  /** Milliseconds since the epoch after which no instance accepts it any more. */
  readonly expiresAtMs: number
  /** The one to use from now on, where it is another. */
  readonly next: string | undefined
}

/**
 * The nonces of a verifier. Time is cut into steps of half the maximum age, and each step has one nonce: the MAC of its number.
 * It says nothing of the time, it cannot be foreseen without the secret, and its age is a matter of the clock alone.
 */
export class Nonces {
  readonly #stepMs: number
  readonly #secrets: readonly Uint8Array[]
  /** The nonces of the few steps that matter now: for each the one that is given out, and those of the other secrets. */
  readonly #known = new Map<number, readonly string[]>()

  constructor({ maxAgeSeconds, secrets }: NonceConfig) {
    this.#stepMs = (maxAgeSeconds * 1000) / 2
    this.#secrets = secrets
  }

  /** The nonce to give out. */
  async current(nowMs: number): Promise<string> {
    return (await this.#noncesOf(this.#stepAt(nowMs)))[0] as string
  }

  /** RFC 9449 §9: refuses a proof without a nonce that this server gave out of late. */
  async check(nonce: unknown, nowMs: number): Promise<AcceptedNonce> {
    if (nonce === undefined) refuse('ERR_DPOP_NONCE_REQUIRED')
    if (typeof nonce !== 'string') refuse('ERR_DPOP_PROOF_CLAIMS')
    const present = this.#stepAt(nowMs)
    // A nonce is good that another instance, whose clock is ahead, gave out before its time.
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

  async #noncesOf(step: number): Promise<readonly string[]> {
    const known = this.#known.get(step)
    if (known !== undefined) return known
    const nonces = await Promise.all(
      this.#secrets.map((secret) => platform.hmac(secret, `dpop-guard nonce ${step} of ${this.#stepMs} ms`))
    )
    for (const old of this.#known.keys()) if (old < step - 2) this.#known.delete(old)
    this.#known.set(step, nonces)
    return nonces
  }
}
