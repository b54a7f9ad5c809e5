/** What came of a request, and whether it is what the rules ask for. @module */

import { isDPoPError, isDPoPUnavailableError, type VerifierOptions } from 'dpop-guard'
import { expect } from 'vitest'
import { type Challenge, parseChallenge } from './challenge.js'
import type { Answer, Refused } from './vector.js'

/** What the client sees. */
export interface Outcome {
  readonly status: number
  /** Of a request that reached the handler: the scheme. */
  readonly as?: string
  /** Of one that did not: the stable code, where it can be seen. */
  readonly code?: string
  /** The `WWW-Authenticate` lines. */
  readonly challenges: readonly string[]
}

/** The outcome that an error stands for. Nothing but our own two errors may come out. */
export function outcomeOf(error: unknown): Outcome {
  if (!isDPoPError(error) && !isDPoPUnavailableError(error)) throw error
  const { status, code, headers } = error
  return { status, code, challenges: [headers['WWW-Authenticate'] ?? []].flat() }
}

/** Proof algorithms that are accepted where no option says otherwise. */
const defaultAlgorithms = 'ES256 ES384 ES512 EdDSA Ed25519 PS256 PS384 PS512'
const fapiAlgorithms = 'PS256 ES256 EdDSA Ed25519'

/** Holds an outcome against the answer that the rules ask for: status, code, and every challenge read by the grammar. */
export function expectAnswer(outcome: Outcome, answer: Answer, options: VerifierOptions): void {
  const { status, code, as, challenges } = outcome
  if (answer.status === 200) {
    expect({ status, as, code }).toEqual({ status: 200, as: answer.as, code: undefined })
    return
  }
  expect({ status, code: code ?? answer.code }).toEqual({ status: answer.status, code: answer.code })
  if (answer.status === 503) expect(challenges).toEqual([])
  else expectChallenges(challenges.map(parseChallenge), answer, options)
}

function expectChallenges(challenges: readonly Challenge[], { status, error, on }: Refused, options: VerifierOptions): void {
  // RFC 9449 §7.2: the challenges of both schemes where both are accepted; a 403 has that of the scheme that was used.
  const both = options.allowBearer ? ['Bearer', 'DPoP'] : ['DPoP']
  const expected = status === 403 && options.allowBearer ? [on] : both
  expect(challenges.map(({ scheme }) => scheme)).toEqual(expected)
  const algorithms = options.profile === 'fapi2' ? fapiAlgorithms : defaultAlgorithms
  for (const { scheme, params } of challenges) {
    const carries = error !== undefined && (on === 'both' || on === scheme)
    expect(params.get('error')).toBe(carries ? error : undefined)
    expect(params.has('error_description')).toBe(carries)
    if (scheme === 'DPoP') expect(params.get('algs')).toBe(options.proof?.algorithms?.join(' ') ?? algorithms)
    else expect(params.get('realm')).toBeDefined()
    if (status === 403) expect(params.get('scope')).toBeDefined()
  }
}
