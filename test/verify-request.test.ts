import { createVerifier, toVerifier, type VerifierOptions, verifyRequest } from 'dpop-guard'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { BASE_URL, createWorld, ISSUER, verdictOf, type World } from './support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterEach(() => vi.unstubAllEnvs())

describe('toVerifier', () => {
  it('a ready verifier is itself', () => {
    const verifier = createVerifier(world.options)
    expect(toVerifier(verifier)).toBe(verifier)
  })

  it('one options object is one verifier, so that its caches and its replay memory last', () => {
    expect(toVerifier(world.options)).toBe(toVerifier(world.options))
    expect(toVerifier({ ...world.options })).not.toBe(toVerifier(world.options))
  })

  it('uses the environment without an argument', () => {
    vi.stubEnv('DPOP_ISSUER', ISSUER)
    vi.stubEnv('DPOP_BASE_URL', BASE_URL)
    expect(toVerifier()).toHaveProperty('verifyRequest')
    // Else verifyRequest(request) would begin with an empty replay memory, and a guard that runs twice verify twice.
    const verifier = toVerifier()
    expect(toVerifier()).toBe(verifier)
    vi.stubEnv('DPOP_AUDIENCE', 'other')
    expect(toVerifier()).not.toBe(verifier)
    vi.stubEnv('DPOP_ISSUER', '')
    expect(() => toVerifier()).toThrow(new TypeError('"DPOP_ISSUER" must be set in the environment if no options are given'))
  })

  it.each(['https://issuer.example', 7, true])('anything else is a TypeError: %j', (value) => {
    expect(() => toVerifier(value as unknown as VerifierOptions)).toThrow(new TypeError('"options" must be an object'))
  })
})

describe('verifyRequest', () => {
  it('takes a verifier or options, and keeps the replay store for calls with the same options', async () => {
    const request = await world.request()
    const options = { ...world.options }
    expect(await verdictOf(verifyRequest(request, options))).toBe('accepted')
    expect(await verdictOf(verifyRequest(request, options))).toBe('ERR_DPOP_PROOF_REPLAYED')
    const verifier = createVerifier(world.options)
    expect(await verdictOf(verifyRequest(request, verifier))).toBe('accepted')
    expect(await verdictOf(verifyRequest(request, verifier))).toBe('ERR_DPOP_PROOF_REPLAYED')
  })

  it('hands on what one call adds', async () => {
    expect(await verdictOf(verifyRequest(await world.request(), world.options, { scopes: ['x'] }))).toBe(
      'ERR_DPOP_SCOPE_INSUFFICIENT'
    )
    expect(await verdictOf(verifyRequest(await world.request(), world.options, { target: '/other' }))).toBe('ERR_DPOP_PROOF_HTU')
  })

  it('wrong options are a TypeError, not a refusal', async () => {
    await expect(verifyRequest(await world.request(), { issuer: ISSUER } as never)).rejects.toThrow(TypeError)
  })
})
