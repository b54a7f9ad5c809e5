import { createVerifier, toVerifier, type VerifierOptions, verifyRequest } from 'dpop-guard'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { haveEqualOptions } from '../src/verifier-source.js'
import { BASE_URL, createWorld, ISSUER, type World } from './support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterEach(() => vi.unstubAllEnvs())

describe('toVerifier', () => {
  it('returns a given verifier unchanged', () => {
    const verifier = createVerifier(world.options)
    expect(toVerifier(verifier)).toBe(verifier)
  })

  it('returns the same verifier for the same options object, so that its caches and replay store are kept', () => {
    expect(toVerifier(world.options)).toBe(toVerifier(world.options))
    expect(toVerifier({ ...world.options })).not.toBe(toVerifier(world.options))
  })

  it('uses the environment without an argument', () => {
    vi.stubEnv('DPOP_ISSUER', ISSUER)
    vi.stubEnv('DPOP_BASE_URL', BASE_URL)
    expect(toVerifier()).toHaveProperty('verifyRequest')
    // Otherwise every verifyRequest(request) would have an empty replay store, and a guard that runs twice would verify twice.
    const verifier = toVerifier()
    expect(toVerifier()).toBe(verifier)
    vi.stubEnv('DPOP_AUDIENCE', 'other')
    expect(toVerifier()).not.toBe(verifier)
    vi.stubEnv('DPOP_ISSUER', '')
    expect(() => toVerifier()).toThrow(new TypeError('"DPOP_ISSUER" must be set in the environment if no options are given'))
  })

  it.each(['https://issuer.example', 7, true])('throws a TypeError for %j', (value) => {
    expect(() => toVerifier(value as unknown as VerifierOptions)).toThrow(new TypeError('"options" must be an object'))
  })
})

describe('options that were changed since their verifier was created', () => {
  it('are a TypeError, because the change has no effect', async () => {
    const given = { ...world.options, audience: [BASE_URL] }
    const verifier = toVerifier(given)
    given.audience.push('https://other.example')
    const message = '"options" must not be changed after a verifier was created from them: pass a new object'
    expect(() => toVerifier(given)).toThrow(new TypeError(message))
    await expect(verifyRequest(await world.request(), given)).rejects.toThrow(new TypeError(message))
    given.audience.pop()
    expect(toVerifier(given)).toBe(verifier)
  })
})

describe('haveEqualOptions', () => {
  /** A verifier whose options have a member of any JSON value. */
  const withValue = (value: unknown) =>
    toVerifier({ ...world.options, metadata: { extensions: { value } as Record<string, string> } })

  it.each([
    ['a string', 'a'],
    ['an object', { a: 1, b: ['c'] }]
  ])('is true for the same value in two objects: %s', (_, value) => {
    expect(haveEqualOptions(withValue(structuredClone(value)), withValue(structuredClone(value)))).toBe(true)
  })

  it.each([
    ['another value', 'a', 'b'],
    ['a further member', { a: 1 }, { a: 1, b: 2 }]
  ])('is false for %s', (_, a, b) => {
    expect(haveEqualOptions(withValue(a), withValue(b))).toBe(false)
  })

  it('is false if an undefined option hides one that is stricter', () => {
    const lax = toVerifier({ ...world.options, nonce: undefined } as never)
    expect(haveEqualOptions(lax, toVerifier({ ...world.options, token: { isRevoked: () => true } }))).toBe(false)
  })

  it('compares the options as they were when the verifier was created', () => {
    const audience = ['https://a.example']
    const given = { ...world.options, audience }
    const lax = toVerifier(given)
    audience[0] = 'https://b.example'
    expect(haveEqualOptions(lax, toVerifier({ ...world.options, audience: ['https://b.example'] }))).toBe(false)
    expect(haveEqualOptions(lax, toVerifier({ ...world.options, audience: ['https://a.example'] }))).toBe(true)
  })

  it('compares functions and instances by identity', () => {
    const replay = { reserve: () => true }
    const clocks = [() => Date.now(), () => Date.now()]
    const withClock = (clock = clocks[0]) => toVerifier({ ...world.options, replay, clock: clock as () => number })
    expect(haveEqualOptions(withClock(), withClock())).toBe(true)
    expect(haveEqualOptions(withClock(), withClock(clocks[1]))).toBe(false)
    const withStore = () =>
      toVerifier({
        ...world.options,
        replay: new (class {
          reserve = replay.reserve
        })()
      })
    expect(haveEqualOptions(withStore(), withStore())).toBe(false)
  })

  it('is false without the options of one of them', () => {
    const lazy = toVerifier(() => world.options)
    const ready = createVerifier(world.options)
    for (const other of [lazy, ready]) {
      expect(haveEqualOptions(toVerifier(world.options), other)).toBe(false)
      expect(haveEqualOptions(other, toVerifier(world.options))).toBe(false)
      expect(haveEqualOptions(other, other)).toBe(false)
    }
  })
})
