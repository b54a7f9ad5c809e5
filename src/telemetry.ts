/** Diagnostics channels for operators. Without subscribers, events are not created. @module */

import type { DPoPErrorCode, DPoPUnavailableErrorCode, RefusalDetail } from './errors.js'
import type { Scheme } from './request/credentials.js'

/** Published on `dpop-guard:verified`. */
export interface VerifiedEvent {
  readonly scheme: Scheme
  readonly issuer: string
  /** The thumbprint of the client's key. */
  readonly jkt: string | undefined
}

/** Published on `dpop-guard:refused`. Never contains a token, a proof or a nonce. */
export interface RefusedEvent {
  readonly code: DPoPErrorCode
  readonly detail: RefusalDetail
}

/**
 * Published on `dpop-guard:unavailable`: for each response with status 503, and for each failed refresh of a key set that is still
 * in use.
 */
export interface UnavailableEvent {
  readonly code: DPoPUnavailableErrorCode
  readonly cause: unknown
}

/** Published on `dpop-guard:misconfigured`, once per process, for valid options that are likely a mistake. */
export interface MisconfiguredEvent {
  /** `DPOP_GUARD_LONE_MEMORY`: several processes with a memory store each. */
  readonly code: 'DPOP_GUARD_LONE_MEMORY'
  /** The problem and its solution. Also passed to `process.emitWarning`. */
  readonly message: string
}

interface Channel<Event> {
  readonly hasSubscribers: boolean
  publish(event: Event): void
}

// Loaded at run time, so that the core also loads on runtimes without this module.
const diagnostics = globalThis.process?.getBuiltinModule?.('node:diagnostics_channel')

function channel<Event>(name: string): Channel<Event> {
  return diagnostics?.channel(name) ?? { hasSubscribers: false, publish() {} }
}

/** A request was verified. */
export const verified: Channel<VerifiedEvent> = channel('dpop-guard:verified')
/** A request was rejected. */
export const refused: Channel<RefusedEvent> = channel('dpop-guard:refused')
/** A dependency is unavailable. */
export const unavailable: Channel<UnavailableEvent> = channel('dpop-guard:unavailable')
/** The options are likely a mistake. */
export const misconfigured: Channel<MisconfiguredEvent> = channel('dpop-guard:misconfigured')
