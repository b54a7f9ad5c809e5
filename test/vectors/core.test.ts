/** The vectors on the core, with each type of request. @module */

import {
  createVerifier,
  type ExplainedCheck,
  memoryReplayStore,
  type ReplayStore,
  type RequestLike,
  type VerifiedRequest,
  type Verifier
} from 'dpop-guard'
import { describe, expect, test } from 'vitest'
import { toFetchRequest } from './fetch-request.js'
import { vectorGroups } from './index.js'
import { expectResponses, nonceLines, type Outcome, outcomeOf } from './outcome.js'
import type { WireRequest } from './recipe.js'
import { isRefusal, optionsOf, requestOf, type Step, startMs, stepsOf, titleOf, type Vector } from './vector.js'

interface Shape {
  readonly name: string
  /** The request in this shape; undefined if it cannot be represented. */
  from(wire: WireRequest): RequestLike | undefined
}

const shapes: readonly Shape[] = [
  { name: 'plain request', from: ({ method, target, lines }) => ({ method, target, headers: lines }) },
  { name: 'Node request', from: toNodeRequest },
  { name: 'Fetch request', from: toFetchRequest }
]

// Signed once: every run has its own verifier and replay store.
const signed = new Map(vectorGroups.flatMap(({ vectors }) => vectors.map((vector) => [vector, stepsOf(vector)])))

for (const { name, from } of shapes) {
  describe(name, () => {
    for (const { subject, vectors } of vectorGroups) {
      describe(subject, () => {
        for (const vector of vectors) {
          const steps = signed.get(vector) ?? []
          if (steps.some((step) => from(requestOf(step)) === undefined)) continue
          if (vector.only === 'lines' && from === toFetchRequest) continue
          test(titleOf(vector), () => runOnCore(vector, steps, (wire) => from(wire) as RequestLike))
        }
      })
    }
  })
}

describe('the results are the same with cached tokens and keys', () => {
  for (const { subject, vectors } of vectorGroups) {
    // Rows with a history repeat requests themselves; the store of a row that has its own cannot be cleared.
    const rows = vectors.filter((vector) => !('steps' in vector) && optionsOf(vector, () => startMs).replay === undefined)
    test(subject, async () => {
      for (const vector of rows) {
        let used = memoryReplayStore()
        const replay: ReplayStore = { reserve: (...args) => used.reserve(...args) }
        const verifier = createVerifier({ ...optionsOf(vector, () => startMs), replay })
        const verdicts = async () => {
          used = memoryReplayStore()
          const outcomes: string[] = []
          for (const step of signed.get(vector) ?? [])
            outcomes.push(JSON.stringify(await verify(verifier, shapes[0]?.from(requestOf(step)) as RequestLike, step)))
          return outcomes
        }
        const first = await verdicts()
        expect(await verdicts(), vector.title).toEqual(first)
      }
    })
  }
})

test('at least a third of the rows are requests that are accepted', () => {
  const vectors = vectorGroups.flatMap((group) => group.vectors)
  const refusals = vectors.filter(isRefusal)
  expect(vectors.length - refusals.length).toBeGreaterThanOrEqual(vectors.length / 3)
})

test('titles are unique', () => {
  const titles = vectorGroups.flatMap(({ vectors }) => vectors.map(({ title }) => title))
  expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([])
})

async function runOnCore(vector: Vector, steps: readonly Step[], toRequest: (wire: WireRequest) => RequestLike): Promise<void> {
  let nowMs = startMs
  const options = optionsOf(vector, () => nowMs)
  const verifier = createVerifier(options)
  // Hooks that count their calls require a separate verifier.
  const explaining = options.token?.isRevoked === undefined ? verifier : createVerifier(optionsOf(vector, () => nowMs))
  let nonce = ''
  for (const step of steps) {
    nowMs = startMs + (step.at ?? 0) * 1000
    const request = requestOf(step, nonce)
    const explained = await explaining.explain(toRequest(request), { scopes: step.scopes })
    const send = () => verify(verifier, toRequest(request), step)
    const outcomes = await Promise.all(Array.from({ length: step.copies ?? 1 }, send))
    nonce = outcomes[0]?.nonces[0] ?? nonce
    expectSameVerdict(explained, outcomes)
    expectResponses(outcomes, step, options)
  }
}

/** The first failed check of `explain` is the one that the verifier reports. */
function expectSameVerdict(explained: readonly ExplainedCheck[], outcomes: readonly Outcome[]): void {
  const failed = explained.find(({ outcome }) => outcome === 'fail')
  const [best] = outcomes.toSorted((a, b) => a.status - b.status)
  // A store without `has` is not called by explain(), which does not detect its outage.
  const isUnknown = best?.code === 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE'
  if (isUnknown) expect(explained.at(-1)).toMatchObject({ rule: 'replay', outcome: 'skipped' })
  expect(failed?.code, JSON.stringify(failed)).toBe(isUnknown ? undefined : best?.code)
}

async function verify(verifier: Verifier<VerifiedRequest | undefined>, request: RequestLike, { scopes }: Step): Promise<Outcome> {
  try {
    const auth = await verifier.verifyRequest(request, { scopes })
    return { status: 200, as: auth?.scheme ?? 'anonymous', challenges: [], ...nonceLines(auth?.responseHeaders ?? {}) }
  } catch (error) {
    return outcomeOf(error)
  }
}

/** The request as the parser of Node.js represents it. */
function toNodeRequest({ method, target, lines }: WireRequest): RequestLike {
  const headers: Record<string, string> = {}
  for (const [name, value] of lines) headers[name.toLowerCase()] ??= value
  // Names and values alternate; `headers` has the first of two field lines, as Node.js does for Authorization and Host.
  return { method, url: target, rawHeaders: lines.flat(), headers }
}
