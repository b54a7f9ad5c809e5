/** Diagnostics channels for operators, and the events that are published on them. @module */

import { builtinModule } from './builtin-module.js'
import type { DPoPErrorCode, DPoPUnavailableErrorCode, RefusalDetail } from './errors.js'
import type { Scheme } from './request/credentials.js'
import type { VerifiedRequest } from './verified-request.js'

/** The request of an event. */
export interface EventRequest {
  /** The method as the client sent it, which may be any token; undefined before the request was read. */
  readonly method: string | undefined
  /** The path template of the route, such as `/notes/:id`, where the framework knows it when the guard runs. */
  readonly route: string | undefined
}

/** Published on `dpop-guard:verified`. */
export interface VerifiedEvent extends EventRequest {
  readonly scheme: Scheme
  readonly issuer: string
  /** The thumbprint of the client's key. */
  readonly jkt: string | undefined
}

/** Published on `dpop-guard:refused`. Never contains a token, a proof or a nonce. */
export interface RefusedEvent extends EventRequest {
  readonly code: DPoPErrorCode
  readonly detail: RefusalDetail
}

/**
 * Published on `dpop-guard:unavailable`: for each response with status 503, and, without method and route, for each failed refresh of
 * a key set that is still in use.
 */
export interface UnavailableEvent extends Partial<EventRequest> {
  readonly code: DPoPUnavailableErrorCode
  readonly cause: unknown
}

/** Published on `dpop-guard:misconfigured`, once per process and message, for valid options that are likely a mistake. */
export interface MisconfiguredEvent {
  /**
   * `DPOP_GUARD_LONE_MEMORY`: several processes with a memory store each. `DPOP_GUARD_ACR_UNSUPPORTED`: a policy requires an `acr`
   * that the issuer does not list in `acr_values_supported` (RFC 9470 §7). `DPOP_GUARD_METADATA`: the protected resource metadata does
   * not agree with other options, with the issuer or with the policy of a route.
   */
  readonly code: 'DPOP_GUARD_LONE_MEMORY' | 'DPOP_GUARD_ACR_UNSUPPORTED' | 'DPOP_GUARD_METADATA'
  /** The problem and its solution. Also passed to `process.emitWarning`. */
  readonly message: string
}

/** Published on `dpop-guard:nonce-issued` for each response with a nonce. */
export interface NonceIssuedEvent {
  /** The response: of a rejected request, of an accepted request, or of an endpoint that uses `verifier.nonceHeaders()`. */
  readonly response: 'rejected' | 'accepted' | 'other'
}

/** Published on `dpop-guard:keys-refreshed` for each key set that was fetched. A failure is published on `dpop-guard:unavailable`. */
export interface KeysRefreshedEvent {
  readonly issuer: string
  readonly keyCount: number
  /** Whether the document differs from the previous one. */
  readonly isChanged: boolean
  /** Milliseconds of the discovery, if any, and the fetch. */
  readonly durationMs: number
}

/** Published on `dpop-guard:replay-reserved` for each call of the replay store. */
export interface ReplayReservedEvent {
  readonly outcome: 'first-use' | 'replay' | 'quota-exceeded' | 'unavailable'
  readonly durationMs: number
}

/** Published on `dpop-guard:introspected` for each introspection request. Cached responses are not counted. */
export interface IntrospectedEvent {
  readonly issuer: string
  readonly outcome: 'active' | 'inactive' | 'unavailable'
  readonly durationMs: number
}

/**
 * The message of the tracing channel `dpop-guard:verify` (`tracing:dpop-guard:verify:start`, `…:asyncEnd`, `…:error` and so on). One
 * object per verification, completed in its course.
 */
export interface VerifyMessage {
  /** The method as the client sent it; undefined before the request was read. */
  method: string | undefined
  /** The path template of the route, if the framework knows it. */
  readonly route: string | undefined
  /** The authentication scheme; undefined before it is known, and for a request without credentials. */
  scheme: Scheme | undefined
  /** Whether the access token, a JWT, was in the cache of verified tokens; undefined before it is known. */
  isTokenCached: boolean | undefined
  /** Whether the key of the proof was in the cache of imported keys; undefined before it is known. */
  isProofKeyCached: boolean | undefined
  /** Of an accepted request; undefined for an anonymous one. */
  result?: VerifiedEvent | undefined
  /** Of any other request: the error that the caller receives. Its header fields may have a nonce. */
  error?: unknown
}

/** A diagnostics channel. */
interface Channel<Event> {
  readonly hasSubscribers: boolean
  publish(event: Event): void
}

/** A tracing channel. */
interface TracingChannel<Message> {
  readonly hasSubscribers: boolean
  tracePromise(run: () => Promise<unknown>, message: Message): Promise<unknown>
}

const diagnostics = builtinModule('node:diagnostics_channel')

function channel<Event>(name: string): Channel<Event> {
  return diagnostics?.channel(name) ?? { hasSubscribers: false, publish() {} }
}

function tracingChannel<Message extends object>(name: string): TracingChannel<Message> {
  const tracing = diagnostics?.tracingChannel?.<unknown, Message>(name)
  return (tracing as TracingChannel<Message> | undefined) ?? { hasSubscribers: false, tracePromise: (run) => run() }
}

/** A request was verified. */
export const verified: Channel<VerifiedEvent> = channel('dpop-guard:verified')
/** A request was rejected. */
export const refused: Channel<RefusedEvent> = channel('dpop-guard:refused')
/** A dependency is unavailable. */
export const unavailable: Channel<UnavailableEvent> = channel('dpop-guard:unavailable')
/** The options are likely a mistake. */
export const misconfigured: Channel<MisconfiguredEvent> = channel('dpop-guard:misconfigured')
/** A response has a nonce. */
const nonceIssued: Channel<NonceIssuedEvent> = channel('dpop-guard:nonce-issued')
/** A key set was fetched. */
export const keysRefreshed: Channel<KeysRefreshedEvent> = channel('dpop-guard:keys-refreshed')
/** The replay store was called. */
export const replayReserved: Channel<ReplayReservedEvent> = channel('dpop-guard:replay-reserved')
/** A token was introspected. */
export const introspected: Channel<IntrospectedEvent> = channel('dpop-guard:introspected')
/** The verification of a request. */
export const verify: TracingChannel<VerifyMessage> = tracingChannel('dpop-guard:verify')

/** The message of a verification that starts. */
export function newMessage(route: string | undefined): VerifyMessage {
  return { method: undefined, route, scheme: undefined, isTokenCached: undefined, isProofKeyCached: undefined }
}

/** The event of a verified request. */
export function toVerifiedEvent({ scheme, issuer, proof }: VerifiedRequest, { method, route }: EventRequest): VerifiedEvent {
  return { scheme, issuer, jkt: proof?.jkt, method, route }
}

/** Publishes that a response has a nonce. */
export function publishNonceIssued(response: NonceIssuedEvent['response']): void {
  if (nonceIssued.hasSubscribers) nonceIssued.publish({ response })
}
