/** The outcome of a request, and its comparison with the expected response. @module */

import { isDPoPError, isDPoPUnavailableError, type ResponseHeaders, type VerifierOptions } from 'dpop-guard'
import { expect } from 'vitest'
import { type Challenge, parseChallenges } from '../support/challenge-parser.js'
import type { Expected, Refused, Step } from './vector.js'

/** The response as the client receives it. */
export interface Outcome {
  readonly status: number
  /** The scheme of a request that reached the handler. */
  readonly as?: string
  /** The stable code of a request that did not, if it is known. */
  readonly code?: string
  /** The `WWW-Authenticate` lines. */
  readonly challenges: readonly string[]
  /** The `DPoP-Nonce` lines. */
  readonly nonces: readonly string[]
  /** The `Cache-Control` lines. */
  readonly caching: readonly string[]
}

/** The outcome of an error, which must be a DPoPError or a DPoPUnavailableError. */
export function outcomeOf(error: unknown): Outcome {
  if (!isDPoPError(error) && !isDPoPUnavailableError(error)) throw error
  const { status, code, headers } = error
  return { status, code, challenges: linesOf(headers, 'WWW-Authenticate'), ...nonceLines(headers) }
}

/** The header fields that go with a nonce. */
export function nonceLines(headers: ResponseHeaders): Pick<Outcome, 'nonces' | 'caching'> {
  return { nonces: linesOf(headers, 'DPoP-Nonce'), caching: linesOf(headers, 'Cache-Control') }
}

function linesOf(headers: ResponseHeaders, name: string): string[] {
  return [headers[name] ?? []].flat()
}

/** Proof algorithms that are accepted by default. */
const defaultAlgorithms = 'ES256 ES384 ES512 EdDSA Ed25519 PS256 PS384 PS512'
const fapiAlgorithms = 'PS256 ES256 EdDSA Ed25519'

/** Compares the outcomes of a step with the expected response, which exactly one of several copies must have. */
export function expectResponses(outcomes: readonly Outcome[], step: Step, options: VerifierOptions): void {
  const [first, ...others] = outcomes.toSorted((a, b) => a.status - b.status)
  expectResponse(first as Outcome, step.expect, options)
  for (const outcome of others) expectResponse(outcome, step.others ?? step.expect, options)
}

/** Compares an outcome with the expected response: status, code, and every challenge, parsed by the grammar. */
function expectResponse(outcome: Outcome, response: Expected, options: VerifierOptions): void {
  const { status, code, as, challenges } = outcome
  expectNonce(outcome, response)
  if (response.status === 200) {
    expect({ status, as, code }).toEqual({ status: 200, as: response.as, code: undefined })
    return
  }
  expect({ status, code: code ?? response.code }).toEqual({ status: response.status, code: response.code })
  if (response.status === 503) expect(challenges).toEqual([])
  else expectChallenges(challenges.flatMap(parseChallenges), response, options)
}

/** RFC 9449 §8.1: nonce = 1*NQCHAR */
const nonceGrammar = /^[!#-[\]-~]+$/

/** RFC 9449 §8: never more than one `DPoP-Nonce`, and one with every `use_dpop_nonce`; a response with a nonce has no-store (§8.2). */
function expectNonce({ nonces, caching }: Outcome, response: Expected): void {
  const isAskedFor = 'error' in response && response.error === 'use_dpop_nonce'
  if (response.status !== 200) expect(nonces).toHaveLength(isAskedFor ? 1 : 0)
  expect(nonces.length).toBeLessThanOrEqual(1)
  for (const nonce of nonces) {
    expect(nonce).toMatch(nonceGrammar)
    expect(caching).toEqual(['no-store'])
  }
}

function expectChallenges(challenges: readonly Challenge[], { status, error, on }: Refused, options: VerifierOptions): void {
  // RFC 9449 §7.2: the challenges of both schemes where both are accepted; a 403 has that of the scheme that was used.
  const both = options.allowBearer ? ['Bearer', 'DPoP'] : ['DPoP']
  const expected = status === 403 && options.allowBearer ? [on] : both
  expect(challenges.map(({ scheme }) => scheme)).toEqual(expected)
  const algorithms = options.profile === 'fapi2' ? fapiAlgorithms : defaultAlgorithms
  for (const { scheme, params } of challenges) {
    const carries = error !== undefined && (on === 'both' || on === scheme)
    expect(params['error']).toBe(carries ? error : undefined)
    expect(params['error_description'] !== undefined).toBe(carries)
    if (scheme === 'DPoP') expect(params['algs']).toBe(options.proof?.algorithms?.join(' ') ?? algorithms)
    else expect(params['realm']).toBeDefined()
    if (status === 403) expect(params['scope']).toBeDefined()
  }
}
