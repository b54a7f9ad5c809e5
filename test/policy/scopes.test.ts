import { createVerifier, DPoPError, DPoPUnavailableError } from 'dpop-guard'
import { describe, expect, it } from 'vitest'
import { hasScopes, validateScopes } from '../../src/policy/scopes.js'
import { challengesOf } from '../support/challenge-parser.js'

describe('validateScopes validates the scopes of a route (RFC 6749 §3.3)', () => {
  it('copies and freezes them', () => {
    const given = ['notes:read', 'https://scope.example/a', "!#$%&'()*+,-./:;<=>?@[]^_`{|}~"]
    const scopes = validateScopes(given)
    expect(scopes).toEqual(given)
    expect(scopes).not.toBe(given)
    expect(Object.isFrozen(scopes)).toBe(true)
  })

  const wrong: unknown[] = [
    [],
    [''],
    ['a b'],
    ['a"'],
    ['a\\'],
    ['a\r\nb'],
    ['é'],
    ['valid', 'b d'],
    [1],
    [['a']],
    'notes:read',
    undefined,
    null
  ]
  it.each(wrong.map((scopes) => [scopes]))('rejects %j', (scopes) => {
    expect(() => validateScopes(scopes as string[])).toThrow(
      new TypeError('"scopes" must be one or more scope names without spaces')
    )
  })
})

describe('hasScopes', () => {
  const isEqual = (granted: string, required: string) => granted === required

  it('requires every scope of `all`, compared exactly', () => {
    for (const all of [['b', 'a'], [], undefined]) expect(hasScopes(['a', 'b'], { all }, isEqual)).toBe(true)
    for (const all of [['c'], ['a', 'c'], ['A'], ['a', 'ab']]) expect(hasScopes(['a', 'b'], { all }, isEqual)).toBe(false)
  })

  it('requires one scope of `any`', () => {
    for (const any of [['a'], ['c', 'b'], undefined]) expect(hasScopes(['a', 'b'], { any }, isEqual)).toBe(true)
    for (const any of [['c'], ['A', 'ab'], []]) expect(hasScopes(['a', 'b'], { any }, isEqual)).toBe(false)
  })

  it('requires both `all` and `any`', () => {
    expect(hasScopes(['a', 'b'], { all: ['a'], any: ['b', 'c'] }, isEqual)).toBe(true)
    expect(hasScopes(['a'], { all: ['a'], any: ['b', 'c'] }, isEqual)).toBe(false)
    expect(hasScopes(['b'], { all: ['a'], any: ['b', 'c'] }, isEqual)).toBe(false)
  })

  it('calls the function with granted and required scope, and accepts only true', () => {
    const isPrefix = (granted: string, required: string) => required === granted || required.startsWith(`${granted}:`)
    expect(hasScopes(['files'], { all: ['files:read', 'files:write'] }, isPrefix)).toBe(true)
    expect(hasScopes(['files:read'], { all: ['files'] }, isPrefix)).toBe(false)
    expect(hasScopes(['files'], { all: ['files'] }, (() => 'yes') as never)).toBe(false)
  })

  it.each([
    ['resolves', async () => true],
    ['rejects', () => Promise.reject(new Error('down'))]
  ])('throws if the function returns a promise, which is handled if it %s', async (_outcome, satisfies) => {
    expect(() => hasScopes(['files'], { all: ['files'] }, satisfies as never)).toThrow(
      new TypeError('"token.scopeSatisfies" must not return a promise')
    )
    // An unhandled rejection would fail the run.
    await new Promise((resolve) => setImmediate(resolve))
  })
})

describe('verifier.requireScopes', () => {
  const options = { issuer: 'https://issuer.example', baseUrl: 'https://api.example' }
  const verifier = createVerifier({ ...options, allowBearer: true, optional: true })
  const auth = (scheme: string, scopes: string[]) => ({ scheme, scopes }) as never
  const thrownBy = (run: () => void): unknown => {
    try {
      return run()
    } catch (error) {
      return error
    }
  }

  it('accepts a request with the scopes', () => {
    expect(thrownBy(() => verifier.requireScopes(auth('DPoP', ['a', 'b']), ['a']))).toBeUndefined()
  })

  it.each(['DPoP', 'Bearer'])('rejects a request without a scope with 403 in the challenge of its scheme: %s', (scheme) => {
    const error = thrownBy(() => verifier.requireScopes(auth(scheme, []), ['a', 'b'])) as DPoPError
    expect(error).toMatchObject({ code: 'ERR_DPOP_SCOPE_INSUFFICIENT', status: 403 })
    expect(challengesOf(error.headers)).toMatchObject([{ scheme, params: { error: 'insufficient_scope', scope: 'a b' } }])
  })

  it('rejects a request without credentials with 401 and no error code (RFC 6750 §3.1)', () => {
    const error = thrownBy(() => verifier.requireScopes(undefined, ['a'])) as DPoPError
    expect(error).toBeInstanceOf(DPoPError)
    expect(error).toMatchObject({ code: 'ERR_DPOP_CREDENTIALS_MISSING', status: 401 })
    expect(challengesOf(error.headers).map(({ scheme, params }) => [scheme, Object.keys(params)])).toEqual([
      ['Bearer', ['realm']],
      ['DPoP', ['algs']]
    ])
  })

  it.each([[['a"b']], ['a'], [null], [undefined]])(
    'invalid scopes result in 503 and are never sent in a challenge: %j',
    (scopes) => {
      const error = thrownBy(() => verifier.requireScopes(auth('DPoP', []), scopes as never))
      expect(error).toBeInstanceOf(DPoPUnavailableError)
      expect((error as DPoPUnavailableError).cause).toBeInstanceOf(TypeError)
    }
  )
})
