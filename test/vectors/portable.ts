/**
 * Runs the recorded vectors in any runtime, without a test runner: on the core, the Fetch adapter and Hono. test/matrix bundles it with the
 * recording. @module
 */

import { type AnyVerifier, createVerifier, isDPoPError, isDPoPUnavailableError, type VerifiedRequest } from 'dpop-guard'
import { withDPoP } from 'dpop-guard/fetch'
import { type DPoPVariables, dpop } from 'dpop-guard/hono'
import { Hono } from 'hono'
import { toFetchRequest } from './fetch-request.js'
import { importKeys } from './forge.js'
import type { WireRequest } from './recipe.js'
import type { RecordedStep, Recording } from './recording.js'
import { type Expected, optionsOf, startMs, type Vector } from './vector.js'

declare const RECORDING: Recording

/** What the client sees of a response. */
interface Outcome {
  readonly status: number
  /** Of an accepted request: the scheme. */
  readonly as?: string | undefined
  /** Of a rejected request: the OAuth error code of the challenge. */
  readonly error?: string | undefined
  readonly hasNonce?: boolean
  /** The stable code, which only the core shows. */
  readonly code?: string | undefined
}

/** A way to verify requests. */
interface Guard {
  readonly name: string
  /** Whether it accepts the requests of a vector in this runtime. */
  accepts(vector: Vector, requests: readonly WireRequest[]): boolean
  verify(verifier: AnyVerifier, request: WireRequest, policy: Scopes): Promise<Outcome>
}

/** The policy of a route. */
type Scopes = { readonly scopes: readonly string[] } | undefined

/** The number of vectors that each guard ran, and the differences from the expected responses. */
export interface Result {
  readonly total: number
  readonly counts: Readonly<Record<string, number>>
  readonly failures: readonly string[]
}

const core: Guard = {
  name: 'core',
  accepts: () => true,
  async verify(verifier, { method, target, lines }, policy) {
    try {
      const auth = await verifier.verifyRequest({ method, target, headers: lines }, policy)
      return { status: 200, as: auth?.scheme ?? 'anonymous' }
    } catch (error) {
      if (isDPoPUnavailableError(error)) return { status: error.status, code: error.code }
      if (!isDPoPError(error)) throw error
      return { status: error.status, error: error.error, hasNonce: 'DPoP-Nonce' in error.headers, code: error.code }
    }
  }
}

/** A guard whose requests are Fetch requests. */
function fetchGuard(name: string, send: (verifier: AnyVerifier, request: Request, policy: Scopes) => Promise<Response>): Guard {
  return {
    name,
    accepts: ({ only }, requests) => only === undefined && requests.every((request) => toFetchRequest(request) !== undefined),
    verify: async (verifier, request, policy) => await outcomeOf(await send(verifier, toFetchRequest(request) as Request, policy))
  }
}

const guards: readonly Guard[] = [
  core,
  fetchGuard('fetch', (verifier, request, policy) =>
    withDPoP(verifier, (_request, auth) => new Response(auth?.scheme ?? 'anonymous'), policy)(request)
  ),
  fetchGuard('hono', async (verifier, request, policy) => {
    const app = new Hono<{ Variables: DPoPVariables<VerifiedRequest | undefined> }>()
    app.use(dpop(verifier, policy)).all('*', (c) => c.text(c.get('dpop')?.scheme ?? 'anonymous'))
    return await app.fetch(request)
  })
]

async function outcomeOf(response: Response): Promise<Outcome> {
  const { status, headers } = response
  const body = await response.text()
  // Hono responds to HEAD without a body.
  if (status === 200) return { status, as: body || 'DPoP' }
  if (status === 503) return { status }
  const [, error] = /\berror="([^"]*)"/.exec(headers.get('www-authenticate') ?? '') ?? []
  return { status, error, hasNonce: headers.has('dpop-nonce') }
}

/** The outcome of a response; the code only if the guard shows it. */
function expectedOf(response: Expected, { name }: Guard): Outcome {
  const code = name === 'core' && 'code' in response && { code: response.code }
  if (response.status === 200) return { status: 200, as: response.as }
  if (response.status === 503) return { status: 503, ...code }
  return { status: response.status, error: response.error, hasNonce: response.error === 'use_dpop_nonce', ...code }
}

export async function runVectors(): Promise<Result> {
  // The vectors read keys when they are loaded.
  importKeys(RECORDING.keys)
  const { vectorGroups } = await import('./index.js')
  const vectors = vectorGroups.flatMap((group) => group.vectors)
  const counts: Record<string, number> = {}
  const failures: string[] = []
  for (const guard of guards) {
    const accepted = vectors.filter((vector) =>
      guard.accepts(
        vector,
        stepsOf(vector).map(({ send }) => send)
      )
    )
    counts[guard.name] = accepted.length
    for (const vector of accepted) failures.push(...(await run(vector, guard)))
  }
  return { total: vectors.length, counts, failures }
}

function stepsOf({ title }: Vector): readonly RecordedStep[] {
  return RECORDING.steps[title] ?? []
}

/** Sends the requests of a vector to a separate verifier. */
async function run(vector: Vector, guard: Guard): Promise<string[]> {
  let nowMs = startMs
  const verifier = createVerifier(optionsOf(vector, () => nowMs))
  const failures: string[] = []
  for (const [index, step] of stepsOf(vector).entries()) {
    nowMs = startMs + (step.at ?? 0) * 1000
    const policy = step.scopes?.length ? { scopes: step.scopes } : undefined
    const copies = Array.from({ length: step.copies ?? 1 }, () => guard.verify(verifier, step.send, policy))
    const outcomes = (await Promise.all(copies)).sort((a, b) => a.status - b.status)
    for (const [copy, outcome] of outcomes.entries()) {
      const expected = expectedOf(copy === 0 ? step.expect : (step.others ?? step.expect), guard)
      const [is, should] = [JSON.stringify(outcome), JSON.stringify(expected)]
      if (is !== should) failures.push(`${guard.name}: ${vector.title}, request ${index + 1}: ${is}, expected ${should}`)
    }
  }
  return failures
}
