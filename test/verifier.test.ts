import { inspect } from 'node:util'
import {
  createVerifier,
  type PlainRequest,
  type ReplayStore,
  type RequestLike,
  type VerifierOptions,
  type VerifyOptions
} from 'dpop-guard'
import { afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { platform } from '../src/crypto/node.js'
import { AccessTokens } from '../src/token/access-token.js'
import { challengesOf } from './support/challenge-parser.js'
import { BASE_URL, createWorld, encode, eventOf, NOW, NOW_MS, verdictOf, type World } from './support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(() => world.clock.set(NOW_MS))
afterEach(() => vi.restoreAllMocks())

type Extra = Omit<Partial<VerifierOptions>, 'optional'>
const create = (extra: Extra = {}) => createVerifier({ ...world.options, ...extra })
const headersOf = (request: PlainRequest) => request.headers as Record<string, string>

/** A store that records its calls and returns the given results. */
function spyStore(response: (key: string) => unknown = () => true): ReplayStore & { calls: unknown[][] } {
  const calls: unknown[][] = []
  return {
    calls,
    reserve(...args) {
      calls.push(args)
      return response(args[0]) as boolean
    }
  }
}

describe('the order of the checks: an unauthenticated client never causes a store write or a key import', () => {
  const invalid: [string, (world: World) => Promise<PlainRequest>, expected: string][] = [
    ['another htu', (w) => w.request({ claims: { htu: 'https://evil.example/' } }), 'ERR_DPOP_PROOF_HTU'],
    ['another htm', (w) => w.request({ claims: { htm: 'PUT' } }), 'ERR_DPOP_PROOF_HTM'],
    ['another ath', (w) => w.request({ claims: { ath: 'x' } }), 'ERR_DPOP_PROOF_ATH'],
    ['an opaque token', (w) => w.request({ token: 'abc' }), 'ERR_DPOP_TOKEN_INVALID'],
    [
      'a token of another issuer',
      (w) => w.request({ tokenSpec: { claims: { iss: 'https://evil.example' } } }),
      'ERR_DPOP_TOKEN_INVALID'
    ],
    ['an expired token', (w) => w.request({ tokenSpec: { expiresInSeconds: -60 } }), 'ERR_DPOP_TOKEN_EXPIRED'],
    ['a token without binding', (w) => w.request({ tokenSpec: { claims: { cnf: undefined } } }), 'ERR_DPOP_TOKEN_UNBOUND'],
    ['a stolen token', (w) => w.request({ client: w.attacker, tokenSpec: { jkt: w.client.jkt } }), 'ERR_DPOP_TOKEN_BINDING']
  ]
  it.each(invalid)('for %s', async (_title, request, expected) => {
    const importKey = vi.spyOn(platform, 'importKey')
    const replay = spyStore()
    expect(await verdictOf(create({ replay }).verifyRequest(await request(world)))).toBe(expected)
    const isIssuerKey = (jwk: object) => 'x' in jwk && jwk.x === world.issuer.jwks.keys[0]?.['x']
    expect(importKey.mock.calls.filter(([jwk]) => !isIssuerKey(jwk))).toEqual([])
    expect(replay.calls).toEqual([])
  })

  it.each<[string, (world: World) => Promise<PlainRequest>, string, VerifyOptions]>([
    ['a signature that does not verify', (w) => w.request({ header: { extra: 1 } }), 'ERR_DPOP_PROOF_SIGNATURE', {}],
    ['a time outside the window', (w) => w.request({ claims: { iat: NOW - 301 } }), 'ERR_DPOP_PROOF_IAT', {}],
    ['a scope that is missing', (w) => w.request(), 'ERR_DPOP_SCOPE_INSUFFICIENT', { scopes: ['x'] }]
  ])('a proof is not consumed if the request has %s', async (_title, make, expected, options) => {
    const replay = spyStore()
    const request = await make(world)
    const { DPoP } = headersOf(request) as { DPoP: string }
    const headers = expected.endsWith('SIGNATURE')
      ? { ...headersOf(request), DPoP: `${DPoP.slice(0, -20)}${'A'.repeat(20)}` }
      : request.headers
    expect(await verdictOf(create({ replay }).verifyRequest({ ...request, headers }, options))).toBe(expected)
    expect(replay.calls).toEqual([])
  })

  it('a proof that was rejected for a missing scope is accepted where the scope suffices', async () => {
    const verifier = create()
    const request = await world.request({ scope: 'a' })
    expect(await verdictOf(verifier.verifyRequest(request, { scopes: ['a', 'b'] }))).toBe('ERR_DPOP_SCOPE_INSUFFICIENT')
    expect(await verdictOf(verifier.verifyRequest(request, { scopes: ['a'] }))).toBe('accepted')
  })

  it('the binding is checked before the signature, so no signature is verified with a key that the token is not bound to', async () => {
    const verify = vi.spyOn(platform, 'verify')
    const request = await world.request({ client: world.attacker, tokenSpec: { jkt: world.client.jkt } })
    await verdictOf(create().verifyRequest(request))
    const { Authorization } = headersOf(request) as { Authorization: string }
    // Only the signature of the token is verified.
    expect(verify.mock.calls.map(([, , signingInput]) => `DPoP ${signingInput}`)).toEqual([
      Authorization.slice(0, Authorization.lastIndexOf('.'))
    ])
  })
})

describe('the replay store', () => {
  it('is called with an opaque key, the expiry, the time of the request and the thumbprint', async () => {
    const replay = spyStore()
    const request = await world.request({ claims: { jti: 'the-jti', iat: NOW + 10 } })
    await create({ replay }).verifyRequest(request)
    expect(replay.calls).toEqual([
      [expect.stringMatching(/^[\w-]{22}$/), (NOW + 10 + 300 + 6) * 1000, { nowMs: NOW_MS, jkt: world.client.jkt }]
    ])
  })

  it('has the same key for equivalent htu values, and different keys for other URIs and clients', async () => {
    const replay = spyStore()
    const verifier = create({ replay })
    const claims = { jti: 'same' }
    await verifier.verifyRequest(await world.request({ claims }))
    await verifier.verifyRequest(await world.request({ claims: { ...claims, htu: 'HTTPS://API.example:443/%6Eotes?q#f' } }))
    await verifier.verifyRequest(await world.request({ claims, target: '/other' }))
    await verifier.verifyRequest(await world.request({ claims, client: world.attacker }))
    const [first, same, ...others] = replay.calls.map(([key]) => key)
    expect(same).toBe(first)
    expect(new Set([first, ...others]).size).toBe(3)
  })

  const responses: unknown[] = [false, undefined, null, 1, 'OK', 'true', {}, [], Promise.resolve(false), Promise.resolve(1)]
  it.each(responses.map((response) => [response]))('rejects the proof as a replay if it returns %o', async (response) => {
    const replay = spyStore(() => response)
    expect(await verdictOf(create({ replay }).verifyRequest(await world.request()))).toBe('ERR_DPOP_PROOF_REPLAYED')
  })

  it('accepts the proof if it returns a promise of true', async () => {
    expect(await verdictOf(create({ replay: spyStore(async () => true) }).verifyRequest(await world.request()))).toBe('accepted')
  })

  it('results in 503, never 200 or 401, if it throws or rejects', async () => {
    const cause = new Error('down')
    const throwing = spyStore(() => {
      throw cause
    })
    for (const replay of [throwing, spyStore(() => Promise.reject(cause))]) {
      const error = await create({ replay })
        .verifyRequest(await world.request())
        .catch((reason: unknown) => reason)
      expect(error).toMatchObject({ code: 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE', status: 503, cause })
    }
  })

  it('accepts exactly one of fifty concurrent copies, also if it is slow', async () => {
    const used = new Set<string>()
    const slow = spyStore(async (key) => {
      const isFirst = !used.has(key) && Boolean(used.add(key))
      await new Promise((resolve) => setImmediate(resolve))
      return isFirst
    })
    for (const extra of [{}, { replay: slow }]) {
      const verifier = create(extra)
      const request = await world.request()
      const verdicts = await Promise.all(Array.from({ length: 50 }, () => verdictOf(verifier.verifyRequest(request))))
      expect(verdicts.filter((verdict) => verdict === 'accepted')).toHaveLength(1)
      expect(verdicts.filter((verdict) => verdict === 'ERR_DPOP_PROOF_REPLAYED')).toHaveLength(49)
    }
  })

  it('keeps the entry of a proof with a future iat while the proof would be accepted (RFC 9449 §11.1)', async () => {
    const verifier = create({ proof: { maxAgeSeconds: 60, maxFutureSeconds: 30 } })
    const request = await world.request({ claims: { iat: NOW + 29 } })
    expect(await verdictOf(verifier.verifyRequest(request))).toBe('accepted')
    for (const seconds of [1, 70, 18.999]) {
      world.clock.advance(seconds)
      expect(await verdictOf(verifier.verifyRequest(request))).toBe('ERR_DPOP_PROOF_REPLAYED')
    }
    world.clock.advance(0.001)
    expect(await verdictOf(verifier.verifyRequest(request))).toBe('ERR_DPOP_PROOF_IAT')
  })

  it.each<[string, (hook: () => Promise<boolean>) => Partial<VerifierOptions>]>([
    ['token.isRevoked', (isRevoked) => ({ token: { isRevoked } })],
    ['nonce.required', (required) => ({ nonce: { secrets: ['x'.repeat(32)], required } })]
  ])('a replayed proof is rejected after its entry has expired, also if the hook %s is slow', async (_name, optionsWith) => {
    let waitSeconds = 0
    const hook = async () => {
      world.clock.advance(waitSeconds)
      return false
    }
    const verifier = create(optionsWith(hook))
    const request = await world.request()
    expect(await verdictOf(verifier.verifyRequest(request))).toBe('accepted')
    world.clock.advance(300)
    waitSeconds = 10
    expect(await verdictOf(verifier.verifyRequest(request))).toBe('ERR_DPOP_PROOF_IAT')
  })

  it('replay: false accepts a replayed proof within its time window', async () => {
    const verifier = create({ replay: false })
    const request = await world.request()
    for (const expected of ['accepted', 'accepted']) expect(await verdictOf(verifier.verifyRequest(request))).toBe(expected)
    world.clock.advance(301)
    expect(await verdictOf(verifier.verifyRequest(request))).toBe('ERR_DPOP_PROOF_IAT')
  })
})

describe('the result does not depend on the caches', () => {
  it.each<[string, Parameters<World['request']>[0]]>([
    ['a valid request', {}],
    ['another ath', { claims: { ath: 'x' } }],
    ['an iat outside the window', { claims: { iat: NOW - 1000 } }],
    ['another htm', { claims: { htm: 'PUT' } }],
    ['another typ', { header: { typ: 'jwt' } }]
  ])('%s has the same result with a verifier that has cached the client and with a new one', async (_title, spec) => {
    const warm = create()
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    await warm.verifyRequest(await world.request({ token }))
    const request = await world.request({ token, ...spec })
    expect(await verdictOf(warm.verifyRequest(request))).toBe(await verdictOf(create().verifyRequest(request)))
  })

  it('a cached key is used only for proofs with the same header segment', async () => {
    const verifier = create()
    await verifier.verifyRequest(await world.request())
    const request = await world.request({ header: { kid: 'other' } })
    const [, payload, signature] = (headersOf(request)['DPoP'] as string).split('.')
    const known = encode({ alg: 'ES256', typ: 'dpop+jwt', jwk: world.client.publicJwk })
    const headers = { ...headersOf(request), DPoP: `${known}.${payload}.${signature}` }
    expect(await verdictOf(verifier.verifyRequest({ ...request, headers }))).toBe('ERR_DPOP_PROOF_SIGNATURE')
  })
})

describe('modes', () => {
  const bearer = async (token: string, dpop?: string): Promise<PlainRequest> => ({
    ...{ method: 'GET', target: '/notes' },
    headers: { authorization: `Bearer ${token}`, ...(dpop !== undefined && { dpop }) }
  })

  it('Bearer is rejected by default, for any token', async () => {
    for (const jkt of [undefined, world.client.jkt])
      expect(
        await verdictOf(create().verifyRequest(await bearer(await world.issuer.issue(jkt === undefined ? {} : { jkt }))))
      ).toBe('ERR_DPOP_SCHEME_NOT_ALLOWED')
  })

  it('allowBearer: unbound tokens are accepted as Bearer, also beside a proof; bound tokens are not (RFC 9449 §7.2)', async () => {
    const verifier = create({ allowBearer: true })
    const unbound = await world.issuer.issue({ scope: 'a' })
    expect(await verdictOf(verifier.verifyRequest(await bearer(unbound)))).toBe('accepted')
    expect(await verdictOf(verifier.verifyRequest(await bearer(unbound, 'garbage')))).toBe('accepted')
    expect(await verdictOf(verifier.verifyRequest(await bearer(unbound), { scopes: ['b'] }))).toBe('ERR_DPOP_SCOPE_INSUFFICIENT')
    const bound = await world.issuer.issue({ jkt: world.client.jkt })
    expect(await verdictOf(verifier.verifyRequest(await bearer(bound)))).toBe('ERR_DPOP_TOKEN_BINDING')
    expect(await verdictOf(verifier.verifyRequest(await world.request()))).toBe('accepted')
    expect(await verdictOf(verifier.verifyRequest(await world.request({ token: unbound })))).toBe('ERR_DPOP_TOKEN_UNBOUND')
  })

  it('optional: a request without credentials is anonymous, one with invalid credentials is rejected', async () => {
    const verifier = createVerifier({ ...world.options, optional: true })
    const request = { method: 'GET', target: '/notes' }
    expect(await verifier.verifyRequest({ ...request, headers: {} })).toBeUndefined()
    expect(await verifier.verifyRequest({ ...request, headers: { cookie: 'x' } })).toBeUndefined()
    for (const options of [{}, { target: '/mount' }, { scopes: [] }])
      expect(await verifier.verifyRequest({ ...request, headers: {} }, options)).toBeUndefined()
    for (const headers of [{ authorization: 'Basic x' }, { authorization: '' }, { dpop: 'x' }, { dpop: '' }])
      expect(await verdictOf(verifier.verifyRequest({ ...request, headers }))).toBe('ERR_DPOP_CREDENTIALS_MISSING')
    expect(await verdictOf(verifier.verifyRequest(await world.request({ token: 'abc' })))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(await verdictOf(verifier.verifyRequest({ ...request, headers: {} }, { scopes: ['a'] }))).toBe(
      'ERR_DPOP_CREDENTIALS_MISSING'
    )
    expect(await verdictOf(verifier.verifyRequest(await world.request()))).toBe('accepted')
  })

  it('malformed credentials are rejected before their scheme is checked (RFC 9110 §11.4)', async () => {
    for (const authorization of ['DPoP a, Bearer b', 'Bearer a, DPoP b', 'DPoP'])
      expect(await verdictOf(create().verifyRequest({ method: 'GET', target: '/', headers: { authorization } }))).toBe(
        'ERR_DPOP_AUTHORIZATION_MALFORMED'
      )
  })

  it('a rejection has a challenge in the scheme of the request, with the required scopes (RFC 6750 §3, RFC 9449 §7.1)', async () => {
    const verifier = create({ allowBearer: true })
    const unbound = await world.issuer.issue({ scope: 'a' })
    for (const [scheme, request] of [
      ['DPoP', await world.request({ scope: 'a' })],
      ['Bearer', await bearer(unbound)]
    ] as const) {
      const { headers } = await verifier.verifyRequest(request, { scopes: ['a', 'b'] }).catch((error) => error)
      const reported = challengesOf(headers).filter(({ params }) => 'error' in params)
      expect(reported).toMatchObject([{ scheme, params: { error: 'insufficient_scope', scope: 'a b' } }])
    }
  })

  it('a request without credentials is rejected with 401 and no error code (RFC 6750 §3.1)', async () => {
    const error = await create()
      .verifyRequest({ method: 'GET', target: '/', headers: {} })
      .catch((reason) => reason)
    expect(error).toMatchObject({ status: 401, error: undefined })
    expect(challengesOf(error.headers)).toEqual([{ scheme: 'DPoP', params: { algs: expect.any(String) } }])
  })
})

describe('baseUrl as a function', () => {
  it('receives the request; the request is rejected if it returns undefined or another URL', async () => {
    const request = await world.request()
    const seen: RequestLike[] = []
    const verify = (response: unknown) => {
      const baseUrl = ((given: RequestLike) => seen.push(given) && response) as never
      return verdictOf(create({ audience: BASE_URL, baseUrl }).verifyRequest(request))
    }
    expect(await verify(BASE_URL)).toBe('accepted')
    expect(await verify(Promise.resolve(BASE_URL))).toBe('accepted')
    expect(await verify(undefined)).toBe('ERR_DPOP_PROOF_HTU')
    expect(await verify('https://other.example')).toBe('ERR_DPOP_PROOF_HTU')
    expect(await verify('not a URL')).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
    expect(await verify(Promise.reject(new Error('x')))).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
    expect(new Set(seen)).toEqual(new Set([request]))
  })
})

describe('ready() waits for what requests require', () => {
  const fetch = () => Promise.reject(new Error('ENOTFOUND'))

  it('rejects with the same error and diagnostics event as a request', async () => {
    const cause = new Error('ECONNREFUSED')
    const replay = { reserve: () => true, ready: () => Promise.reject(cause) }
    expect(await verdictOf(create().ready())).toBe('accepted')
    expect(await eventOf(() => create({ replay }).ready())).toEqual({ code: 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE', cause })
    expect(await eventOf(() => create({ issuer: 'https://issuer.example', fetch }).ready())).toMatchObject({
      code: 'ERR_DPOP_KEYS_UNAVAILABLE'
    })
  })

  it('an unexpected error also results in 503', async () => {
    const cause = new TypeError('unexpected')
    vi.spyOn(AccessTokens.prototype, 'ready').mockRejectedValue(cause)
    expect(await eventOf(() => create().ready())).toEqual({ code: 'ERR_DPOP_VERIFIER_UNAVAILABLE', cause })
  })
})

describe('every failure is a DPoPError or a DPoPUnavailableError', () => {
  const throws = (error: unknown) => () => {
    throw error
  }
  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['null', null],
    ['a number', 1],
    ['an empty object', {}],
    ['a request without headers', { method: 'GET', target: '/' }],
    ['a request whose members throw', new Proxy({}, { has: throws(new Error('trap')) })],
    [
      'a header getter that throws',
      {
        method: 'GET',
        target: '/',
        headers: {
          get authorization() {
            return throws(new Error('trap'))()
          }
        }
      }
    ],
    ['a method that is a symbol', { method: Symbol('x'), target: '/', headers: {} }],
    ['a Fetch request with an invalid URL', { method: 'GET', url: 'x', headers: new Headers() }]
  ])('a request that is %s', async (_title, request) => {
    const error = await create()
      .verifyRequest(request as RequestLike)
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'DPoPUnavailableError', code: 'ERR_DPOP_VERIFIER_UNAVAILABLE' })
    expect((error as Error).cause).toBeInstanceOf(Error)
  })

  it.each<[string, Partial<Record<keyof VerifierOptions, unknown>>]>([
    ['a clock that throws', { clock: throws(new Error('x')) }],
    ['a clock that throws undefined', { clock: throws(undefined) }],
    ['isRevoked that throws a string', { token: { isRevoked: throws('x') } }],
    ['a base URL that throws null', { audience: BASE_URL, baseUrl: throws(null) }],
    ['a store that throws undefined', { replay: { reserve: throws(undefined) } }]
  ])('%s', async (_title, extra) => {
    expect(await verdictOf(create(extra as Extra).verifyRequest(await world.request()))).toMatch(/UNAVAILABLE$/)
  })

  it.each([Number.NaN, undefined, 'now', Number.POSITIVE_INFINITY])(
    'a clock that returns %s accepts no request',
    async (time) => {
      for (const request of [
        await world.request(),
        { method: 'GET', target: '/', headers: { authorization: `Bearer ${await world.issuer.issue()}` } }
      ])
        expect(await verdictOf(create({ clock: () => time as number, allowBearer: true }).verifyRequest(request))).not.toBe(
          'accepted'
        )
    }
  )

  it('invalid options of a call result in 503', async () => {
    const verify = async (options: unknown) =>
      await verdictOf(create().verifyRequest(await world.request(), options as VerifyOptions))
    expect(await verify(null)).toBe('accepted')
    expect(await verify({ scopes: 'a' })).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
    expect(await verify({ scopes: ['a"\r\nX: y'] })).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
    expect(await verify({ target: 7 })).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
    // Otherwise a route would accept every token, or with the option optional every request.
    expect(await verify({ scope: ['a'] })).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
    const lenient = createVerifier({ ...world.options, optional: true })
    for (const options of [{ scope: ['a'] }, { scopes: new Set(['a']) }, { scopes: { 0: 'a' } }]) {
      const anonymous = lenient.verifyRequest({ method: 'GET', target: '/notes', headers: {} }, options as VerifyOptions)
      expect(await verdictOf(anonymous)).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
    }
    for (const [options, message] of [
      [{ scope: ['a'] }, '"scope" is not an option; did you mean "scopes"?'],
      [{ scopes: 'a' }, '"scopes" must be an array of scope names'],
      [{ route: /notes/ }, '"route" must be a string']
    ] as const) {
      const request = await world.request()
      const reported = await eventOf(() => create().verifyRequest(request, options as never))
      expect(reported.cause).toEqual(new TypeError(message))
    }
    expect(await verdictOf(create().verifyRequest({ method: 'GET', target: '/', headers: {} }, null as never))).toBe(
      'ERR_DPOP_CREDENTIALS_MISSING'
    )
  })
})

describe('an error contains no part of the request (RFC 6750 §3, §5.2)', () => {
  const MARK = 'MARK"\\\u00e9'
  it.each<[string, Parameters<World['request']>[0]]>([
    ['htu', { claims: { htu: `https://${MARK}/` } }],
    ['htm', { claims: { htm: MARK } }],
    ['jti', { claims: { jti: MARK, iat: 1 } }],
    ['typ', { header: { typ: MARK } }],
    ['iss', { tokenSpec: { claims: { iss: MARK } } }],
    ['aud', { tokenSpec: { claims: { aud: MARK } } }],
    ['cnf', { tokenSpec: { claims: { cnf: { jkt: MARK } } } }],
    ['kid', { tokenSpec: { header: { kid: MARK } } }]
  ])('%s', async (_title, spec) => {
    const request = await world.request(spec)
    const error = await create()
      .verifyRequest(request)
      .catch((reason: unknown) => reason)
    expect(error).toMatchObject({ name: 'DPoPError' })
    const reported =
      inspect(error, { depth: 9, showHidden: true, getters: true }) + JSON.stringify(error) + String((error as Error).stack)
    expect(reported).not.toContain('MARK')
    for (const segment of Object.values(headersOf(request)).flatMap((line) => line.replace('DPoP ', '').split('.'))) {
      expect(reported).not.toContain(segment)
    }
    challengesOf((error as { headers: Record<string, string> }).headers)
  })
})

it('claims of a __proto__ member are not used', async () => {
  const request = await world.request()
  const payload = encode(`{"__proto__":{"jti":"x"},"htm":"GET","htu":"${BASE_URL}/notes","iat":${NOW},"ath":"x"}`)
  const [header, , signature] = (headersOf(request)['DPoP'] as string).split('.')
  const headers = { ...headersOf(request), DPoP: `${header}.${payload}.${signature}` }
  expect(await verdictOf(create().verifyRequest({ ...request, headers }))).toBe('ERR_DPOP_PROOF_CLAIMS')
})
