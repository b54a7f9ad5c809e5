/** Single-use tickets that carry a verified identity to a connection whose request has no DPoP proof, such as WebSocket in browsers. @module */

import { base64url } from 'jose'
import { platform } from '#crypto'
import { check, checkKeys, misconfigured } from '../config/option-validation.js'
import { resolveSecrets } from '../config/secrets.js'
import { decodeJsonObject } from '../encoding/compact-jws.js'
import { deepFreeze, type JsonObject } from '../encoding/json.js'
import { type DPoPError, type DPoPUnavailableError, Refusal, refuse } from '../errors.js'
import { CLOCK_DRIFT_MS, replayKey } from '../freshness/replay-entry.js'
import type { ReplayStore } from '../freshness/replay-store.js'
import { reserve } from '../freshness/reservation.js'
import { toUnavailableError } from '../outage.js'
import { toDPoPError } from '../rejection.js'
import { clientIdOf } from '../token/client-id.js'
import type { VerifiedRequest } from '../verified-request.js'

/** Options of {@link createTickets}. */
export interface TicketOptions {
  /**
   * Secrets of at least 32 random bytes each, the same for all instances. The first authenticates new tickets, all are accepted. To
   * replace a secret, first append the new one on all instances, then move it to the front, then remove the old one.
   */
  readonly secrets: readonly (string | Uint8Array)[]
  /** Stores which tickets were redeemed: one store for all instances. It may be that of the verifier. */
  readonly replay: ReplayStore
  /**
   * For how long a ticket can be redeemed, from 1 to 300.
   * @defaultValue 30
   */
  readonly maxAgeSeconds?: number
  /**
   * Names of further claims of the access token that a ticket carries, such as `acr`.
   * @defaultValue none
   */
  readonly claims?: readonly string[]
  /**
   * Milliseconds since the epoch.
   * @defaultValue `Date.now`
   */
  readonly clock?: () => number
}

/** The identity of the verified request for which a ticket was issued. Frozen. */
export interface TicketIdentity {
  /** The issuer of the access token. */
  readonly issuer: string
  readonly sub: string | undefined
  /** `client_id`, else `azp` or `cid`. */
  readonly clientId: string | undefined
  /** The scopes of the access token. */
  readonly scopes: readonly string[]
  /** The thumbprint of the key that signed the proof; undefined if the request had the scheme `Bearer`. */
  readonly jkt: string | undefined
  /** The claims that the option `claims` names. */
  readonly claims: JsonObject
  /** When the access token expires and the connection must end, in seconds since the epoch; undefined if the token has no `exp`. */
  readonly expiresAt: number | undefined
}

/** Issues tickets and redeems them. */
export interface Tickets {
  /**
   * Issues a ticket for one connection: up to 4096 characters of base64url and a dot. Its holder needs no key, and its content is readable:
   * respond with `Cache-Control: no-store`, and do not log it.
   *
   * @param auth the verified request of the client that opens the connection
   * @param path the path of the endpoint without its query, which the ticket is bound to
   * @throws TypeError if an argument is invalid
   * @throws `DPoPUnavailableError` if the identity does not fit into a ticket, or the clock throws
   */
  issue(auth: VerifiedRequest, path: string): Promise<string>
  /**
   * Redeems a ticket once. Not checked again: revocation and policies of the endpoint, such as scopes.
   *
   * @param ticket what the client sent, of any type
   * @param path the path of the request without its query
   * @throws `DPoPError` 403 `ERR_DPOP_TICKET_INVALID` unless the ticket is authentic, current, for this path and not yet redeemed;
   * 429 if the replay store rejects the client
   * @throws `DPoPUnavailableError` if the replay store cannot decide, or the clock throws
   */
  redeem(ticket: unknown, path: string): Promise<TicketIdentity>
}

/** The authenticated content of a ticket. */
interface TicketContent extends TicketIdentity {
  readonly id: string
  /** Milliseconds since the epoch from which the ticket is not accepted. */
  readonly untilMs: number
}

const knownOptions = { secrets: true, replay: true, maxAgeSeconds: true, claims: true, clock: true } as const satisfies Record<
  keyof TicketOptions,
  true
>

/** A query parameter of this length is accepted by common proxies and servers. */
const MAX_TICKET_LENGTH = 4096
const format = /^([\w-]+)\.([\w-]{43})$/

/**
 * Creates the tickets of an application.
 *
 * @throws TypeError that names the option that is missing, unknown or invalid
 */
export function createTickets(options: TicketOptions): Tickets {
  const { secrets, replay, maxAgeSeconds, claims, clock } = checkKeys('', options, knownOptions)
  if (typeof replay?.reserve !== 'function') misconfigured('replay', 'be a store with a "reserve" method')
  return new AuthenticatedTickets({
    secrets: resolveSecrets('secrets', secrets),
    replay,
    maxAgeSeconds: check.integer('maxAgeSeconds', maxAgeSeconds, { min: 1, max: 300, otherwise: 30 }),
    claims: claims === undefined ? [] : check.strings('claims', claims),
    clock: check.func('clock', clock) ?? Date.now
  })
}

/** The validated options with defaults applied. */
interface TicketConfig extends Required<TicketOptions> {
  readonly secrets: readonly Uint8Array[]
}

class AuthenticatedTickets implements Tickets {
  readonly #config: TicketConfig

  constructor(config: TicketConfig) {
    this.#config = config
  }

  async issue(auth: VerifiedRequest, path: string): Promise<string> {
    if (auth?.claims === undefined) misconfigured('auth', 'be a verified request')
    if (!isPath(path)) misconfigured('path', 'be a path of visible ASCII characters without a query')
    try {
      const payload = base64url.encode(JSON.stringify(this.#contentOf(auth)))
      const [mac] = await this.#macsOf(payload, path)
      const ticket = `${payload}.${mac}`
      if (ticket.length <= MAX_TICKET_LENGTH) return ticket
      throw new Error(`The identity does not fit into a ticket of ${MAX_TICKET_LENGTH} characters`)
    } catch (reason) {
      throw toError(reason)
    }
  }

  async redeem(ticket: unknown, path: string): Promise<TicketIdentity> {
    try {
      const content = await this.#authenticate(ticket, path)
      await this.#consume(content, path)
      const { issuer, sub, clientId, scopes, jkt, claims, expiresAt } = content
      return deepFreeze({ issuer, sub, clientId, scopes, jkt, claims, expiresAt })
    } catch (reason) {
      throw toError(reason)
    }
  }

  #contentOf({ issuer, claims, scopes, proof }: VerifiedRequest): TicketContent {
    const { maxAgeSeconds, claims: names, clock } = this.#config
    return {
      id: crypto.randomUUID(),
      untilMs: Math.min(clock() + maxAgeSeconds * 1000, (claims.exp ?? Number.POSITIVE_INFINITY) * 1000),
      issuer,
      sub: stringOf(claims.sub),
      clientId: clientIdOf(claims),
      scopes,
      jkt: proof?.jkt,
      claims: Object.fromEntries(names.filter((name) => Object.hasOwn(claims, name)).map((name) => [name, claims[name]])),
      expiresAt: claims.exp
    }
  }

  /** The content of a ticket that was issued for this path with one of the secrets. Nothing is parsed before. */
  async #authenticate(ticket: unknown, path: string): Promise<TicketContent> {
    if (typeof ticket !== 'string') refuseTicket('there is no ticket')
    if (ticket.length > MAX_TICKET_LENGTH) refuseTicket(`the ticket is longer than ${MAX_TICKET_LENGTH} characters`)
    const [, payload, mac] = format.exec(ticket) ?? refuseTicket('the ticket is malformed')
    const macs = await this.#macsOf(payload as string, path)
    if (!macs.some((expected) => isEqual(expected, mac as string)))
      refuseTicket('the ticket was changed, or issued with other secrets or for another path')
    return decodeJsonObject(payload as string) as unknown as TicketContent
  }

  /** Exactly one of any number of copies is accepted, until the ticket expires. */
  async #consume({ id, untilMs, issuer, sub, clientId, jkt }: TicketContent, path: string): Promise<void> {
    const { replay, clock } = this.#config
    const key = await replayKey('ticket', path, id)
    const atMs = clock()
    if (!(atMs < untilMs)) refuseTicket('the ticket or its access token has expired')
    const client = jkt ?? `${issuer} ${sub ?? clientId}`
    const reservation = { atMs, expiresAtMs: Math.ceil(untilMs) + CLOCK_DRIFT_MS }
    // Fails closed: any value other than true counts as redeemed.
    if ((await reserve(replay, key, reservation, client, clock)) !== true) refuseTicket('the ticket was already redeemed')
  }

  /** The MAC of each secret. The path is not in the ticket. The payload has no line break, so that the input is unambiguous. */
  #macsOf(payload: string, path: string): Promise<string[]> {
    const input = `dpop-guard ticket\n${path}\n${payload}`
    return Promise.all(this.#config.secrets.map((secret) => platform.hmac(secret, input)))
  }
}

function refuseTicket(reason: string): never {
  return refuse('ERR_DPOP_TICKET_INVALID', { reason })
}

function isPath(path: unknown): boolean {
  return typeof path === 'string' && /^\/[!-~]*$/.test(path) && !/[?#]/.test(path)
}

function stringOf(claim: unknown): string | undefined {
  return typeof claim === 'string' ? claim : undefined
}

/** Compares two strings of the same length in constant time. */
function isEqual(a: string, b: string): boolean {
  let difference = 0
  for (let i = 0; i < a.length; i++) difference |= a.charCodeAt(i) ^ b.charCodeAt(i)
  return difference === 0
}

/** Converts every thrown value into one of the two public errors. There is no challenge, because a ticket is not an HTTP credential. */
function toError(reason: unknown): DPoPError | DPoPUnavailableError {
  if (!(reason instanceof Refusal)) return toUnavailableError(reason)
  const retryAfterSeconds = reason.detail?.retryAfterSeconds
  return toDPoPError(reason, retryAfterSeconds === undefined ? {} : { 'Retry-After': String(retryAfterSeconds) })
}
