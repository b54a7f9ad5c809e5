import {
  createVerifier,
  isDPoPUnavailableError,
  optionsFromEnv,
  toVerifier,
  type VerifiedRequest,
  type Verifier,
  type VerifierOptions,
  verifyRequest
} from 'dpop-guard'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { LazyVerifier, provideEnvironment } from '../src/lazy-verifier.js'
import { BASE_URL, createWorld, eventOf, ISSUER, verdictOf, type World } from './support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
afterEach(() => void vi.unstubAllEnvs())

describe('a function that returns options', () => {
  it('is called once, at the first request, with the environment of the process', async () => {
    vi.stubEnv('API_URL', BASE_URL)
    const options = vi.fn((env: Record<string, string>) => ({ ...world.options, baseUrl: env['API_URL'] as string }))
    const verifier = toVerifier(options)
    expect(options).not.toHaveBeenCalled()
    await verifier.verifyRequest(await world.request())
    await verifier.verifyRequest(await world.request())
    expect(options).toHaveBeenCalledOnce()
  })

  it('receives the environment of the runtime, which adapters provide, until the verifier is created', async () => {
    vi.stubEnv('API_URL', 'https://process.example')
    const options = vi.fn((_env: Record<string, string>) => world.options)
    const verifier = toVerifier(options)
    for (const env of [{ API_URL: BASE_URL, binding: 'a' }, undefined, null, 'text']) provideEnvironment(verifier, env)
    await verifier.verifyRequest(await world.request())
    expect(options.mock.calls[0]?.[0]).toMatchObject({ API_URL: BASE_URL, binding: 'a' })
  })

  it('receives the latest environment when it is called again after an error', async () => {
    const seen: unknown[] = []
    const verifier = new LazyVerifier((env) => {
      seen.push((env as { binding?: string }).binding)
      if (seen.length === 1) throw new Error('not ready')
      return createVerifier(world.options)
    })
    provideEnvironment(verifier, { binding: 'first' })
    await expect(verifier.ready()).rejects.toThrow()
    provideEnvironment(verifier, { binding: 'second' })
    await verifier.ready()
    expect(seen).toEqual(['first', 'second'])
  })

  it('has no effect on a verifier of options', () => {
    expect(() => provideEnvironment(createVerifier(world.options), { binding: 'a' })).not.toThrow()
  })

  it('may be optionsFromEnv, and return a verifier', async () => {
    vi.stubEnv('DPOP_ISSUER', ISSUER)
    vi.stubEnv('DPOP_BASE_URL', 'https://other.example')
    expect(await verdictOf(verifyRequest(await world.request(), optionsFromEnv))).toBe('ERR_DPOP_PROOF_HTU')
    const existing = createVerifier(world.options)
    expect(await verdictOf(verifyRequest(await world.request(), () => existing))).toBe('accepted')
  })

  it('results in one verifier, so that a replay is detected', async () => {
    const options = () => world.options
    const request = await world.request()
    expect(await verdictOf(verifyRequest(request, options))).toBe('accepted')
    expect(await verdictOf(verifyRequest(request, options))).toBe('ERR_DPOP_PROOF_REPLAYED')
    expect(toVerifier(options)).toBe(toVerifier(options))
  })

  it('results in 503 with its error as the cause if it throws, and is called again by the next request', async () => {
    const cause = new Error('no environment')
    const options = vi.fn(() => world.options)
    options.mockImplementationOnce(() => {
      throw cause
    })
    const request = await world.request()
    expect(await eventOf(() => verifyRequest(request, options))).toEqual({ code: 'ERR_DPOP_VERIFIER_UNAVAILABLE', cause })
    expect(await verdictOf(verifyRequest(request, options))).toBe('accepted')
  })

  it.each<[returned: unknown, message: string]>([
    [{ issuer: ISSUER, baseURL: BASE_URL }, '"baseURL" is not an option; did you mean "baseUrl"?'],
    [undefined, '"options" must be an object'],
    [Promise.resolve({}), '"options" must be returned by the function, not a promise of them']
  ])('results in 503 with a TypeError as the cause if it returns %j', async (returned, message) => {
    const verifying = verifyRequest(await world.request(), () => returned as VerifierOptions)
    await expect(verifying).rejects.toMatchObject({ code: 'ERR_DPOP_VERIFIER_UNAVAILABLE', cause: new TypeError(message) })
  })

  it('results in a verifier with all methods', async () => {
    const verifier: Verifier<VerifiedRequest | undefined> = toVerifier(() => ({
      ...world.options,
      metadata: {},
      nonce: { secrets: [new Uint8Array(32)] }
    }))
    await verifier.ready()
    const { 'DPoP-Nonce': nonce } = (await verifier.nonceHeaders()) as { 'DPoP-Nonce': string }
    const request = await world.request({ nonce, scope: 'a' })
    expect(verifier.resourceMetadata()).toMatchObject({ resource: BASE_URL })
    const wellKnown = { method: 'GET', target: '/.well-known/oauth-protected-resource', headers: {} }
    expect(verifier.metadataResponse(wellKnown)).toMatchObject({ status: 200 })
    expect((await verifier.explain(request)).map(({ outcome }) => outcome)).not.toContain('fail')
    const auth = await verifier.verifyRequest(request)
    verifier.requireScopes(auth, ['a'])
    expect(() => verifier.requireScopes(auth, ['b'])).toThrow('The access token lacks a required scope')
    await expect(verifier.requirePolicy(auth, { anyScope: ['b'] }, request)).rejects.toMatchObject({ status: 403 })
  })

  it('results in 503 for each method while it throws', async () => {
    const verifier = toVerifier(() => {
      throw new Error('not yet')
    })
    const request = await world.request()
    const calls: (() => unknown)[] = [
      () => verifier.ready(),
      () => verifier.nonceHeaders(),
      () => verifier.resourceMetadata(),
      () => verifier.metadataResponse(request),
      () => verifier.explain(request),
      () => verifier.requireScopes(undefined, ['a']),
      () => verifier.requirePolicy(undefined, {}, request)
    ]
    for (const call of calls) {
      const error = await (async () => await call())().catch((reason: unknown) => reason)
      expect(isDPoPUnavailableError(error)).toBe(true)
    }
  })

  it('receives an empty environment on a runtime without one', async () => {
    const options = vi.fn((_env: object) => world.options)
    const request = await world.request()
    vi.stubGlobal('process', undefined)
    // Nothing may be awaited while process is replaced: timers of the test runner use it.
    const verifying = verifyRequest(request, options)
    vi.unstubAllGlobals()
    await verifying
    expect(options).toHaveBeenCalledExactlyOnceWith({})
  })
})
