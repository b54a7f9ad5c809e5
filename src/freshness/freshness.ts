/** Checks the nonce or the iat of a proof, and consumes the proof (RFC 9449 §4.3 checks 10 and 11, §11.1). @module */

import type { VerifierConfig } from '../config/config.js'
import type { MaybePromise } from '../crypto/crypto.js'
import { DPoPUnavailableError, Refusal, refuse } from '../errors.js'
import { checkLifetime, checkTime, type Proof } from '../proof/proof.js'
import type { RequestLike } from '../request/request.js'
import * as telemetry from '../telemetry.js'
import { Nonces } from './nonce.js'
import { isReplayQuotaError, mayHaveExpired, type ReplayStore, replayExpiryMs, replayKey } from './replay.js'

/** The result of the freshness check. */
export interface Fresh {
  /** The time of the check. The replay store uses the same time, so that an entry cannot expire in between. */
  readonly atMs: number
  /** Milliseconds since the epoch after which no instance accepts the proof. */
  readonly expiresAtMs: number
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
    const { replay } = this.#config
    if (replay === false) return
    const key = replayKey(jkt, uri, jti)
    const reserveKey = telemetry.replayReserved.hasSubscribers ? this.#reserveMeasured : this.#reserve
    const isFirst =
      key instanceof Promise
        ? key.then((made) => reserveKey.call(this, replay, made, fresh, jkt))
        : reserveKey.call(this, replay, key, fresh, jkt)
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

  async #reserveMeasured(replay: ReplayStore, key: string, fresh: Fresh, jkt: string): Promise<boolean> {
    const startMs = performance.now()
    let outcome: telemetry.ReplayReservedEvent['outcome'] = 'unavailable'
    try {
      const isFirst = await this.#reserve(replay, key, fresh, jkt)
      outcome = isFirst ? 'first-use' : 'replay'
      return isFirst
    } catch (error) {
      if (error instanceof Refusal) outcome = 'quota-exceeded'
      throw error
    } finally {
      telemetry.replayReserved.publish({ outcome, durationMs: performance.now() - startMs })
    }
  }

  #reserve(replay: ReplayStore, key: string, { expiresAtMs, atMs }: Fresh, jkt: string): MaybePromise<boolean> {
    try {
      const result = replay.reserve(key, expiresAtMs, { nowMs: atMs, jkt })
      return typeof result === 'boolean' ? result : this.#inTime(result, expiresAtMs, jkt)
    } catch (cause) {
      throw storeFailure(cause, jkt)
    }
  }

  /** A slow store may return true because the entry of the first use has expired meanwhile. The result is then unknown. */
  async #inTime(result: Promise<boolean>, expiresAtMs: number, jkt: string): Promise<boolean> {
    let isFirst: boolean
    try {
      isFirst = await result
    } catch (cause) {
      throw storeFailure(cause, jkt)
    }
    if (isFirst && mayHaveExpired(expiresAtMs, this.#config.clock()))
      throw storeUnavailable(new Error('The replay store responded after the entry may have expired'))
    return isFirst
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

/** A store that throws cannot decide, unless it says that the client is above its quota. */
function storeFailure(cause: unknown, jkt: string): Refusal | DPoPUnavailableError {
  if (!isReplayQuotaError(cause)) return storeUnavailable(cause)
  const { message: reason, retryAfterSeconds } = cause
  return new Refusal('ERR_DPOP_QUOTA_EXCEEDED', { reason, jkt, retryAfterSeconds })
}

function storeUnavailable(cause: unknown): DPoPUnavailableError {
  return new DPoPUnavailableError('ERR_DPOP_REPLAY_STORE_UNAVAILABLE', cause)
}
