/** Whether a proof is fresh: its nonce or its iat, and then that nobody used it before (RFC 9449 §4.3 checks 10 and 11, §11.1). @module */

import type { VerifierConfig } from '../config/config.js'
import type { MaybePromise } from '../crypto/crypto.js'
import { DPoPUnavailableError, refuse } from '../errors.js'
import { checkLifetime, checkTime, type Proof } from '../proof/proof.js'
import type { RequestLike } from '../request/request.js'
import { Nonces } from './nonce.js'
import { mayBeForgotten, replayExpiryMs, replayKey } from './replay.js'

/** Until when a proof would be accepted again, were it not remembered; and the nonce that its client should use from now on. */
export interface Fresh {
  readonly expiresAtMs: number
  readonly nextNonce: string | undefined
}

/** The freshness of proofs, as one configuration wants it. */
export class Freshness {
  readonly #config: Pick<VerifierConfig, 'clock' | 'nonce' | 'proof' | 'replay'>
  readonly #nonces: Nonces | undefined

  constructor(config: Pick<VerifierConfig, 'clock' | 'nonce' | 'proof' | 'replay'>) {
    this.#config = config
    this.#nonces = config.nonce && new Nonces(config.nonce)
  }

  /** Whether this request needs a nonce. */
  needsNonce(request: RequestLike): MaybePromise<boolean> {
    const required = this.#config.nonce?.required
    return required === undefined ? this.#nonces !== undefined : isRequired(required(request))
  }

  /** Checks the nonce where one is needed, the iat window where it is not. */
  check(proof: Proof, needsNonce: boolean, nowMs: number): MaybePromise<Fresh> {
    checkLifetime(proof, nowMs, this.#config.proof)
    return needsNonce && this.#nonces !== undefined
      ? this.#checkNonce(this.#nonces, proof, nowMs)
      : this.#checkWindow(proof, nowMs)
  }

  /** Uses the proof up: of any number of copies one gets through. */
  async reserve({ header: { jkt }, claims: { jti } }: Proof, uri: string, { expiresAtMs }: Fresh, nowMs: number): Promise<void> {
    const { replay } = this.#config
    if (replay === false) return
    const made = replayKey(jkt, uri, jti)
    const key = typeof made === 'string' ? made : await made
    let isFirst: boolean
    try {
      const answer = replay.reserve(key, expiresAtMs, { nowMs, jkt })
      isFirst = typeof answer === 'boolean' ? answer : await this.#inTime(answer, expiresAtMs)
    } catch (cause) {
      throw storeUnavailable(cause)
    }
    // Only true is a first use: a store that answers anything else is taken at its worst.
    if (isFirst !== true) refuse('ERR_DPOP_PROOF_REPLAYED')
  }

  /** The nonce that a client is told to use; undefined where none are asked for. */
  async nonce(nowMs: number): Promise<string | undefined> {
    return await this.#nonces?.current(nowMs)
  }

  /** Whether the replay store answers. */
  async ready(): Promise<void> {
    const { replay } = this.#config
    if (replay === false) return
    try {
      await replay.ready?.()
    } catch (cause) {
      throw storeUnavailable(cause)
    }
  }

  /** A store that was slow to look may have found nothing because the first use was forgotten meanwhile: then it cannot tell. */
  async #inTime(answer: Promise<boolean>, expiresAtMs: number): Promise<boolean> {
    const isFirst = await answer
    if (isFirst && mayBeForgotten(expiresAtMs, this.#config.clock()))
      throw new Error('The replay store answered too late to tell')
    return isFirst
  }

  #checkWindow(proof: Proof, nowMs: number): Fresh {
    const rules = this.#config.proof
    checkTime(proof, nowMs, rules)
    return { expiresAtMs: replayExpiryMs(proof.claims.iat, rules.maxAgeSeconds), nextNonce: undefined }
  }

  async #checkNonce(nonces: Nonces, proof: Proof, nowMs: number): Promise<Fresh> {
    const { expiresAtMs, next } = await nonces.check(proof.claims.all['nonce'], nowMs)
    return { expiresAtMs, nextNonce: next }
  }
}

/** Only false waives the nonce: a hook that answers anything else is taken at its strictest. */
async function isRequired(answer: MaybePromise<boolean>): Promise<boolean> {
  return (await answer) !== false
}

function storeUnavailable(cause: unknown): DPoPUnavailableError {
  return new DPoPUnavailableError('ERR_DPOP_REPLAY_STORE_UNAVAILABLE', cause)
}
