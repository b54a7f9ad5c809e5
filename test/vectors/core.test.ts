/** The vectors on the core, in each shape that a request can have. @module */

import { createVerifier, type RequestLike, type VerifiedRequest, type Verifier } from 'dpop-guard'
import { describe, expect, test } from 'vitest'
import { vectorGroups } from './index.js'
import { expectAnswer, type Outcome, outcomeOf } from './outcome.js'
import type { Line, WireRequest } from './recipe.js'
import { isRefusal, optionsOf, type Step, startMs, stepsOf, titleOf, type Vector } from './vector.js'

interface Shape {
  readonly name: string
  /** The request in this shape; undefined where the shape cannot have it. */
  from(wire: WireRequest): RequestLike | undefined
}

const shapes: readonly Shape[] = [
  { name: 'plain request', from: ({ method, target, lines }) => ({ method, target, headers: lines }) },
  { name: 'Node request', from: toNodeRequest },
  { name: 'Fetch request', from: toFetchRequest }
]

// Made once to see which shapes can have a row; every run makes its own.
const samples = new Map(vectorGroups.flatMap(({ vectors }) => vectors.map((vector) => [vector, stepsOf(vector)])))

for (const { name, from } of shapes) {
  describe(name, () => {
    for (const { subject, vectors } of vectorGroups) {
      describe(subject, () => {
        for (const vector of vectors) {
          if (vector.only === 'wire' || samples.get(vector)?.some(({ send }) => from(send) === undefined)) continue
          test(titleOf(vector), () => runOnCore(vector, (wire) => from(wire) as RequestLike))
        }
      })
    }
  })
}

test('at least a third of the rows are requests that are accepted', () => {
  const vectors = vectorGroups.flatMap((group) => group.vectors)
  const refusals = vectors.filter(isRefusal)
  expect(vectors.length - refusals.length).toBeGreaterThanOrEqual(vectors.length / 3)
})

test('no two rows have one title', () => {
  const titles = vectorGroups.flatMap(({ vectors }) => vectors.map(({ title }) => title))
  expect(titles.filter((title, index) => titles.indexOf(title) !== index)).toEqual([])
})

async function runOnCore(vector: Vector, toRequest: (wire: WireRequest) => RequestLike): Promise<void> {
  let nowMs = startMs
  const options = optionsOf(vector, () => nowMs)
  const verifier = createVerifier(options)
  for (const step of stepsOf(vector)) {
    nowMs = startMs + (step.at ?? 0) * 1000
    const outcomes = await Promise.all(
      Array.from({ length: step.copies ?? 1 }, () => verify(verifier, toRequest(step.send), step))
    )
    const [first, ...rest] = outcomes.toSorted((a, b) => a.status - b.status)
    expectAnswer(first as Outcome, step.expect, options)
    for (const outcome of rest) expectAnswer(outcome, step.others ?? step.expect, options)
  }
}

async function verify(verifier: Verifier<VerifiedRequest | undefined>, request: RequestLike, { scopes }: Step): Promise<Outcome> {
  try {
    const auth = await verifier.verifyRequest(request, { scopes })
    return { status: 200, as: auth?.scheme ?? 'anonymous', challenges: [] }
  } catch (error) {
    return outcomeOf(error)
  }
}

/** As Node's parser presents the request. */
function toNodeRequest({ method, target, lines }: WireRequest): RequestLike {
  const headers: Record<string, string> = {}
  for (const [name, value] of lines) headers[name.toLowerCase()] ??= value
  // Names and values in turn; `headers` has the first of two lines, as Node does for Authorization and Host.
  return { method, url: target, rawHeaders: lines.flat(), headers }
}

/** As a Fetch `Request`; undefined where the platform's own would not carry it as it is. Its URL says Host and target in one. */
function toFetchRequest({ method, target, lines }: WireRequest): RequestLike | undefined {
  const hosts = lines.filter((line) => !notHost(line)).map(([, value]) => value)
  const url = `https://${hosts[0]}${target}`
  if (hosts.length !== 1 || !target.startsWith('/') || !URL.canParse(url) || new URL(url).host !== hosts[0]) return undefined
  try {
    const request = new Request(url, { method, headers: lines.filter(notHost).map(([name, value]) => [name, value]) })
    return request.url === url && request.method === method ? request : undefined
  } catch {
    return undefined
  }
}

function notHost([name]: Line): boolean {
  return name.toLowerCase() !== 'host'
}
