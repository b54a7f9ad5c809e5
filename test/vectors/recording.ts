/** Records the requests of all vectors, so that runtimes can verify them that cannot sign them. @module */

import { type AnyVerifier, createVerifier, isDPoPError } from 'dpop-guard'
import { exportKeys, type PrivateJwks } from './forge.js'
import { vectorGroups } from './index.js'
import type { WireRequest } from './recipe.js'
import { optionsOf, requestOf, type Step, startMs, stepsOf, type Vector } from './vector.js'

/** A step with its request. */
export interface RecordedStep extends Step {
  readonly send: WireRequest
}

/** JSON: the steps of each vector by its title, and the keys that the options of vectors contain. */
export interface Recording {
  readonly keys: PrivateJwks
  readonly steps: Readonly<Record<string, readonly RecordedStep[]>>
}

export async function record(): Promise<Recording> {
  const steps: Record<string, readonly RecordedStep[]> = {}
  for (const vector of vectorGroups.flatMap(({ vectors }) => vectors)) steps[vector.title] = await recordSteps(vector)
  return { keys: exportKeys(), steps }
}

/** Sends the requests, because they contain nonces of earlier responses. Another verifier with the same secret issues the same nonces. */
async function recordSteps(vector: Vector): Promise<readonly RecordedStep[]> {
  let nowMs = startMs
  let nonce = ''
  const verifier = createVerifier(optionsOf(vector, () => nowMs))
  const recorded: RecordedStep[] = []
  for (const step of stepsOf(vector)) {
    nowMs = startMs + (step.at ?? 0) * 1000
    const send = requestOf(step, nonce)
    recorded.push({ ...step, send })
    nonce = (await nonceOf(verifier, send, step)) ?? nonce
  }
  return recorded
}

/** The nonce of the response to a request. */
async function nonceOf(
  verifier: AnyVerifier,
  { method, target, lines }: WireRequest,
  { scopes }: Step
): Promise<string | undefined> {
  try {
    const auth = await verifier.verifyRequest({ method, target, headers: lines }, { scopes })
    return auth?.responseHeaders['DPoP-Nonce'] as string | undefined
  } catch (error) {
    return isDPoPError(error) ? (error.headers['DPoP-Nonce'] as string | undefined) : undefined
  }
}
