import { createVerifier, type Policy, type VerifierOptions } from 'dpop-guard'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { isRestrictive, validateDecision, validatePolicy, withRequest } from '../../src/policy/policy.js'
import { authenticationParams, findAuthenticationError, validateAuthentication } from '../../src/policy/step-up.js'
import { challengesOf } from '../support/challenge-parser.js'
import { createIntrospectionWorld } from '../support/introspection-world.js'
import { createWorld, NOW, type World } from '../support/world.js'

describe('findAuthenticationError', () => {
  const nowMs = 1_800_000_000_999
  const now = 1_800_000_000
  const error = (claims: object, requirement: object) => findAuthenticationError(claims as never, requirement, nowMs, 5)

  it('accepts auth_time up to maxAgeSeconds ago, with the clock tolerance (RFC 9470 §6.1)', () => {
    expect(error({ auth_time: now - 305 }, { maxAgeSeconds: 300 })).toBeUndefined()
    expect(error({ auth_time: now - 306 }, { maxAgeSeconds: 300 })).toBe('auth_time is 306 seconds in the past, accepted are 300')
    expect(error({ auth_time: now - 5 }, { maxAgeSeconds: 0 })).toBeUndefined()
    expect(error({ auth_time: now - 6 }, { maxAgeSeconds: 0 })).toBeDefined()
    expect(error({ auth_time: now + 5 }, { maxAgeSeconds: 0 })).toBeUndefined()
    expect(error({ auth_time: now + 6 }, { maxAgeSeconds: 300 })).toBe('auth_time is 6 seconds in the future')
  })

  it('accepts an auth_time of 0, and reports an acr of another type as such', () => {
    expect(error({ auth_time: 0 }, { maxAgeSeconds: now })).toBeUndefined()
    expect(error({ acr: null }, { acrValues: ['mfa'] })).toBe('acr is null, expected one of ["mfa"]')
  })

  it.each(['1800000000', null, -1, Number.NaN, {}, [now]])('rejects the auth_time %j', (value) => {
    expect(error({ auth_time: value }, { maxAgeSeconds: 2_000_000_000 })).toBe('auth_time is not a NumericDate')
  })

  it('never uses iat instead of auth_time (RFC 9470 §6.1)', () => {
    expect(error({ iat: now }, { maxAgeSeconds: 300 })).toBe('auth_time is missing')
  })

  it.each(['MFA', 'mfa ', ['mfa'], 7, null])('rejects the acr %j', (acr) => {
    expect(error({ acr }, { acrValues: ['mfa', 'phr'] })).toMatch(/^acr is .*, expected one of \["mfa", "phr"\]$/)
  })

  it('accepts any one of acrValues, and rejects a token without acr', () => {
    for (const acr of ['mfa', 'phr']) expect(error({ acr }, { acrValues: ['mfa', 'phr'] })).toBeUndefined()
    expect(error({}, { acrValues: ['mfa'] })).toBe('acr is missing')
  })

  it('does not require auth_time if only acrValues are given', () => {
    expect(error({ acr: 'mfa' }, { acrValues: ['mfa'] })).toBeUndefined()
  })
})

describe('authenticationParams', () => {
  it('has acr_values separated by spaces and max_age, if required (RFC 9470 §3)', () => {
    expect(authenticationParams({ acrValues: ['mfa', 'phr'], maxAgeSeconds: 0 })).toEqual({ acr_values: 'mfa phr', max_age: '0' })
    expect(authenticationParams({ acrValues: ['mfa'] })).toEqual({ acr_values: 'mfa' })
    expect(authenticationParams({ maxAgeSeconds: 60 })).toEqual({ max_age: '60' })
  })
})

describe('isRestrictive', () => {
  it.each<[policy: object, isRestricted: boolean]>([
    [{}, false],
    [{ scopes: [] }, false],
    [{ scopes: ['a'] }, true],
    [{ anyScope: ['a'] }, true],
    [{ authentication: { maxAgeSeconds: 1 } }, true],
    [{ authorize: () => true }, true]
  ])('of %j is %j', (policy, isRestricted) => {
    expect(isRestrictive(policy)).toBe(isRestricted)
  })
})

describe('withRequest', () => {
  it('calls authorize with the request object of the framework, and keeps the other members', async () => {
    const authorize = vi.fn(() => true)
    const own = { framework: 'express' }
    const { authorize: decide, ...others } = withRequest({ scopes: ['a'], authorize }, own)
    expect(others).toEqual({ scopes: ['a'] })
    expect(decide?.('auth' as never, {} as never)).toBe(true)
    expect(authorize).toHaveBeenCalledExactlyOnceWith('auth', own)
  })

  it('does not add authorize to a policy without it', () => {
    expect(withRequest({ scopes: ['a'] }, {})).toEqual({ scopes: ['a'] })
  })
})

describe('validatePolicy', () => {
  it('copies and freezes the policy', () => {
    const scopes = ['a']
    const acrValues = ['mfa']
    const policy = validatePolicy({
      scopes,
      anyScope: ['b'],
      authentication: { acrValues, maxAgeSeconds: 0 },
      authorize: undefined
    })
    scopes.push('c')
    acrValues.push('phr')
    expect(policy).toEqual({ scopes: ['a'], anyScope: ['b'], authentication: { acrValues: ['mfa'], maxAgeSeconds: 0 } })
    expect(Object.isFrozen(policy) && Object.isFrozen(policy.authentication?.acrValues)).toBe(true)
  })

  const acrMessage = '"authentication.acrValues" must be one or more acr values of printable ASCII without spaces and quotes'
  it.each<[policy: object, message: string]>([
    [{ scope: ['a'] }, '"scope" is not an option; did you mean "scopes"?'],
    [{ anyScope: [] }, '"anyScope" must be one or more scope names without spaces'],
    [{ authorize: true }, '"authorize" must be a function'],
    [{ authentication: {} }, '"authentication" must have "acrValues" or "maxAgeSeconds"'],
    [{ authentication: 'mfa' }, '"authentication" must be an object'],
    [{ authentication: { acr: 'x' } }, '"authentication.acr" is not an option; did you mean "authentication.acrValues"?'],
    [{ authentication: { acrValues: [] } }, acrMessage],
    [{ authentication: { acrValues: 'mfa' } }, acrMessage],
    [{ authentication: { acrValues: ['a b'] } }, acrMessage],
    [{ authentication: { acrValues: ['a"'] } }, acrMessage],
    [{ authentication: { acrValues: ['é'] } }, acrMessage],
    [{ authentication: { maxAgeSeconds: -1 } }, '"authentication.maxAgeSeconds" must be a non-negative integer'],
    [{ authentication: { maxAgeSeconds: 1.5 } }, '"authentication.maxAgeSeconds" must be a non-negative integer'],
    [{ authentication: { maxAgeSeconds: Number.NaN } }, '"authentication.maxAgeSeconds" must be a non-negative integer'],
    [{ authentication: { maxAgeSeconds: '5' } }, '"authentication.maxAgeSeconds" must be a non-negative integer']
  ])('rejects %j with a TypeError that names the member', (policy, message) => {
    expect(() => validatePolicy(policy)).toThrow(new TypeError(message))
  })

  it('names the option with its prefix, and the parameter of a function', () => {
    expect(() => validatePolicy({ scopes: ['a b'] }, 'config.dpop.')).toThrow('"config.dpop.scopes" must be')
    expect(() => validatePolicy({ anyScope: ['a b'] }, 'config.dpop.')).toThrow('"config.dpop.anyScope" must be')
    expect(() => validatePolicy({ authorize: 1 } as never, 'config.dpop.')).toThrow('"config.dpop.authorize" must be')
    expect(() => validatePolicy({ authentication: {} }, 'config.dpop.')).toThrow('"config.dpop.authentication" must have')
    expect(() => validateDecision(1 as never)).toThrow(new TypeError('"authorize" must be a function'))
    expect(() => validateAuthentication({})).toThrow(new TypeError('"authentication" must have "acrValues" or "maxAgeSeconds"'))
  })

  it('rejects a list of acr values of which one is invalid, and adds no member that was not given', () => {
    expect(() => validateAuthentication({ acrValues: ['mfa', 'a b'] })).toThrow(TypeError)
    expect(validateAuthentication({ acrValues: ['mfa'] })).toStrictEqual({ acrValues: ['mfa'] })
    expect(validateAuthentication({ maxAgeSeconds: 0 })).toStrictEqual({ maxAgeSeconds: 0 })
  })

  it('rejects an empty requirement of authentication', () => {
    expect(() => validateAuthentication({ acrValues: undefined } as never)).toThrow(TypeError)
  })
})

describe('verifier.requirePolicy', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })

  async function verified(options: Partial<VerifierOptions> = {}) {
    const verifier = createVerifier({ ...world.options, ...options })
    const request = await world.request({ tokenSpec: { scope: 'a', claims: { acr: 'mfa' } } })
    return { verifier, request, auth: await verifier.verifyRequest(request) }
  }

  it('resolves for a verified request that satisfies the policy', async () => {
    const { verifier, request, auth } = await verified()
    const authorize = vi.fn(() => true)
    await verifier.requirePolicy(auth, { anyScope: ['b', 'a'], authentication: { acrValues: ['mfa'] }, authorize }, request)
    expect(authorize).toHaveBeenCalledExactlyOnceWith(auth, request)
  })

  it('rejects with the challenge of the policy', async () => {
    const { verifier, request, auth } = await verified()
    const rejected = (policy: Policy) => verifier.requirePolicy(auth, policy, request).catch((error) => error)
    const error = await rejected({ scopes: ['b'], authentication: { maxAgeSeconds: 10 } })
    expect(error).toMatchObject({ code: 'ERR_DPOP_AUTHENTICATION_INSUFFICIENT', status: 401 })
    expect(challengesOf(error.headers)[0]?.params).toMatchObject({ max_age: '10', scope: 'b' })
    expect(await rejected({ authorize: () => false })).toMatchObject({ code: 'ERR_DPOP_ACCESS_DENIED', status: 403, headers: {} })
  })

  it('rejects a request without credentials with 401 and no error code (RFC 6750 §3.1)', async () => {
    const { verifier, request } = await verified()
    const authorize = vi.fn(() => true)
    await expect(verifier.requirePolicy(undefined, { authorize }, request)).rejects.toMatchObject({
      code: 'ERR_DPOP_CREDENTIALS_MISSING'
    })
    expect(authorize).not.toHaveBeenCalled()
  })

  it('is 503 for an invalid policy and for an error of a hook', async () => {
    const { verifier, request, auth } = await verified()
    const unavailable = { code: 'ERR_DPOP_VERIFIER_UNAVAILABLE', status: 503 }
    await expect(verifier.requirePolicy(auth, { anyScopes: ['a'] } as never, request)).rejects.toMatchObject(unavailable)
    await expect(verifier.requirePolicy(auth, null as never, request)).rejects.toMatchObject(unavailable)
    const cause = new Error('policy server')
    const authorize = () => Promise.reject(cause)
    await expect(verifier.requirePolicy(auth, { authorize }, request)).rejects.toMatchObject({ ...unavailable, cause })
    const { verifier: other, auth: otherAuth } = await verified({
      token: {
        scopeSatisfies: () => {
          throw cause
        }
      }
    })
    await expect(other.requirePolicy(otherAuth, { scopes: ['a'] }, request)).rejects.toMatchObject({ ...unavailable, cause })
  })

  it('reports the required and received values in the diagnostics event, not in the response', async () => {
    const { verifier, request, auth } = await verified()
    const { subscribe, unsubscribe } = await import('node:diagnostics_channel')
    const events: unknown[] = []
    const listen = (event: unknown) => void events.push(event)
    subscribe('dpop-guard:refused', listen)
    const rejection = verifier.requirePolicy(auth, { scopes: ['b'], anyScope: ['c', 'd'] }, request)
    await expect(rejection).rejects.toThrow(/^The access token lacks a required scope$/)
    for (const policy of [{ anyScope: ['c'] }, { scopes: ['b'] }, { authentication: { acrValues: ['phr'] } }])
      await verifier.requirePolicy(auth, policy, request).catch(() => {})
    unsubscribe('dpop-guard:refused', listen)
    const scopeEvent = (required: string) => ({
      method: 'GET',
      code: 'ERR_DPOP_SCOPE_INSUFFICIENT',
      detail: { reason: `scopes are ["a"], required are ${required}` }
    })
    expect(events).toEqual([
      scopeEvent('all of ["b"] and one of ["c", "d"]'),
      scopeEvent('one of ["c"]'),
      scopeEvent('all of ["b"]'),
      { method: 'GET', code: 'ERR_DPOP_AUTHENTICATION_INSUFFICIENT', detail: { reason: 'acr is "mfa", expected one of ["phr"]' } }
    ])
  })

  it('names the required scopes in the challenge, each once', async () => {
    const { verifier, request, auth } = await verified()
    const scopeOf = async (policy: Policy) => {
      const error = await verifier.requirePolicy(auth, policy, request).catch((reason) => reason)
      return challengesOf(error.headers)[0]?.params['scope']
    }
    expect(await scopeOf({ scopes: ['b'] })).toBe('b')
    expect(await scopeOf({ anyScope: ['c', 'd'] })).toBe('c d')
    expect(await scopeOf({ scopes: ['b', 'c'], anyScope: ['c', 'd'] })).toBe('b c d')
  })
})

describe('the policy of an opaque token', () => {
  it('is checked against the top-level members of the introspection response (RFC 9470 §6.2) [S-10]', async () => {
    const { client, verifier, respondWith } = await createIntrospectionWorld()
    const members = { active: true, cnf: { jkt: client.jkt }, scp: ['a'] }
    const verify = async (token: string) => {
      const headers = await client.headers({ url: 'https://api.example/', token })
      const policy = { scopes: ['a'], authentication: { acrValues: ['mfa'], maxAgeSeconds: 60 } }
      return await verifier.verifyRequest({ method: 'GET', target: '/', headers }, policy)
    }
    respondWith({ ...members, acr: 'mfa', auth_time: NOW })
    expect((await verify('first')).scopes).toEqual(['a'])
    respondWith({ ...members, ext: { acr: 'mfa', auth_time: NOW } })
    await expect(verify('second')).rejects.toMatchObject({ code: 'ERR_DPOP_AUTHENTICATION_INSUFFICIENT' })
  })
})
