import { createVerifier, type IssuerOptions } from 'dpop-guard'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { createLocalJWKSet, exportJWK, generateKeyPair, type JWK, jwtVerify } from 'jose'
import { describe, expect, it } from 'vitest'
import { createIntrospectionWorld, METADATA } from '../support/introspection-world.js'
import { BASE_URL, eventOf, NOW, NOW_MS, verdictOf } from '../support/world.js'

describe('an opaque token is introspected (RFC 7662 §2)', () => {
  it('and the members of the response are its claims, with the issuer that responded as iss', async () => {
    const { verify, respondWith, server, client, requests } = await createIntrospectionWorld()
    respondWith({ active: true, scope: 'a b', sub: 'u', cnf: { jkt: client.jkt }, token_type: 'DPoP', exp: NOW + 60 })
    const auth = await verify('a.b~c')
    expect(auth).toMatchObject({ issuer: server.origin, scopes: ['a', 'b'], claims: { sub: 'u', iss: server.origin } })
    expect(Object.isFrozen(auth.claims)).toBe(true)
    expect(requests).toHaveLength(1)
    expect(requests[0]).toMatchObject({
      method: 'POST',
      headers: { accept: 'application/json', 'content-type': 'application/x-www-form-urlencoded' }
    })
    expect(Object.fromEntries(requests[0]?.body ?? [])).toEqual({ token: 'a.b~c', token_type_hint: 'access_token' })
  })

  it('and rejected if no issuer has introspection', async () => {
    const { options, server, verdict } = await createIntrospectionWorld()
    expect(await verdict('opaque', createVerifier({ ...options, issuer: server.origin }))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(server.requested).toEqual([])
  })

  it('and accepted if one of several issuers reports it as active', async () => {
    const [a, b] = [await createIntrospectionWorld(), await createIntrospectionWorld()]
    const issuer = [a.options.issuer, b.options.issuer] as IssuerOptions[]
    const both = createVerifier({ ...a.options, issuer })
    a.respondWith({ active: false })
    b.respondWith({ active: true, cnf: { jkt: a.client.jkt } })
    expect((await a.verify('opaque', both)).issuer).toBe(b.server.origin)
    b.respondWith({ active: false })
    expect(await a.verdict('other', both)).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it.each<[string, object, code: string]>([
    ['another aud', { aud: 'https://other.example' }, 'ERR_DPOP_TOKEN_INVALID'],
    ['an exp in the past', { exp: NOW - 60 }, 'ERR_DPOP_TOKEN_EXPIRED'],
    ['a malformed cnf', { cnf: { jkt: 7 } }, 'ERR_DPOP_TOKEN_BINDING']
  ])('and accepted if one of several issuers accepts it, for any response of another: %s', async (_title, members, code) => {
    const [a, b] = [await createIntrospectionWorld(), await createIntrospectionWorld()]
    const issuer = [a.options.issuer, b.options.issuer] as IssuerOptions[]
    const both = createVerifier({ ...a.options, issuer })
    a.respondWith({ active: true, cnf: { jkt: a.client.jkt }, ...members })
    b.respondWith({ active: true, cnf: { jkt: a.client.jkt } })
    expect((await a.verify('opaque', both)).issuer).toBe(b.server.origin)
    b.respondWith({ active: false })
    expect(await a.verdict('other', both)).toBe(code)
    b.state.status = 500
    expect(await a.verdict('third', both)).toBe('ERR_DPOP_INTROSPECTION_UNAVAILABLE')
  })

  it('and an error of token.scopes is 503 with that error as its cause, also if another issuer accepts the token', async () => {
    const [a, b] = [await createIntrospectionWorld(), await createIntrospectionWorld()]
    const cause = new Error('down')
    const scopes = () => {
      throw cause
    }
    const issuer = [{ ...(a.options.issuer as IssuerOptions), scopes }, b.options.issuer] as IssuerOptions[]
    const event = await eventOf(() => a.verify('opaque', createVerifier({ ...a.options, issuer })))
    expect(event).toMatchObject({ code: 'ERR_DPOP_VERIFIER_UNAVAILABLE', cause })
  })

  it('and rejected for the reason of the first issuer that reports it as active, if none accepts it', async () => {
    const [a, b] = [await createIntrospectionWorld(), await createIntrospectionWorld()]
    const issuer = [a.options.issuer, b.options.issuer] as IssuerOptions[]
    a.respondWith({ active: true, cnf: { jkt: a.client.jkt }, exp: NOW - 60 })
    b.respondWith({ active: true, cnf: { jkt: a.client.jkt }, aud: 'https://other.example' })
    expect(await a.verdict('opaque', createVerifier({ ...a.options, issuer }))).toBe('ERR_DPOP_TOKEN_EXPIRED')
  })

  it.each(['a.b.c', 'eyJhbGciOiJFUzI1NiJ9', 'eyJ.a', 'x.eyJ.y'])('in any format other than that of a JWT: %s', async (token) => {
    const { verdict, requests } = await createIntrospectionWorld()
    expect(await verdict(token)).toBe('accepted')
    expect(requests).toHaveLength(1)
  })

  it('and an unavailable issuer results in 503 only if no other accepts the token', async () => {
    const [a, b] = [await createIntrospectionWorld(), await createIntrospectionWorld()]
    const issuer = [a.options.issuer, b.options.issuer] as IssuerOptions[]
    a.state.status = 500
    b.respondWith({ active: true, cnf: { jkt: a.client.jkt } })
    expect((await a.verify('opaque', createVerifier({ ...a.options, issuer }))).issuer).toBe(b.server.origin)
    expect(await a.verdict('opaque', createVerifier({ ...a.options, issuer: issuer.toReversed() }))).toBe('accepted')
    b.respondWith({ active: false })
    expect(await a.verdict('opaque', createVerifier({ ...a.options, issuer }))).toBe('ERR_DPOP_INTROSPECTION_UNAVAILABLE')
    b.respondWith({ active: true, aud: 'x' })
    expect(await a.verdict('opaque', createVerifier({ ...a.options, issuer }))).toBe('ERR_DPOP_INTROSPECTION_UNAVAILABLE')
  })

  it('the introspection request has the token, and neither the proof nor other parts of the request', async () => {
    const { verify, requests } = await createIntrospectionWorld()
    const { proof } = await verify()
    expect(requests[0]?.headers).not.toHaveProperty('dpop')
    const reported = JSON.stringify([requests[0]?.headers, [...(requests[0]?.body ?? [])]])
    expect(reported).not.toContain(proof?.jti)
    expect(reported).not.toContain('eyJ')
  })

  it('an introspection JWT is not accepted as an access token and not introspected (RFC 9701 §8.1)', async () => {
    const { verdict, issuer, client, requests } = await createIntrospectionWorld()
    const token = await issuer.issue({ jkt: client.jkt, header: { typ: 'token-introspection+jwt' } })
    expect(await verdict(token)).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(requests).toEqual([])
  })

  it('a JWT in a non-canonical encoding is rejected and not introspected (RFC 7515 §2)', async () => {
    const { verify, issue, requests } = await createIntrospectionWorld()
    const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
    const token = await issue()
    const alias = token.slice(0, -1) + alphabet[alphabet.indexOf(token.at(-1) as string) ^ 1]
    const reported = { code: 'ERR_DPOP_TOKEN_INVALID', reason: 'the JWT is not canonically encoded' }
    for (const token of [alias, `${alias}=`]) expect(await eventOf(() => verify(token))).toEqual(reported)
    expect(requests).toEqual([])
  })

  it.each([false, 'true', 1, null, undefined, {}])('active must be true: %j is rejected', async (active) => {
    const { verdict, respondWith, client } = await createIntrospectionWorld()
    respondWith({ active, cnf: { jkt: client.jkt } })
    expect(await verdict()).toBe('ERR_DPOP_TOKEN_INVALID')
  })
})

describe('the members of an active response are validated (RFC 7662 §4, RFC 9449 §6.2)', () => {
  it('requiredMembers must be present, so that an active refresh token is rejected (RFC 7662 §2.2)', async () => {
    for (const [members, expected] of [
      [{}, 'ERR_DPOP_TOKEN_INVALID'],
      [{ aud: BASE_URL }, 'ERR_DPOP_TOKEN_INVALID'],
      [{ token_type: 'DPoP' }, 'ERR_DPOP_TOKEN_INVALID'],
      [{ aud: BASE_URL, token_type: 'DPoP' }, 'accepted']
    ] as const) {
      const { verdict, respondWith, client } = await createIntrospectionWorld({ requiredMembers: ['aud', 'token_type'] })
      respondWith({ active: true, cnf: { jkt: client.jkt }, ...members })
      expect(await verdict()).toBe(expected)
    }
  })

  it.each<[Record<string, unknown>, string]>([
    [{ aud: BASE_URL }, 'accepted'],
    [{ aud: ['x', BASE_URL] }, 'accepted'],
    [{ aud: 'x' }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ aud: [] }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ aud: null }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ iss: 'https://evil.example' }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ exp: NOW + 1 }, 'accepted'],
    [{ exp: NOW - 5 }, 'ERR_DPOP_TOKEN_EXPIRED'],
    [{ exp: String(NOW + 60) }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ exp: null }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ nbf: NOW + 5 }, 'accepted'],
    [{ nbf: NOW + 6 }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ nbf: 'x' }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ token_type: 'dpop' }, 'accepted'],
    [{ token_type: 'Bearer' }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ token_type: 7 }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ token_type: 'DPoP', cnf: undefined }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ token_type: 'DPoP', cnf: null }, 'ERR_DPOP_TOKEN_INVALID'],
    [{ token_type: 'Bearer', cnf: undefined }, 'ERR_DPOP_TOKEN_UNBOUND'],
    [{ cnf: undefined }, 'ERR_DPOP_TOKEN_UNBOUND'],
    [{ cnf: { jkt: 'x' } }, 'ERR_DPOP_TOKEN_BINDING'],
    [{ cnf: 'x' }, 'ERR_DPOP_TOKEN_BINDING']
  ])('%j: %s', async (members, expected) => {
    const { verdict, respondWith, client } = await createIntrospectionWorld()
    respondWith({ active: true, cnf: { jkt: client.jkt }, ...members })
    expect(await verdict()).toBe(expected)
  })

  it('the binding is compared with the key of the proof', async () => {
    const { verdict, respondWith } = await createIntrospectionWorld()
    const attacker = await createTestClient()
    respondWith({ active: true, cnf: { jkt: attacker.jkt } })
    expect(await verdict()).toBe('ERR_DPOP_TOKEN_BINDING')
  })
})

describe('a response is cached for maxCacheSeconds', () => {
  it('of thirty seconds by default', async () => {
    for (const [maxCacheSeconds, expected] of [
      [undefined, 30],
      [5, 5]
    ] as const) {
      const { clock, verdict, respondWith, requests } = await createIntrospectionWorld(
        maxCacheSeconds === undefined ? {} : { maxCacheSeconds }
      )
      expect(await verdict()).toBe('accepted')
      respondWith({ active: false })
      clock.advance(expected - 0.001)
      expect(await verdict()).toBe('accepted')
      clock.advance(0.001)
      expect(await verdict()).toBe('ERR_DPOP_TOKEN_INVALID')
      expect(requests).toHaveLength(2)
    }
  })

  it('of 0 disables the cache', async () => {
    const { verdict, respondWith } = await createIntrospectionWorld({ maxCacheSeconds: 0 })
    expect(await verdict()).toBe('accepted')
    respondWith({ active: false })
    expect(await verdict()).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('but not after exp', async () => {
    const { clock, verdict, respondWith, client, requests } = await createIntrospectionWorld({ maxCacheSeconds: 3600 })
    respondWith({ active: true, cnf: { jkt: client.jkt }, exp: NOW + 10 })
    expect(await verdict()).toBe('accepted')
    clock.advance(9.999)
    expect(await verdict()).toBe('accepted')
    expect(requests).toHaveLength(1)
    clock.advance(0.001)
    respondWith({ active: false })
    expect(await verdict()).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(requests).toHaveLength(2)
  })

  it('the response for an inactive token is cached too', async () => {
    const { verdict, respondWith, requests } = await createIntrospectionWorld()
    respondWith({ active: false })
    for (let i = 0; i < 3; i++) expect(await verdict()).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(requests).toHaveLength(1)
  })

  it('fifty concurrent requests with one token share one introspection request', async () => {
    const { verdict, requests } = await createIntrospectionWorld()
    expect(new Set(await Promise.all(Array.from({ length: 50 }, () => verdict())))).toEqual(new Set(['accepted']))
    expect(requests).toHaveLength(1)
  })
})

it('a request with a cached token still requires a valid proof (RFC 9449 §7.1)', async () => {
  const { verifier, client, verdict, requests } = await createIntrospectionWorld()
  expect(await verdict()).toBe('accepted')
  const url = `${BASE_URL}/`
  const attacker = await createTestClient({ clock: () => NOW_MS })
  for (const [headers, expected] of [
    [await client.headers({ url, token: 'opaque', claims: { htm: 'PUT' } }), 'ERR_DPOP_PROOF_HTM'],
    [await client.headers({ url, token: 'opaque', claims: { ath: 'x' } }), 'ERR_DPOP_PROOF_ATH'],
    [await attacker.headers({ url, token: 'opaque' }), 'ERR_DPOP_TOKEN_BINDING'],
    [{ Authorization: 'DPoP opaque' }, 'ERR_DPOP_PROOF_MISSING']
  ] as const)
    expect(await verdictOf(verifier.verifyRequest({ method: 'GET', target: '/', headers }))).toBe(expected)
  expect(requests).toHaveLength(1)
})

describe('introspection requests are authenticated (RFC 7662 §2.1)', () => {
  it('client_secret_basic, both parts form-encoded (RFC 6749 §2.3.1)', async () => {
    const { verdict, requests } = await createIntrospectionWorld({ clientId: 'a:b c', clientSecret: 'é%+' })
    await verdict()
    const [, credentials] = String(requests[0]?.headers.authorization).split(' ')
    expect(Buffer.from(credentials as string, 'base64').toString()).toBe('a%3Ab+c:%C3%A9%25%2B')
    expect(requests[0]?.body.has('client_secret')).toBe(false)
  })

  it('client_secret_post', async () => {
    const { verdict, requests } = await createIntrospectionWorld({ authMethod: 'client_secret_post' })
    await verdict()
    expect(requests[0]?.headers.authorization).toBeUndefined()
    expect(Object.fromEntries(requests[0]?.body ?? [])).toMatchObject({ client_id: 'api', client_secret: 's3cret' })
  })

  it.each([undefined, 'key-1'])('private_key_jwt (RFC 7523 §3), kid %j', async (kid) => {
    const { privateKey, publicKey } = await generateKeyPair('ES256', { extractable: true })
    const jwk = { ...(await exportJWK(privateKey)), alg: 'ES256', ...(kid !== undefined && { kid }) }
    const { verdict, requests, server, clock } = await createIntrospectionWorld({ privateKey: jwk })
    expect(await verdict()).toBe('accepted')
    const body = requests[0]?.body as URLSearchParams
    expect(body.get('client_id')).toBe('api')
    expect(body.get('client_assertion_type')).toBe('urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    const keys = createLocalJWKSet({ keys: [(await exportJWK(publicKey)) as JWK] })
    const { payload, protectedHeader } = await jwtVerify(
      body.get('client_assertion') as string,
      kid === undefined ? keys : publicKey,
      {
        currentDate: new Date(clock())
      }
    )
    expect(payload).toEqual({ iss: 'api', sub: 'api', aud: server.origin, jti: expect.any(String), iat: NOW, exp: NOW + 60 })
    expect(protectedHeader.kid).toBe(kid)
  })
})

describe('signed responses (RFC 9701 §5)', () => {
  async function createSignedWorld() {
    const world = await createIntrospectionWorld({ signedResponse: true })
    const { issuer, client } = world
    /** A response signed like a token, with the given changes. */
    const signed = async (claims: Record<string, unknown> = {}, header: Record<string, unknown> = {}, by = issuer) =>
      await by.issue({
        claims: { aud: 'api', token_introspection: { active: true, cnf: { jkt: client.jkt } }, ...claims },
        header: { typ: 'token-introspection+jwt', ...header }
      })
    return { ...world, signed }
  }

  it('are requested, and their claim is used', async () => {
    const { verdict, respondWith, signed, requests } = await createSignedWorld()
    respondWith(await signed())
    expect(await verdict()).toBe('accepted')
    expect(requests[0]?.headers.accept).toBe('application/token-introspection+jwt')
  })

  it('members outside the signed claim are ignored', async () => {
    const { verdict, respondWith, signed, client } = await createSignedWorld()
    respondWith(await signed({ token_introspection: { active: false }, active: true, cnf: { jkt: client.jkt } }))
    expect(await verdict()).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  const invalid = 'The introspection response is invalid'
  const shape = 'The introspection response is not an object'
  it.each<[string, Record<string, unknown>, Record<string, unknown>, message: unknown]>([
    ['for another audience', { aud: 'other' }, {}, expect.stringContaining(`${invalid}: aud is "other"`)],
    ['without aud', { aud: undefined }, {}, `${invalid}: aud is missing`],
    [
      'of another issuer',
      { iss: 'https://evil.example' },
      {},
      expect.stringContaining(`${invalid}: iss is "https://evil.example"`)
    ],
    ['without iss', { iss: undefined }, {}, `${invalid}: iss is missing`],
    ['of another type', {}, { typ: 'at+jwt' }, 'The introspection response is not a signed JWT'],
    ['that are old', { iat: NOW - 306 }, {}, `${invalid}: iat is not recent`],
    ['from the future', { iat: NOW + 6 }, {}, `${invalid}: iat is not recent`],
    ['without iat', { iat: undefined }, {}, `${invalid}: iat is missing`],
    ['without the claim', { token_introspection: undefined }, {}, shape],
    ['with a claim that is null', { token_introspection: null }, {}, shape],
    ['with a claim that is a list', { token_introspection: [] }, {}, shape],
    ['with a claim that is a string', { token_introspection: 'x' }, {}, shape],
    ['that have expired', { exp: NOW - 5 }, {}, `${invalid}: exp is 5 seconds in the past, the clock tolerance is 5`],
    [
      'of an unknown key',
      {},
      { kid: 'unknown' },
      expect.stringContaining('The introspection response is not signed by the issuer: kid is')
    ]
  ])('%s result in 503 with a diagnostics event', async (_title, claims, header, message) => {
    const { verify, respondWith, signed } = await createSignedWorld()
    respondWith(await signed(claims, header))
    const cause = expect.objectContaining({ message })
    expect(await eventOf(verify)).toEqual({ code: 'ERR_DPOP_INTROSPECTION_UNAVAILABLE', cause })
  })

  it.each([NOW - 305, NOW + 5])('are accepted for five minutes with a clock tolerance of five seconds: iat %i', async (iat) => {
    const { verdict, respondWith, signed } = await createSignedWorld()
    respondWith(await signed({ iat }))
    expect(await verdict()).toBe('accepted')
  })

  it('unsigned responses and those signed by another key are rejected', async () => {
    const { verdict, verify, respondWith, signed, server, clock, client } = await createSignedWorld()
    respondWith({ active: true, cnf: { jkt: client.jkt } })
    const cause = new Error('The introspection response is not a signed JWT')
    expect(await eventOf(() => verify('one'))).toEqual({ code: 'ERR_DPOP_INTROSPECTION_UNAVAILABLE', cause })
    const rogue = await createTestIssuer({ issuer: server.origin, clock, alg: 'ES256' })
    respondWith(await signed({}, {}, rogue))
    expect(await verdict('two')).toBe('ERR_DPOP_INTROSPECTION_UNAVAILABLE')
  })

  it('of a new key are verified with refreshed keys', async () => {
    const { verdict, respondWith, signed, server, clock } = await createSignedWorld()
    respondWith(await signed())
    expect(await verdict('one')).toBe('accepted')
    const rotated = await createTestIssuer({ issuer: server.origin, clock, alg: 'ES256' })
    server.responses['/keys'] = rotated.jwks
    respondWith(await signed({}, {}, rotated))
    expect(await verdict('two')).toBe('accepted')
  })
})

describe("tokens: 'all' introspects JWTs as well, after local verification", () => {
  it('revocation is detected when the cached response expires', async () => {
    const { clock, verdict, verify, respondWith, issue, requests } = await createIntrospectionWorld({ tokens: 'all' })
    const token = await issue()
    expect([await verdict(token), await verdict(token)]).toEqual(['accepted', 'accepted'])
    expect(requests).toHaveLength(1)
    respondWith({ active: false })
    clock.advance(30)
    const reported = { code: 'ERR_DPOP_TOKEN_INVALID', reason: 'the access token is not active' }
    expect(await eventOf(() => verify(token))).toEqual(reported)
  })

  it('revocation is also detected if other issuers have no introspection', async () => {
    const [all, other] = [await createIntrospectionWorld({ tokens: 'all' }), await createIntrospectionWorld()]
    const issuer = [other.options.issuer, all.options.issuer] as IssuerOptions[]
    const verifier = createVerifier({ ...all.options, issuer })
    const token = await all.issue()
    expect(await all.verdict(token, verifier)).toBe('accepted')
    all.respondWith({ active: false })
    all.clock.advance(30)
    expect(await all.verdict(token, verifier)).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('an invalid JWT is not introspected', async () => {
    const { verdict, issue, requests } = await createIntrospectionWorld({ tokens: 'all' })
    expect(await verdict(await issue({ aud: 'x' }))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(requests).toEqual([])
  })

  it('a response with another cnf.jkt rejects the token; one without cnf does not', async () => {
    const { clock, verdict, verify, respondWith, issue } = await createIntrospectionWorld({ tokens: 'all' })
    const attacker = await createTestClient()
    respondWith({ active: true })
    expect(await verdict(await issue())).toBe('accepted')
    respondWith({ active: true, cnf: { jkt: attacker.jkt } })
    clock.advance(30)
    const token = await issue()
    const reported = { code: 'ERR_DPOP_TOKEN_BINDING', reason: 'the introspection response has another cnf.jkt' }
    expect(await eventOf(() => verify(token))).toEqual(reported)
  })

  it('half of the concurrency limit is reserved for JWTs that have been verified (RFC 7662 §4)', async () => {
    const world = await createIntrospectionWorld({ tokens: 'all', maxConcurrentRequests: 2 })
    let respond = () => {}
    world.state.raw = (response) => {
      respond = () => void response.end('{"active":false}')
      world.state.raw = undefined
    }
    const unknown = world.verdict('unknown')
    while (world.requests.length === 0) await new Promise((resolve) => setImmediate(resolve))
    expect(await world.verdict(await world.issue())).toBe('accepted')
    respond()
    expect(await unknown).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it("'opaque' does not introspect a JWT", async () => {
    const { verdict, issue, requests } = await createIntrospectionWorld()
    expect(await verdict(await issue())).toBe('accepted')
    expect(requests).toEqual([])
  })
})

describe('ready()', () => {
  it('fetches metadata and keys, which the first request then does not', async () => {
    const { verifier, server, verdict, issue } = await createIntrospectionWorld()
    await verifier.ready()
    expect(new Set(server.requested)).toEqual(new Set([METADATA, '/keys']))
    const count = server.requested.length
    expect(await verdict(await issue())).toBe('accepted')
    expect(server.requested).toHaveLength(count)
  })

  it('requires keys unless the issuer has introspection', async () => {
    const { verifier, options, server } = await createIntrospectionWorld()
    delete server.responses['/keys']
    await verifier.ready()
    expect(await verdictOf(createVerifier({ ...options, issuer: server.origin }).ready())).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
  })

  it('requires keys if introspection responses are signed', async () => {
    const { verifier, server, clock } = await createIntrospectionWorld({ signedResponse: true })
    const keys = server.responses['/keys'] as object
    delete server.responses['/keys']
    expect(await verdictOf(verifier.ready())).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    server.responses['/keys'] = keys
    clock.advance(1)
    expect(await verdictOf(verifier.ready())).toBe('accepted')
  })

  it('rejects if the private key cannot sign', async () => {
    const { verifier } = await createIntrospectionWorld({ privateKey: { kty: 'EC', crv: 'P-256', alg: 'ES256', d: 'x' } })
    expect(await verdictOf(verifier.ready())).toBe('ERR_DPOP_INTROSPECTION_UNAVAILABLE')
  })

  it('rejects if the endpoint is not found', async () => {
    const { verifier, server } = await createIntrospectionWorld()
    delete server.responses[METADATA]
    expect(await verdictOf(verifier.ready())).toBe('ERR_DPOP_INTROSPECTION_UNAVAILABLE')
  })
})
