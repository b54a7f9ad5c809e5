import { createVerifier, type DPoPError, type VerifierOptions } from 'dpop-guard'
import { fakeClock } from 'dpop-guard/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, it, type MockInstance, vi } from 'vitest'
import { platform } from '../../src/crypto/node.js'
import { challengesOf } from '../support/challenge-parser.js'
import { createWorld, NOW, NOW_MS, type RequestSpec, verdictOf, type World } from '../support/world.js'

const A = 'a secret of thirty-two characters or more'
const B = 'another secret, of thirty-two characters too'
/** A step is half of the maximum age; the tests start at the beginning of a step. */
const STEP_SECONDS = 150

let world: World
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(() => world.clock.set(NOW_MS))

type NonceOptions = Exclude<VerifierOptions['nonce'], false | undefined>
const create = (nonce: Partial<NonceOptions> = {}, extra: object = {}) =>
  createVerifier({ ...world.options, nonce: { secrets: [A], ...nonce }, ...extra })
type AnyVerifier = ReturnType<typeof create>

/** The nonce that a verifier issues. */
async function nonceOf(verifier: AnyVerifier): Promise<string> {
  const error = await verifier.verifyRequest(await world.request()).catch((reason: unknown) => reason as DPoPError)
  return (error as DPoPError).headers['DPoP-Nonce'] as string
}
const verdict = async (verifier: AnyVerifier, spec: RequestSpec) =>
  await verdictOf(verifier.verifyRequest(await world.request(spec)))

describe('a proof without a valid nonce is rejected with use_dpop_nonce (RFC 9449 §9)', () => {
  it.each<[string, RequestSpec, string]>([
    ['no nonce', {}, 'ERR_DPOP_NONCE_REQUIRED'],
    ['an unknown nonce', { nonce: 'x' }, 'ERR_DPOP_NONCE_INVALID'],
    ['an empty nonce', { nonce: '' }, 'ERR_DPOP_NONCE_INVALID']
  ])('%s: the response has exactly one nonce, and Cache-Control: no-store (§8.2)', async (_title, spec, code) => {
    const error = (await create()
      .verifyRequest(await world.request(spec))
      .catch((reason: unknown) => reason)) as DPoPError
    expect(error).toMatchObject({ code, status: 401, error: 'use_dpop_nonce' })
    expect(error.headers).toMatchObject({ 'DPoP-Nonce': expect.stringMatching(/^[\w-]{43}$/), 'Cache-Control': 'no-store' })
    expect(challengesOf(error.headers)).toMatchObject([{ scheme: 'DPoP', params: { error: 'use_dpop_nonce' } }])
  })

  it.each([7, null, true, {}, ['x']])('rejects the proof if its nonce is not a string: %j', async (nonce) => {
    expect(await verdict(create(), { claims: { nonce } })).toBe('ERR_DPOP_PROOF_CLAIMS')
  })

  it('an issued nonce is accepted, and the response has no nonce', async () => {
    const verifier = create()
    const nonce = await nonceOf(verifier)
    const auth = await verifier.verifyRequest(await world.request({ nonce }))
    expect(auth?.proof?.nonce).toBe(nonce)
    expect(auth?.responseHeaders).toEqual({})
  })

  it('a clock that throws when the nonce is issued results in 503', async () => {
    let reads = 0
    const clock = () => {
      if (++reads > 2) throw new Error('clock')
      return NOW_MS
    }
    expect(await verdict(create({}, { clock }), {})).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
  })

  it('an otherwise invalid proof is rejected before the nonce is checked', async () => {
    const error = (await create()
      .verifyRequest(await world.request({ claims: { ath: 'x' } }))
      .catch((reason: unknown) => reason)) as DPoPError
    expect(error.code).toBe('ERR_DPOP_PROOF_ATH')
    expect(error.headers).not.toHaveProperty('DPoP-Nonce')
  })

  it('a proof that is rejected with use_dpop_nonce is not consumed', async () => {
    const verifier = create()
    const nonce = await nonceOf(verifier)
    const claims = { jti: 'same' }
    expect(await verdict(verifier, { claims })).toBe('ERR_DPOP_NONCE_REQUIRED')
    expect(await verdict(verifier, { claims, nonce })).toBe('accepted')
    expect(await verdict(verifier, { claims, nonce })).toBe('ERR_DPOP_PROOF_REPLAYED')
  })
})

describe('the age of a nonce depends only on the clock', () => {
  it('a nonce is accepted for at least half of maxAgeSeconds, and at most maxAgeSeconds', async () => {
    const verifier = create()
    const nonce = await nonceOf(verifier)
    world.clock.advance(2 * STEP_SECONDS - 0.001)
    expect(await verdict(verifier, { nonce })).toBe('accepted')
    world.clock.advance(0.001)
    expect(await verdict(verifier, { nonce })).toBe('ERR_DPOP_NONCE_INVALID')
    world.clock.set(NOW_MS + STEP_SECONDS * 1000 - 1)
    const last = await nonceOf(verifier)
    expect(last).toBe(nonce)
    world.clock.advance(STEP_SECONDS)
    expect(await verdict(verifier, { nonce: last })).toBe('accepted')
  })

  it('a nonce also expires while there are no requests', async () => {
    const verifier = create()
    const nonce = await nonceOf(verifier)
    world.clock.advance(3600)
    expect(await verdict(verifier, { nonce })).toBe('ERR_DPOP_NONCE_INVALID')
  })

  it('the previous nonce is accepted, and the response has the current one, and Cache-Control: no-store', async () => {
    const verifier = create()
    const nonce = await nonceOf(verifier)
    world.clock.advance(STEP_SECONDS)
    const auth = await verifier.verifyRequest(await world.request({ nonce }))
    const next = auth?.responseHeaders['DPoP-Nonce'] as string
    expect(next).not.toBe(nonce)
    expect(auth?.responseHeaders).toEqual({ 'DPoP-Nonce': next, 'Cache-Control': 'no-store' })
    expect(Object.isFrozen(auth?.responseHeaders)).toBe(true)
    expect(await nonceOf(verifier)).toBe(next)
  })

  it('the age of the nonce replaces the iat window for any clock of the client; exp and nbf are still validated', async () => {
    const verifier = create()
    const nonce = await nonceOf(verifier)
    for (const iat of [0, NOW - 86_400, NOW + 86_400])
      expect(await verdict(verifier, { nonce, claims: { iat } })).toBe('accepted')
    expect(await verdict(verifier, { nonce, claims: { exp: NOW - 60 } })).toBe('ERR_DPOP_PROOF_IAT')
    expect(await verdict(verifier, { nonce, claims: { nbf: NOW + 60 } })).toBe('ERR_DPOP_PROOF_IAT')
  })

  it('a consumed proof is stored for as long as its nonce is accepted, for any iat', async () => {
    const verifier = create()
    const nonce = await nonceOf(verifier)
    const request = await world.request({ nonce, claims: { iat: NOW - 86_400 } })
    expect(await verdictOf(verifier.verifyRequest(request))).toBe('accepted')
    for (const seconds of [0, STEP_SECONDS, STEP_SECONDS - 1]) {
      world.clock.advance(seconds)
      expect(await verdictOf(verifier.verifyRequest(request))).toBe('ERR_DPOP_PROOF_REPLAYED')
    }
    world.clock.advance(1)
    expect(await verdictOf(verifier.verifyRequest(request))).toBe('ERR_DPOP_NONCE_INVALID')
  })

  it('the expiry of an entry is after the last acceptance on any instance, also with slow hooks', async () => {
    const ends: number[] = []
    const replay = { reserve: (_key: string, expiresAtMs: number) => ends.push(expiresAtMs) > 0 }
    const verifier = create({ maxAgeSeconds: 10 }, { replay })
    const nonce = await nonceOf(verifier)
    let lastAcceptedMs = 0
    for (let ms = 0; ms < 12_000; ms += 250) {
      world.clock.set(NOW_MS + ms)
      if ((await verdict(verifier, { nonce })) === 'accepted') lastAcceptedMs = world.clock()
    }
    expect(lastAcceptedMs).toBe(NOW_MS + 9750)
    for (const end of ends) expect(end).toBeGreaterThanOrEqual(lastAcceptedMs + 5000)
  })
})

describe('instances that share secrets share nonces', () => {
  it('each instance accepts nonces of another, whose clock may be five seconds ahead', async () => {
    const ahead = fakeClock(NOW_MS + STEP_SECONDS * 1000)
    const nonce = await nonceOf(create({}, { clock: ahead }))
    world.clock.set(ahead() - 5000)
    expect(await verdict(create(), { nonce })).toBe('accepted')
    world.clock.advance(-0.001)
    expect(await verdict(create(), { nonce })).toBe('ERR_DPOP_NONCE_INVALID')
  })

  it('secrets are rotated by adding the new one last, then moving it first, then removing the old one', async () => {
    const stages = [[A], [A, B], [B, A], [B]].map((secrets) => create({ secrets }))
    for (const [i, verifier] of stages.entries()) {
      const nonce = await nonceOf(verifier)
      for (const neighbor of [stages[i - 1], stages[i + 1]]) {
        if (neighbor !== undefined) expect(await verdict(neighbor, { nonce })).toBe('accepted')
      }
    }
    expect(await verdict(stages[3] as AnyVerifier, { nonce: await nonceOf(stages[0] as AnyVerifier) })).toBe(
      'ERR_DPOP_NONCE_INVALID'
    )
  })

  it('no request is rejected while instances change their secrets one after the other', async () => {
    const stages = [[A], [A, B], [B, A], [B]]
    const instances = [0, 1, 2].map(() => create({ secrets: [A] }))
    let nonce = await nonceOf(instances[0] as AnyVerifier)
    for (const secrets of stages) {
      for (let changed = 0; changed < instances.length; changed++) {
        instances[changed] = create({ secrets })
        for (const instance of instances) {
          const auth = await instance.verifyRequest(await world.request({ nonce }))
          nonce = (auth?.responseHeaders['DPoP-Nonce'] as string | undefined) ?? nonce
        }
      }
    }
    expect(nonce).toBe(await nonceOf(create({ secrets: [B] })))
  })

  it('a client with a nonce of the old secret receives one of the new secret', async () => {
    const nonce = await nonceOf(create({ secrets: [A] }))
    const verifier = create({ secrets: [B, A] })
    const auth = await verifier.verifyRequest(await world.request({ nonce }))
    expect(auth?.responseHeaders['DPoP-Nonce']).toBe(await nonceOf(verifier))
  })

  it('nonces differ for different secrets, and for different maxAgeSeconds', async () => {
    const nonces = await Promise.all([create(), create({ secrets: [B] }), create({ maxAgeSeconds: 200 })].map(nonceOf))
    expect(new Set(nonces).size).toBe(3)
  })

  it('accepts secrets as strings and as bytes', async () => {
    expect(await nonceOf(create({ secrets: [new TextEncoder().encode(A)] }))).toBe(await nonceOf(create()))
  })
})

it('ten thousand nonces are distinct, consist of NQCHAR, and have no bits of a counter or clock (RFC 9449 §8, §8.1)', async () => {
  const verifier = create({ maxAgeSeconds: 10 })
  const bits = new Array<number>(256).fill(0)
  const seen = new Set<string>()
  const request = await world.request()
  for (let step = 0; step < 10_000; step++) {
    const error = (await verifier.verifyRequest(request).catch((reason: unknown) => reason)) as DPoPError
    const nonce = error.headers['DPoP-Nonce'] as string
    expect(nonce).toMatch(/^[\x21\x23-\x5B\x5D-\x7E]{43}$/)
    seen.add(nonce)
    for (const [i, byte] of Buffer.from(nonce, 'base64url').entries())
      for (let bit = 0; bit < 8; bit++) if (byte & (1 << bit)) bits[8 * i + bit] = (bits[8 * i + bit] as number) + 1
    world.clock.advance(5)
    // The token is valid for another hour and the iat window does not apply: only the nonce is missing.
    if (step % 600 === 599) Object.assign(request, await world.request())
  }
  expect(seen.size).toBe(10_000)
  // Every bit is set in half of them; six standard deviations are 300.
  for (const count of bits) expect(Math.abs(count - 5000)).toBeLessThan(300)
})

describe('nonces are cached for the steps in which they are accepted', () => {
  let hmac: MockInstance<typeof platform.hmac>
  beforeEach(() => {
    hmac = vi.spyOn(platform, 'hmac')
  })
  afterEach(() => hmac.mockRestore())

  it('a nonce is computed once for each step, also if the previous and the next one are compared', async () => {
    const verifier = create()
    let [previous, current] = [await nonceOf(verifier), await nonceOf(verifier)]
    for (let step = 0; step < 5; step++) {
      // At the beginning of a step, and at its end, when clocks that are ahead are in the next one.
      for (const seconds of [0, STEP_SECONDS - 1]) {
        world.clock.advance(seconds)
        for (const nonce of [previous, current, previous]) expect(await verdict(verifier, { nonce })).toBe('accepted')
        expect(await verdict(verifier, { nonce: 'x' })).toBe('ERR_DPOP_NONCE_INVALID')
      }
      world.clock.advance(1)
      ;[previous, current] = [current, await nonceOf(verifier)]
    }
    // The five steps, the one before them and the one after them.
    expect(hmac).toHaveBeenCalledTimes(7)
  })

  it('nonces of past steps are evicted, and computed again if the clock is set back', async () => {
    const verifier = create()
    const nonce = await nonceOf(verifier)
    world.clock.advance(3 * STEP_SECONDS)
    await nonceOf(verifier)
    expect(hmac).toHaveBeenCalledTimes(2)
    world.clock.set(NOW_MS)
    expect(await nonceOf(verifier)).toBe(nonce)
    expect(hmac).toHaveBeenCalledTimes(3)
  })
})

describe('nonce.required', () => {
  it('that returns false applies the iat window, and any nonce is accepted', async () => {
    const required = vi.fn((request: unknown) => (request as { target: string }).target !== '/free')
    const verifier = create({ required })
    expect(await verdict(verifier, { target: '/free' })).toBe('accepted')
    expect(await verdict(verifier, { target: '/free', nonce: 'x' })).toBe('accepted')
    expect(await verdict(verifier, { target: '/free', claims: { iat: NOW - 301 } })).toBe('ERR_DPOP_PROOF_IAT')
    expect(await verdict(verifier, { target: '/strict' })).toBe('ERR_DPOP_NONCE_REQUIRED')
    expect(required).toHaveBeenCalledTimes(4)
  })

  it.each([undefined, null, 0, ''])('requires a nonce if it returns anything but false: %j', async (response) => {
    expect(await verdict(create({ required: () => response as never }), {})).toBe('ERR_DPOP_NONCE_REQUIRED')
  })

  it('may return a promise, and results in 503 if it fails', async () => {
    expect(await verdict(create({ required: async () => false }), {})).toBe('accepted')
    expect(await verdict(create({ required: () => Promise.reject(new Error('x')) }), {})).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
  })
})

it('secrets are copied: overwriting the array of the caller has no effect', async () => {
  const secret = new TextEncoder().encode(A)
  const verifier = create({ secrets: [secret] })
  secret.fill(0)
  expect(await nonceOf(verifier)).toBe(await nonceOf(create()))
})

it('the nonce of a 2xx response is accepted by another instance with the same secrets (RFC 9449 §8.2) [F-14]', async () => {
  const [a, b] = [create(), create()]
  const first = await nonceOf(a)
  world.clock.advance(STEP_SECONDS)
  const accepted = await a.verifyRequest(await world.request({ nonce: first }))
  const nonce = accepted?.responseHeaders['DPoP-Nonce'] as string
  expect(nonce).not.toBe(first)
  expect(await verdict(b, { nonce })).toBe('accepted')
})

describe('verifier.nonceHeaders() (RFC 9449 §8.2)', () => {
  it('returns a nonce that is accepted in the next request, and Cache-Control: no-store [V-02 V-03]', async () => {
    const verifier = create()
    const headers = await verifier.nonceHeaders()
    expect(headers).toEqual({ 'DPoP-Nonce': expect.stringMatching(/^[\w-]{43}$/), 'Cache-Control': 'no-store' })
    expect(await verdict(verifier, { nonce: headers['DPoP-Nonce'] as string })).toBe('accepted')
  })

  it('is synchronous with node:crypto', () => {
    expect(create().nonceHeaders()).not.toBeInstanceOf(Promise)
  })

  it('returns no header fields if nonces are disabled', async () => {
    expect(await createVerifier(world.options).nonceHeaders()).toEqual({})
  })
})

describe('nonce.onEveryResponse', () => {
  const nonceField = { 'DPoP-Nonce': expect.stringMatching(/^[\w-]{43}$/), 'Cache-Control': 'no-store' }
  const everyResponse = (more: object = {}) => create({ onEveryResponse: true }, more)

  it('sends the current nonce also with a proof that has it [AT-03]', async () => {
    const verifier = everyResponse()
    const nonce = await nonceOf(verifier)
    const auth = await verifier.verifyRequest(await world.request({ nonce }))
    expect(auth?.responseHeaders).toEqual({ ...nonceField, 'DPoP-Nonce': nonce })
  })

  it('sends the newer nonce to a proof with an older one', async () => {
    const verifier = everyResponse()
    const nonce = await nonceOf(verifier)
    world.clock.advance(STEP_SECONDS)
    const auth = await verifier.verifyRequest(await world.request({ nonce }))
    expect(auth?.responseHeaders).toEqual(nonceField)
    expect(auth?.responseHeaders['DPoP-Nonce']).not.toBe(nonce)
  })

  it('sends the nonce with every rejection and outage of a request with a proof [AT-03]', async () => {
    const verifier = everyResponse()
    const rejected = async (by: AnyVerifier, spec: RequestSpec, policy = {}) =>
      await by.verifyRequest(await world.request(spec), policy).catch((error: DPoPError) => error)
    const nonce = await nonceOf(verifier)
    expect(await rejected(verifier, { claims: { htm: 'POST' } })).toMatchObject({ status: 401, headers: nonceField })
    expect(await rejected(verifier, { nonce }, { scopes: ['a'] })).toMatchObject({ status: 403, headers: nonceField })
    expect(await rejected(verifier, { nonce }, { authorize: () => false })).toMatchObject({ status: 403, headers: nonceField })
    const down = everyResponse({ replay: { reserve: () => Promise.reject(new Error('down')) } })
    expect(await rejected(down, { nonce })).toMatchObject({ status: 503, headers: { ...nonceField, 'Retry-After': '1' } })
  })

  it('sends no nonce to a request without a proof', async () => {
    const error = await everyResponse()
      .verifyRequest({ method: 'GET', target: '/', headers: {} })
      .catch((reason: DPoPError) => reason)
    expect(error).toMatchObject({ code: 'ERR_DPOP_CREDENTIALS_MISSING' })
    expect((error as DPoPError).headers).not.toHaveProperty('DPoP-Nonce')
  })

  it('sends the nonce also on routes that do not require one', async () => {
    const verifier = create({ onEveryResponse: true, required: () => false })
    const auth = await verifier.verifyRequest(await world.request())
    expect(auth?.responseHeaders).toEqual(nonceField)
  })

  it('is disabled by default: a rejection has no nonce unless it is use_dpop_nonce', async () => {
    const error = await create()
      .verifyRequest(await world.request({ claims: { htm: 'POST' } }))
      .catch((reason: DPoPError) => reason)
    expect((error as DPoPError).headers).not.toHaveProperty('DPoP-Nonce')
  })
})
