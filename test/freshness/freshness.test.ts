import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createVerifier, ReplayQuotaError, type ReplayStore, type VerifierOptions } from 'dpop-guard'
import { beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { createWorld, eventOf, NOW_MS, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(() => world.clock.set(NOW_MS))

/** A shared store with a clock of its own and a configurable delay. */
function createSlowStore() {
  const endsAtMs = new Map<string, number>()
  const store = {
    delaySeconds: 0,
    async reserve(key: string, expiresAtMs: number) {
      world.clock.advance(store.delaySeconds)
      const isFirst = !(world.clock() < (endsAtMs.get(key) ?? 0))
      if (isFirst) endsAtMs.set(key, expiresAtMs)
      return isFirst
    }
  }
  return store satisfies ReplayStore
}

const secrets = ['a secret of thirty-two characters or more']

describe('a slow replay store does not accept a replayed proof (RFC 9449 §11.1)', () => {
  it.each<[string, Partial<VerifierOptions>]>([
    ['iat window', {}],
    ['nonces', { nonce: { secrets } }]
  ])('with any delay, at any time in the lifetime of the proof: %s', async (_name, extra) => {
    for (const age of [0, 150, 298, 299, 299.999]) {
      for (const delaySeconds of [0, 0.5, 1.1, 4, 6.1, 30, 400]) {
        world.clock.set(NOW_MS)
        const store = createSlowStore()
        const verifier = createVerifier({ ...world.options, ...extra, replay: store, optional: false })
        const nonce = await verifier.verifyRequest(await world.request()).catch(({ headers }) => headers['DPoP-Nonce'])
        const request = await world.request(typeof nonce === 'string' ? { nonce } : {})
        expect(await verdictOf(verifier.verifyRequest(request))).toBe('accepted')
        world.clock.advance(age)
        store.delaySeconds = delaySeconds
        const verdict = await verdictOf(verifier.verifyRequest(request))
        expect(['ERR_DPOP_PROOF_REPLAYED', 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE']).toContain(verdict)
      }
    }
  })

  it('a late result is accepted while an earlier entry of the proof cannot have expired', async () => {
    const store = createSlowStore()
    const verifier = createVerifier({ ...world.options, replay: store })
    for (const [age, delaySeconds, expected] of [
      [300, 0.999, 'accepted'],
      [300, 1, 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE'],
      [0, 300.999, 'accepted'],
      [0, 301, 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE']
    ] as const) {
      world.clock.set(NOW_MS)
      store.delaySeconds = delaySeconds
      const request = await world.request()
      world.clock.advance(age)
      expect(await verdictOf(verifier.verifyRequest(request))).toBe(expected)
    }
  })
})

const OUTAGE = 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE'

describe('the result of a store', () => {
  const reserving = (reserve: unknown) => createVerifier({ ...world.options, replay: { reserve } as ReplayStore })

  it.each<[string, unknown, string]>([
    ['true accepts the proof', () => true, 'accepted'],
    ['a promise of true accepts the proof', async () => true, 'accepted'],
    ['false rejects the proof', () => false, 'ERR_DPOP_PROOF_REPLAYED'],
    ['a promise of false rejects the proof', async () => false, 'ERR_DPOP_PROOF_REPLAYED'],
    ['1 rejects the proof', () => 1, 'ERR_DPOP_PROOF_REPLAYED'],
    ['a promise of undefined rejects the proof', async () => undefined, 'ERR_DPOP_PROOF_REPLAYED']
  ])('%s', async (_title, reserve, expected) => {
    expect(await verdictOf(reserving(reserve).verifyRequest(await world.request()))).toBe(expected)
  })

  const cause = new Error('ECONNREFUSED')
  it.each<[string, unknown]>([
    [
      'throws',
      () => {
        throw cause
      }
    ],
    ['rejects', () => Promise.reject(cause)]
  ])('a store that %s results in 503 with a diagnostics event', async (_title, reserve) => {
    const request = await world.request()
    expect(await eventOf(() => reserving(reserve).verifyRequest(request))).toEqual({ code: OUTAGE, cause })
  })

  it('a result that arrives after the entry may have expired results in 503 with a diagnostics event', async () => {
    const reserve = async () => {
      world.clock.advance(400)
      return true
    }
    const request = await world.request()
    const late = new Error('The replay store responded after the entry may have expired')
    expect(await eventOf(() => reserving(reserve).verifyRequest(request))).toEqual({ code: OUTAGE, cause: late })
  })
})

it('replay: false accepts a replayed proof within its time window', async () => {
  const verifier = createVerifier({ ...world.options, replay: false })
  const request = await world.request()
  for (let i = 0; i < 3; i++) expect(await verdictOf(verifier.verifyRequest(request))).toBe('accepted')
  world.clock.advance(301)
  expect(await verdictOf(verifier.verifyRequest(request))).toBe('ERR_DPOP_PROOF_IAT')
})

describe('ready()', () => {
  const ready = (replay: unknown) => createVerifier({ ...world.options, replay: replay as false }).ready()
  const store = { reserve: () => true }

  it('calls the method ready of the store, if it has one', async () => {
    let calls = 0
    for (const replay of [false, store, { ...store, ready: () => void calls++ }, { ...store, ready: async () => void calls++ }])
      expect(await ready(replay)).toBeUndefined()
    expect(calls).toBe(2)
  })

  it('rejects if the store is unavailable', async () => {
    const cause = new Error('NOAUTH')
    const failures = [
      () => Promise.reject(cause),
      () => {
        throw cause
      }
    ]
    for (const fails of failures) await expect(ready({ ...store, ready: fails })).rejects.toMatchObject({ code: OUTAGE, cause })
  })
})

describe('a client above the quota of the replay store (RFC 6585 §4)', () => {
  const rejectionOf = async (reserve: () => boolean | Promise<boolean>) => {
    const world = await createWorld()
    const verifier = createVerifier({ ...world.options, replay: { reserve } })
    const request = await world.request()
    const events: unknown[] = []
    const keep = (event: unknown) => void events.push(event)
    subscribe('dpop-guard:refused', keep)
    const error = await verifier.verifyRequest(request).catch((reason: unknown) => reason)
    unsubscribe('dpop-guard:refused', keep)
    return { error, events, jkt: world.client.jkt }
  }
  const thrown = () => {
    throw new ReplayQuotaError(30)
  }

  it.each<[kind: string, reserve: () => boolean | Promise<boolean>]>([
    ['synchronous', thrown],
    ['asynchronous', async () => thrown()]
  ])('is rejected with 429 and Retry-After, and the diagnostics event has its key: %s store', async (_kind, reserve) => {
    const { error, events, jkt } = await rejectionOf(reserve)
    expect(error).toMatchObject({ code: 'ERR_DPOP_QUOTA_EXCEEDED', status: 429, headers: { 'Retry-After': '30' } })
    expect(JSON.stringify(error)).not.toContain(jkt)
    const detail = { reason: 'The client has reached its limit in the replay store', jkt, retryAfterSeconds: 30 }
    expect(events).toMatchObject([{ code: 'ERR_DPOP_QUOTA_EXCEEDED', detail }])
  })

  it('has the current nonce with nonce.onEveryResponse', async () => {
    const world = await createWorld()
    const nonce = { secrets: [new Uint8Array(32)], onEveryResponse: true }
    const verifier = createVerifier({ ...world.options, nonce, replay: { reserve: thrown } })
    const current = ((await verifier.nonceHeaders()) as { 'DPoP-Nonce': string })['DPoP-Nonce']
    const rejected = verifier.verifyRequest(await world.request({ nonce: current }))
    await expect(rejected).rejects.toMatchObject({ headers: { 'Retry-After': '30', 'DPoP-Nonce': current } })
  })
})
