/** The vectors with every adapter, byte for byte over a socket. @module */

import { createVerifier, type VerifiedRequest, type Verifier } from 'dpop-guard'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sendHttp1 } from '../adapters/raw-http.js'
import { toFetchRequest } from './fetch-request.js'
import { vectorGroups } from './index.js'
import { expectResponses, type Outcome, outcomeOf } from './outcome.js'
import type { WireRequest } from './recipe.js'
import { type Framework, frameworks, type Server } from './servers.js'
import { optionsOf, requestOf, type Step, startMs, stepsOf, titleOf, type Vector } from './vector.js'

/** The verifier of the one app of a framework, which delegates to that of the current row. */
class Switch implements Verifier<VerifiedRequest | undefined> {
  verifier!: Verifier<VerifiedRequest | undefined>
  scopes: readonly string[] | undefined
  /** The codes of the rejections of the current step. */
  readonly codes = new Set<string | undefined>()

  async verifyRequest(...[request, options]: Parameters<Verifier['verifyRequest']>): Promise<VerifiedRequest | undefined> {
    try {
      return await this.verifier.verifyRequest(request, { ...options, scopes: this.scopes })
    } catch (error) {
      this.codes.add(outcomeOf(error).code)
      throw error
    }
  }

  requireScopes(auth: VerifiedRequest | undefined, scopes: readonly string[]): asserts auth is VerifiedRequest {
    const verifier: Verifier<VerifiedRequest | undefined> = this.verifier
    verifier.requireScopes(auth, scopes)
  }

  requirePolicy(...args: Parameters<Verifier['requirePolicy']>): Promise<void> {
    return this.verifier.requirePolicy(...args)
  }

  explain(...args: Parameters<Verifier['explain']>): ReturnType<Verifier['explain']> {
    return this.verifier.explain(...args)
  }

  resourceMetadata(...args: Parameters<Verifier['resourceMetadata']>): ReturnType<Verifier['resourceMetadata']> {
    return this.verifier.resourceMetadata(...args)
  }

  metadataResponse(...args: Parameters<Verifier['metadataResponse']>): ReturnType<Verifier['metadataResponse']> {
    return this.verifier.metadataResponse(...args)
  }

  nonceHeaders(): ReturnType<Verifier['nonceHeaders']> {
    return this.verifier.nonceHeaders()
  }

  ready(): Promise<void> {
    return this.verifier.ready()
  }
}

// Signed once: every run has its own verifier and replay store.
const signed = new Map(vectorGroups.flatMap(({ vectors }) => vectors.map((vector) => [vector, stepsOf(vector)])))

for (const framework of frameworks) {
  describe(framework.name, () => {
    const guard = new Switch()
    let server: Server
    beforeAll(async () => {
      server = await framework.start(guard)
    })
    afterAll(() => server.close())

    for (const { subject, vectors } of vectorGroups) {
      describe(subject, () => {
        for (const vector of vectors) {
          const steps = signed.get(vector) ?? []
          if (!arrives(vector, steps, framework)) continue
          test(titleOf(vector), () => runOverHttp(vector, steps, guard, server.port, framework))
        }
      })
    }
  })
}

function arrives({ only }: Vector, steps: readonly Step[], { isFetch = false }: Framework): boolean {
  if (only === 'core') return false
  return !isFetch || (only !== 'lines' && steps.every((step) => hasUrl(requestOf(step))))
}

/** A Fetch request has only a target and a Host that a URL can contain. */
function hasUrl(wire: WireRequest): boolean {
  return toFetchRequest({ ...wire, lines: wire.lines.filter(([name]) => /^host$/i.test(name)) }) !== undefined
}

async function runOverHttp(
  vector: Vector,
  steps: readonly Step[],
  guard: Switch,
  port: number,
  { own }: Framework
): Promise<void> {
  let nowMs = startMs
  let nonce = ''
  const options = optionsOf(vector, () => nowMs)
  guard.verifier = createVerifier(options)
  for (const step of steps) {
    nowMs = startMs + (step.at ?? 0) * 1000
    guard.scopes = step.scopes
    guard.codes.clear()
    const request = requestOf(step, nonce)
    const outcomes = await Promise.all(Array.from({ length: step.copies ?? 1 }, () => send(request, port)))
    const itself = own?.(request) ?? (step === steps.at(-1) ? vector.node : undefined)
    if (itself !== undefined) {
      expect(outcomes.map(({ status }) => status)).toEqual([itself])
      continue
    }
    nonce = outcomes[0]?.nonces[0] ?? nonce
    expectResponses(outcomes, step, options)
    const responses = [step.expect, ...(step.others ? [step.others] : [])]
    expect([...guard.codes]).toEqual(responses.flatMap((response) => ('code' in response ? response.code : [])))
  }
}

async function send({ method, target, lines }: WireRequest, port: number): Promise<Outcome> {
  const response = await sendHttp1({ port, method, target, headers: lines })
  const isAccepted = response.status >= 200 && response.status < 300
  // The response to HEAD has no body to read the scheme from; that of any other method names it.
  const as = response.body || 'DPoP'
  return {
    status: isAccepted ? 200 : response.status,
    ...(isAccepted && { as }),
    challenges: response.lines('WWW-Authenticate'),
    nonces: response.lines('DPoP-Nonce'),
    caching: response.lines('Cache-Control')
  }
}
