/** Checks the nonce or the iat of a proof, and consumes the proof (RFC 9449 §4.3 checks 10 and 11, §11.1). @module */

import type { VerifierConfig } from '../config/config.js'
import type { MaybePromise } from '../crypto/crypto.js'
import { refuse } from '../errors.js'
import { checkLifetime, checkTime, type Proof } from '../proof/proof.js'
import type { RequestLike } from '../request/request.js'
import { Nonces } from './nonce.js'
import { replayExpiryMs, replayKey } from './replay-entry.js'
import { type Reservation, reserve, storeUnavailable } from './reservation.js'

/** The result of the freshness check. */
export interface Fresh extends Reservation {
  /** The nonce that the client should use next, if it is another. */
  readonly nextNonce: string | undefined
}

/** Checks the freshness of proofs and consumes them. */
export class Freshness {
  readonly #config: Pick<VerifierConfig, 'clock' | 'nonce' | 'proof' | 'replay'>
  readonly #nonces: Nonces | undefined

  constructor(config: Pick<VerifierConfig, 'clock' | 'nonce' | 'proof' | 'replay'>) {
    this.#config = config
    this.#nonces = config.nonce && new Nonces(config.nonce)
  }

  /** Checks the nonce if this request requires one, otherwise the iat window. */
  check(proof: Proof, request: RequestLike): MaybePromise<Fresh> {
    return this.#nonces === undefined ? this.#checkWindow(proof) : this.#checkNonce(this.#nonces, proof, request)
  }

  /** Consumes the proof: exactly one of any number of copies is accepted. */
  reserve({ header: { jkt }, claims: { jti } }: Proof, uri: string, fresh: Fresh): MaybePromise<void> {
    const { replay, clock } = this.#config
    if (replay === false) return
    const key = replayKey(jkt, uri, jti)
    const isFirst =
      key instanceof Promise
        ? key.then((made) => reserve(replay, made, fresh, jkt, clock))
        : reserve(replay, key, fresh, jkt, clock)
    return isFirst instanceof Promise ? isFirst.then(acceptFirst) : acceptFirst(isFirst)
  }

  /** Whether the proof was consumed, without consuming it; undefined if the store cannot tell. */
  async isConsumed({ header: { jkt }, claims: { jti } }: Proof, uri: string, { atMs }: Fresh): Promise<boolean | undefined> {
    const { replay } = this.#config
    if (replay === false) return false
    try {
      return await replay.has?.(await replayKey(jkt, uri, jti), { nowMs: atMs, jkt })
    } catch {
      return undefined
    }
  }

  /** The current nonce; undefined if nonces are disabled. */
  nonce(nowMs: number): MaybePromise<string | undefined> {
    return this.#nonces?.current(nowMs)
  }

  /** Rejects unless the replay store responds. */
  async ready(): Promise<void> {
    const { replay } = this.#config
    if (replay === false) return
    try {
      await replay.ready?.()
    } catch (cause) {
      throw storeUnavailable(cause)
    }
  }

  // The clock is read at the time of each check, because keys and hooks may have taken long.
  #checkWindow(proof: Proof): Fresh {
    const { clock, proof: rules } = this.#config
    const atMs = clock()
    checkLifetime(proof, atMs, rules)
    checkTime(proof, atMs, rules)
    return { atMs, expiresAtMs: replayExpiryMs(proof.claims.iat, rules.maxAgeSeconds), nextNonce: undefined }
  }

  async #checkNonce(nonces: Nonces, proof: Proof, request: RequestLike): Promise<Fresh> {
    const { clock, nonce, proof: rules } = this.#config
    // Fails closed: any value other than false requires a nonce.
    if ((await nonce?.required?.(request)) === false) {
      const fresh = this.#checkWindow(proof)
      return nonce?.onEveryResponse ? { ...fresh, nextNonce: await nonces.current(fresh.atMs) } : fresh
    }
    const atMs = clock()
    checkLifetime(proof, atMs, rules)
    const { expiresAtMs, next } = await nonces.check(proof.claims.all['nonce'], atMs)
    const nextNonce = nonce?.onEveryResponse ? (next ?? (await nonces.current(atMs))) : next
    return { atMs, expiresAtMs, nextNonce }
  }
}

// Fails closed: any value other than true counts as a replay.
function acceptFirst(isFirst: boolean): void {
  if (isFirst !== true) refuse('ERR_DPOP_PROOF_REPLAYED')
}
