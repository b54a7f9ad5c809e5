/** The type of a vector: requests, expected responses, and rules. @module */

import type { DPoPErrorCode, DPoPUnavailableErrorCode, VerifierOptions } from 'dpop-guard'
import type { RuleId } from '../conformance/rules.js'
import { key } from './forge.js'
import { issuer, mix, now, origin, prepare, type Recipe, type WireRequest } from './recipe.js'

/** The request reaches the handler, with this scheme, or anonymously. */
export interface Accepted {
  readonly status: 200
  readonly as: 'DPoP' | 'Bearer' | 'anonymous'
}

/** The request is rejected, with `error` in the challenges of `on`. */
export interface Refused {
  readonly status: 400 | 401 | 403
  readonly error: string | undefined
  readonly code: DPoPErrorCode
  /** The challenges that carry the error. */
  readonly on: 'DPoP' | 'Bearer' | 'both'
}

/** The verifier cannot decide. */
export interface Unavailable {
  readonly status: 503
  readonly code: DPoPUnavailableErrorCode
}

export type Expected = Accepted | Refused | Unavailable

export const accepted: Accepted = { status: 200, as: 'DPoP' }
export const acceptedAsBearer: Accepted = { status: 200, as: 'Bearer' }
export const anonymous: Accepted = { status: 200, as: 'anonymous' }

type Code = DPoPErrorCode extends `ERR_DPOP_${infer Name}` ? Name : never

const refused =
  (status: Refused['status'], error: string | undefined) =>
  (code: Code, on: Refused['on'] = 'DPoP'): Refused => ({ status, error, code: `ERR_DPOP_${code}`, on })

/** 401 without an error code: the request has no DPoP or Bearer credentials. */
export const noCredentials = refused(401, undefined)('CREDENTIALS_MISSING')
export const invalidProof = refused(401, 'invalid_dpop_proof')
export const needsNonce = refused(401, 'use_dpop_nonce')
export const invalidToken = refused(401, 'invalid_token')
export const invalidRequest = refused(400, 'invalid_request')
export const lacksScope = refused(403, 'insufficient_scope')
export const unavailable = (code: DPoPUnavailableErrorCode): Unavailable => ({ status: 503, code })

export type Options = Partial<VerifierOptions>

/** One request of a vector with several, and its response. */
export interface Step {
  /** Seconds since the vector began. */
  readonly at?: number
  /** The request, or a function that creates it with the last nonce of the server. */
  readonly send: WireRequest | ((nonce: string) => WireRequest)
  /** The number of concurrent copies; exactly one has the expected response, all others that of {@link Step.others}. */
  readonly copies?: number
  readonly others?: Expected
  readonly scopes?: readonly string[]
  readonly expect: Expected
}

interface Common {
  /** What is verified, with the section. */
  readonly title: string
  /** The rules that the row is evidence for. */
  readonly rules: readonly RuleId[]
  /** Verifier options in addition to or instead of the default ones; a function if each run requires its own. `elapsed` is in seconds. */
  readonly options?: Options | ((elapsed: () => number) => Options)
  /** Scopes that the route requires. */
  readonly scopes?: readonly string[]
  /** `core`: not possible with HTTP/1.1. `lines`: requires separate field lines, which Fetch joins. */
  readonly only?: 'core' | 'lines'
  /** The status with which the HTTP parser of Node.js responds, before the adapter runs. */
  readonly node?: 400 | 431
}

/** A row with one request that is accepted. */
export interface AcceptedVector extends Common {
  readonly accept: Recipe
  readonly as?: Accepted
}

/** A row with a request that is rejected for one defect, and its control: the same request without the defect is accepted. */
export interface RefusedVector extends Common {
  /** The control. By default the unchanged request. */
  readonly control?: Recipe
  readonly controlAs?: Accepted
  readonly fault: Recipe
  readonly refuse: Refused
}

/** A row with a history. Its first step is the control. */
export interface SteppedVector extends Common {
  readonly steps: () => readonly Step[]
}

export type Vector = AcceptedVector | RefusedVector | SteppedVector

/** Rows of one subject. */
export interface VectorGroup {
  readonly subject: string
  readonly vectors: readonly Vector[]
}

/** All requests of a row with their responses, newly created. */
export function stepsOf(vector: Vector): readonly Step[] {
  const scopes = vector.scopes && { scopes: vector.scopes }
  if ('steps' in vector) return vector.steps()
  if ('accept' in vector) return [{ send: prepare(vector.accept), expect: vector.as ?? accepted, ...scopes }]
  const { control = {}, controlAs = accepted, fault, refuse } = vector
  return [
    // The control of a missing scope is the same request on a route without one.
    { send: prepare(control), expect: controlAs, ...(refuse.status !== 403 && scopes) },
    { send: prepare(mix(control, fault)), expect: refuse, ...scopes }
  ]
}

/** Whether a row has a request that is rejected. */
export function isRefusal(vector: Vector): boolean {
  if ('steps' in vector) return vector.steps().some(({ expect, others }) => expect.status !== 200 || others !== undefined)
  return 'refuse' in vector
}

/** The public keys of the default issuer. */
export const issuerJwks = () => ({ keys: [{ ...key('issuer').jwk, kid: 'key-1', use: 'sig', alg: 'RS256' }] })

/** The options under which a row runs. `clock` is the row's own. */
export function optionsOf({ options }: Vector, clock: () => number): VerifierOptions {
  const own = typeof options === 'function' ? options(() => clock() / 1000 - now) : options
  // The smallest caches: their allocation would take longer than the verification.
  return { issuer: { issuer, jwks: issuerJwks() }, baseUrl: origin, clock, cache: { maxClients: 1000 }, ...own }
}

/** Rules that only some of several similar rows are evidence for. */
export function when(condition: boolean, ...rules: RuleId[]): RuleId[] {
  return condition ? rules : []
}

/** The request of a step. */
export function requestOf({ send }: Step, nonce = ''): WireRequest {
  return typeof send === 'function' ? send(nonce) : send
}

/** The access token of a request, to be sent again. */
export function tokenOf({ lines }: WireRequest): string {
  const [, value = ''] = lines.find(([name]) => name === 'Authorization') ?? []
  return value.slice('DPoP '.length)
}

/** The clock of a row at its start, in milliseconds. */
export const startMs = now * 1000

/** The title with its rules, as the conformance report reads them. */
export function titleOf({ title, rules }: Vector): string {
  return `${title} [${rules.join(' ')}]`
}
