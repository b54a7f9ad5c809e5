/** Diagnostics channels for operators. They cost nothing without subscribers. @module */

import type { DPoPErrorCode, DPoPUnavailableErrorCode, RefusalDetail } from './errors.js'
import type { Scheme } from './request/credentials.js'

/** Published on `dpop-guard:verified`. */
export interface VerifiedEvent {
  readonly scheme: Scheme
  readonly issuer: string
  /** The thumbprint of the client's key. */
  readonly jkt: string | undefined
}

/** Published on `dpop-guard:refused`. Never has a token, a proof or a nonce. */
export interface RefusedEvent {
  readonly code: DPoPErrorCode
  readonly detail: RefusalDetail
}

/**
 * Published on `dpop-guard:unavailable`: for each request that is answered with 503, and, while requests still pass, each time
 * that keys are due for a fresh look and cannot be had.
 */
export interface UnavailableEvent {
  readonly code: DPoPUnavailableErrorCode
  readonly cause: unknown
}

/** Published on `dpop-guard:misconfigured`, once for each process: options that are valid and most likely a mistake. */
export interface MisconfiguredEvent {
  /** `DPOP_GUARD_LONE_MEMORY`: several processes, and each remembers used proofs for itself. */
  readonly code: 'DPOP_GUARD_LONE_MEMORY'
  /** What is wrong, and what to use instead. Also given to `process.emitWarning`. */
  readonly message: string
}

interface Channel<Event> {
  readonly hasSubscribers: boolean
  publish(event: Event): void
}

// Asked for by name, so that the core also loads where there is no such module.
const diagnostics = globalThis.process?.getBuiltinModule?.('node:diagnostics_channel')

function channel<Event>(name: string): Channel<Event> {
  return diagnostics?.channel(name) ?? { hasSubscribers: false, publish() {} }
}

/** A request passed. */
export const verified: Channel<VerifiedEvent> = channel('dpop-guard:verified')
/** A request was refused, and why. */
export const refused: Channel<RefusedEvent> = channel('dpop-guard:refused')
/** We could not decide, or soon cannot, and why. */
export const unavailable: Channel<UnavailableEvent> = channel('dpop-guard:unavailable')
/** Something is most likely a mistake of the operator. */
export const misconfigured: Channel<MisconfiguredEvent> = channel('dpop-guard:misconfigured')
