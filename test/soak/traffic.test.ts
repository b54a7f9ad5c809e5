/** The responses that the endurance test reports as incorrect. */

import { createTestClient } from 'dpop-guard/testing'
import { describe, expect, it } from 'vitest'
import { createClients, createTraffic, type SoakResponse } from './traffic.mjs'

const REQUESTS = 1_500

/** The same numbers in each run, so that no kind of request is missing by chance. */
function createRandom(): () => number {
  const MODULUS = 2_147_483_647
  let seed = 1
  return () => {
    seed = (seed * 48_271) % MODULUS
    return seed / MODULUS
  }
}

/** Sends requests of every kind to a server that has the same response for all; resolves to the kinds with an incorrect one. */
async function judge(response: SoakResponse): Promise<{ wrong: Set<string>; kinds: Set<string> }> {
  const send = async () => response
  const stop = async () => {}
  const [wrong, kinds] = [new Set<string>(), new Set<string>()]
  const traffic = createTraffic({
    http: { send, readSlowly: send, stopReading: stop, abort: stop, abortBody: stop, abortHeaders: stop },
    issuer: {
      tokenFor: async () => 'token',
      opaqueTokenFor: () => 'opaque',
      forgedTokenFor: async () => 'forged',
      expiredTokenFor: async () => 'expired'
    },
    clients: await createClients(2),
    attacker: await createTestClient(),
    apiUrl: 'http://api.localhost',
    largeBytes: 100,
    random: createRandom(),
    count(kind, problem) {
      kinds.add(kind)
      if (problem !== undefined) wrong.add(kind)
    }
  })
  await traffic.visitAll(2, () => {})
  for (let i = 0; i < REQUESTS; i++) await traffic.sendAny()
  return { wrong, kinds }
}

const VALID = ['first', 'valid', 'nonce', 'new connection', 'post', 'opaque', 'slow reader']

describe('the traffic of the endurance test', () => {
  it('reports replays and invalid requests that are accepted', async () => {
    const { wrong, kinds } = await judge({ status: 200, bytes: 100 })
    expect(wrong).toEqual(new Set(['race', 'replay', 'invalid']))
    expect(kinds).toEqual(new Set([...VALID, 'race', 'replay', 'invalid', 'aborted']))
  })

  it.each<[string, SoakResponse]>([
    ['are rejected', { status: 401, error: 'invalid_token', bytes: 0 }],
    ['are unavailable', { status: 503, bytes: 0 }],
    ['have no response', { status: 0, error: 'ECONNRESET', bytes: 0 }]
  ])('reports valid requests that %s', async (_title, response) => {
    const { wrong } = await judge(response)
    for (const kind of [...VALID, 'race']) expect(wrong).toContain(kind)
  })

  it('reports a response with a part of its body', async () => {
    expect((await judge({ status: 200, bytes: 99 })).wrong).toContain('slow reader')
  })
})
