import { channel, tracingChannel } from 'node:diagnostics_channel'
import { createVerifier, type PlainRequest, type RefusedEvent, ReplayQuotaError, type VerifyMessage } from 'dpop-guard'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { createIntrospectionWorld } from './support/introspection-world.js'
import { startIssuerServer } from './support/issuer-server.js'
import { BASE_URL, createWorld, ISSUER, verdictOf, type World } from './support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

const outcomes = ['verified', 'refused', 'unavailable', 'misconfigured']
const subscriptions: (() => void)[] = []
afterEach(() => {
  for (const unsubscribe of subscriptions.splice(0)) unsubscribe()
  vi.unstubAllGlobals()
})

/** The events that are published on these channels from now on. */
function listen(...suffixes: string[]): [name: string, event: unknown][] {
  const events: [string, unknown][] = []
  for (const suffix of suffixes.length > 0 ? suffixes : outcomes) {
    const name = `dpop-guard:${suffix}`
    const listener = (event: unknown) => events.push([name, event])
    channel(name).subscribe(listener)
    subscriptions.push(() => channel(name).unsubscribe(listener))
  }
  return events
}

describe('the diagnostics channels', () => {
  it('verified: scheme, issuer and key thumbprint', async () => {
    const events = listen()
    const verifier = createVerifier({ ...world.options, allowBearer: true })
    await verifier.verifyRequest(await world.request())
    const token = await world.issuer.issue()
    await verifier.verifyRequest({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } })
    expect(events).toEqual([
      ['dpop-guard:verified', { scheme: 'DPoP', issuer: ISSUER, jkt: world.client.jkt, method: 'GET' }],
      ['dpop-guard:verified', { scheme: 'Bearer', issuer: ISSUER, jkt: undefined, method: 'GET' }]
    ])
  })

  it('refused: the expected and received htu, the clock skew, or the reason of the rejection', async () => {
    const events = listen()
    const verifier = createVerifier(world.options)
    const verify = (request: PlainRequest) => verifier.verifyRequest(request)
    await verdictOf(verify(await world.request({ claims: { htu: 'http://localhost:3000/notes?access_token=a\n#b' } })))
    await verdictOf(verify(await world.request({ claims: { iat: world.clock() / 1000 - 301 } })))
    await verdictOf(verify(await world.request({ claims: { iat: world.clock() / 1000 - 60, exp: world.clock() / 1000 - 30 } })))
    await verdictOf(verify(await world.request({ tokenSpec: { claims: { aud: 'https://other.example' } } })))
    await verdictOf(verify(await world.request({ method: 'PUT', claims: { htm: 'GET' } })))
    expect(events).toEqual([
      [
        'dpop-guard:refused',
        {
          method: 'GET',
          code: 'ERR_DPOP_PROOF_HTU',
          detail: { expectedHtu: [`${BASE_URL}/notes`], receivedHtu: 'http://localhost:3000/notes' }
        }
      ],
      ['dpop-guard:refused', { method: 'GET', code: 'ERR_DPOP_PROOF_IAT', detail: { skewSeconds: -301 } }],
      ['dpop-guard:refused', { method: 'GET', code: 'ERR_DPOP_PROOF_IAT', detail: { skewSeconds: -60 } }],
      [
        'dpop-guard:refused',
        {
          method: 'GET',
          code: 'ERR_DPOP_TOKEN_INVALID',
          detail: {
            reason: expect.stringMatching(
              /^aud is "https:\/\/other\.example", expected one of \["https:\/\/api\.example"\]; the option audience/
            )
          }
        }
      ],
      [
        'dpop-guard:refused',
        { method: 'PUT', code: 'ERR_DPOP_PROOF_HTM', detail: { reason: 'htm is "GET", the method is "PUT"' } }
      ]
    ])
  })

  it('refused: the expected and received algorithm, proof claims, expiry and scopes', async () => {
    const events = listen()
    const verifier = createVerifier(world.options)
    const expired = { claims: { exp: world.clock() / 1000 - 60, iat: world.clock() / 1000 - 120 } }
    const strict = createVerifier({ ...world.options, proof: { algorithms: ['PS256'] } })
    await verdictOf(strict.verifyRequest(await world.request()))
    await verdictOf(verifier.verifyRequest(await world.request({ claims: { jti: 5 } })))
    await verdictOf(verifier.verifyRequest(await world.request({ claims: { htm: undefined } })))
    await verdictOf(verifier.verifyRequest(await world.request({ tokenSpec: expired })))
    await verdictOf(
      verifier.verifyRequest(await world.request({ tokenSpec: { scope: 'notes:read' } }), { scopes: ['admin'], route: '/notes' })
    )
    const rejections = events.map(([, event]) => event as RefusedEvent)
    expect(rejections.map(({ code, detail, route }) => [code, detail['reason'], route])).toEqual([
      ['ERR_DPOP_PROOF_ALG', 'alg is "ES256", proof.algorithms are PS256', undefined],
      ['ERR_DPOP_PROOF_CLAIMS', 'jti is a number, expected a string of 1 to 256 characters', undefined],
      ['ERR_DPOP_PROOF_CLAIMS', 'htm is missing, expected a string', undefined],
      ['ERR_DPOP_TOKEN_EXPIRED', 'exp is 60 seconds in the past, the clock tolerance is 5', undefined],
      ['ERR_DPOP_SCOPE_INSUFFICIENT', 'scopes are ["notes:read"], required are all of ["admin"]', '/notes']
    ])
  })

  it('unavailable: the code and the cause', async () => {
    const events = listen()
    const cause = new Error('ECONNREFUSED')
    const replay = { reserve: () => Promise.reject(cause) }
    await verdictOf(createVerifier({ ...world.options, replay }).verifyRequest(await world.request()))
    expect(events).toEqual([['dpop-guard:unavailable', { method: 'GET', code: 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE', cause }]])
  })

  it('misconfigured: options that are valid but likely a mistake', () => {
    const events = listen()
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    createVerifier({ ...world.options, instances: 2 })
    emitWarning.mockRestore()
    const event = { code: 'DPOP_GUARD_LONE_MEMORY', message: expect.any(String) }
    expect(events).toEqual([['dpop-guard:misconfigured', event]])
  })

  it('no event contains a token, a proof, one of their segments, or a nonce (RFC 6750 §5.2)', async () => {
    const events = listen()
    const verifier = createVerifier(world.options)
    const requests = await Promise.all([
      world.request(),
      world.request({ nonce: 'the-nonce', claims: { htu: 'https://evil.example/' } }),
      world.request({ claims: { iat: 1 }, nonce: 'the-nonce' }),
      world.request({ claims: { ath: 'x' } }),
      world.request({ client: world.attacker, tokenSpec: { jkt: world.client.jkt } }),
      world.request({ tokenSpec: { claims: { iss: 'https://evil.example' } } }),
      world.request({ tokenSpec: { header: { kid: 'other' } } }),
      world.request({ tokenSpec: { expiresInSeconds: -100 } })
    ])
    const secrets = ['the-nonce']
    for (const request of requests) {
      await verdictOf(verifier.verifyRequest(request))
      const { Authorization, DPoP } = request.headers as Record<string, string>
      for (const jws of [Authorization, DPoP]) secrets.push(...(jws as string).replace('DPoP ', '').split('.'))
    }
    expect(events).toHaveLength(requests.length)
    const reported = JSON.stringify(events)
    for (const secret of secrets) expect(reported).not.toContain(secret)
  })
})

describe('the events during a verification', () => {
  const duration = { durationMs: expect.any(Number) }
  const secrets = [new Uint8Array(32)]

  it('nonce-issued: on rejected and accepted requests, and for nonceHeaders()', async () => {
    const events = listen('nonce-issued')
    const verifier = createVerifier({ ...world.options, nonce: { secrets, onEveryResponse: true } })
    const nonce = (await verifier.nonceHeaders())['DPoP-Nonce'] as string
    await verdictOf(verifier.verifyRequest(await world.request()))
    await verdictOf(verifier.verifyRequest(await world.request({ nonce })))
    expect(events.map(([, event]) => event)).toEqual([{ response: 'other' }, { response: 'rejected' }, { response: 'accepted' }])
  })

  it('nonce-issued: nothing while nonces are disabled', async () => {
    const events = listen('nonce-issued')
    const verifier = createVerifier(world.options)
    await verifier.nonceHeaders()
    await verdictOf(verifier.verifyRequest(await world.request()))
    await verdictOf(verifier.verifyRequest(await world.request({ method: 'PUT', claims: { htm: 'GET' } })))
    expect(events).toEqual([])
  })

  it('keys-refreshed: the issuer, the number of keys, and whether the document differs', async () => {
    const events = listen('keys-refreshed')
    const { clock } = world
    const { origin: issuer } = await startIssuerServer((origin) => ({
      '/.well-known/oauth-authorization-server': { issuer: origin, jwks_uri: `${origin}/keys` },
      '/keys': world.issuer.jwks
    }))
    const verifier = createVerifier({ issuer, baseUrl: BASE_URL, clock, staleIfErrorSeconds: 0 })
    await verifier.ready()
    clock.advance(11 * 60)
    await verifier.ready()
    clock.advance(-11 * 60)
    expect(events.map(([, event]) => event)).toEqual([
      { issuer, keyCount: 1, isChanged: true, ...duration },
      { issuer, keyCount: 1, isChanged: false, ...duration }
    ])
  })

  it.each(['synchronous', 'asynchronous'])('replay-reserved: the outcome of each call of a(n) %s store', async (kind) => {
    const events = listen('replay-reserved')
    const results = [true, false, new ReplayQuotaError(1), new Error('down')]
    const next = () => {
      const result = results.shift()
      if (result instanceof Error) throw result
      return result as boolean
    }
    const replay = { reserve: kind === 'synchronous' ? next : async () => next() }
    const verifier = createVerifier({ ...world.options, replay })
    const verdicts = []
    for (let i = 0; i < 4; i++) verdicts.push(await verdictOf(verifier.verifyRequest(await world.request())))
    expect(verdicts).toEqual([
      'accepted',
      'ERR_DPOP_PROOF_REPLAYED',
      'ERR_DPOP_QUOTA_EXCEEDED',
      'ERR_DPOP_REPLAY_STORE_UNAVAILABLE'
    ])
    expect(events.map(([, event]) => event)).toEqual([
      { outcome: 'first-use', ...duration },
      { outcome: 'replay', ...duration },
      { outcome: 'quota-exceeded', ...duration },
      { outcome: 'unavailable', ...duration }
    ])
  })
})

describe('introspected: the outcome of each introspection request', () => {
  it('active, inactive and unavailable; a cached response is not counted', async () => {
    const { respondWith, verdict, state, server } = await createIntrospectionWorld()
    const events = listen('introspected')
    await verdict('one')
    await verdict('one')
    respondWith({ active: false })
    await verdict('two')
    state.status = 500
    await verdict('three')
    const event = (outcome: string) => [
      'dpop-guard:introspected',
      { issuer: server.origin, outcome, durationMs: expect.any(Number) }
    ]
    expect(events).toEqual([event('active'), event('inactive'), event('unavailable')])
  })
})

describe('the tracing channel dpop-guard:verify', () => {
  /** The messages of one sub-channel, as they were when they were published. */
  function trace(event: 'start' | 'asyncEnd' | 'error'): VerifyMessage[] {
    const messages: VerifyMessage[] = []
    const listener = (message: unknown) => messages.push({ ...(message as VerifyMessage) })
    const traced = tracingChannel('dpop-guard:verify')[event]
    traced.subscribe(listener)
    subscriptions.push(() => traced.unsubscribe(listener))
    return messages
  }

  it('publishes start and end of each verification, with its result and what was cached', async () => {
    const [started, ended, failed] = [trace('start'), trace('asyncEnd'), trace('error')]
    const verifier = createVerifier(world.options)
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    await verifier.verifyRequest(await world.request({ token }))
    await verifier.verifyRequest(await world.request({ token }))
    const unknown = { scheme: undefined, isTokenCached: undefined, isProofKeyCached: undefined }
    expect(started).toEqual([unknown, unknown])
    const result = { scheme: 'DPoP', issuer: ISSUER, jkt: world.client.jkt, method: 'GET' }
    expect(ended).toEqual([
      { method: 'GET', scheme: 'DPoP', isTokenCached: false, isProofKeyCached: false, result },
      { method: 'GET', scheme: 'DPoP', isTokenCached: true, isProofKeyCached: true, result }
    ])
    expect(failed).toEqual([])
  })

  it('publishes the error of a rejected request and of an outage', async () => {
    const [failed, ended] = [trace('error'), trace('asyncEnd')]
    const replay = { reserve: () => Promise.reject(new Error('down')) }
    const verifier = createVerifier({ ...world.options, replay })
    const thrown = [
      await verifier.verifyRequest(await world.request({ method: 'PUT', claims: { htm: 'GET' } })).catch((error) => error),
      await verifier.verifyRequest(await world.request()).catch((error) => error),
      await verifier.verifyRequest({ method: 'GET', target: '/', headers: {} }).catch((error) => error)
    ]
    expect(thrown.map(({ code }) => code)).toEqual([
      'ERR_DPOP_PROOF_HTM',
      'ERR_DPOP_REPLAY_STORE_UNAVAILABLE',
      'ERR_DPOP_CREDENTIALS_MISSING'
    ])
    expect(failed.map(({ error }) => error)).toEqual(thrown)
    expect(ended.map(({ scheme }) => scheme)).toEqual(['DPoP', 'DPoP', undefined])
  })

  it('has the route of the call, as have the events', async () => {
    const ended = trace('asyncEnd')
    const events = listen()
    const verifier = createVerifier(world.options)
    const auth = await verifier.verifyRequest(await world.request(), { route: '/notes/:id' })
    await verifier.verifyRequest({ method: 'POST', target: '/', headers: {} }, { route: '/notes' }).catch(() => {})
    await verifier.requirePolicy(auth, { scopes: ['a'], route: '/notes/:id' }, {} as PlainRequest).catch(() => {})
    expect(ended.map(({ method, route }) => [method, route])).toEqual([
      ['GET', '/notes/:id'],
      ['POST', '/notes']
    ])
    expect(events.map(([name, event]) => [name, event])).toMatchObject([
      ['dpop-guard:verified', { method: 'GET', route: '/notes/:id' }],
      ['dpop-guard:refused', { method: 'POST', route: '/notes' }],
      ['dpop-guard:refused', { method: 'GET', route: '/notes/:id' }]
    ])
  })

  it('has no result for an anonymous request', async () => {
    const ended = trace('asyncEnd')
    const verifier = createVerifier({ ...world.options, optional: true })
    expect(await verifier.verifyRequest({ method: 'GET', target: '/', headers: {} })).toBeUndefined()
    expect(ended).toEqual([
      { method: 'GET', scheme: undefined, isTokenCached: undefined, isProofKeyCached: undefined, result: undefined }
    ])
  })

  it('no message has a token, a proof, a claim or a nonce', async () => {
    const ended = trace('asyncEnd')
    const verifier = createVerifier(world.options)
    const request = await world.request({ nonce: 'the-nonce', tokenSpec: { claims: { sub: 'alice' } } })
    await verifier.verifyRequest(request)
    await verdictOf(verifier.verifyRequest(request))
    const { Authorization, DPoP } = request.headers as Record<string, string>
    const secrets = [Authorization, DPoP].flatMap((jws) => (jws as string).replace('DPoP ', '').split('.'))
    const published = JSON.stringify(ended)
    for (const secret of [...secrets, 'the-nonce', 'alice']) expect(published).not.toContain(secret)
    expect(ended).toHaveLength(2)
  })
})

it.each([
  ['diagnostics channels', undefined],
  ['tracing channels', { channel }]
])('a runtime without %s is supported', async (_missing, diagnosticsChannel) => {
  vi.doMock('../src/builtin-module.js', () => ({ builtinModule: () => diagnosticsChannel }))
  vi.resetModules()
  const telemetry = await import('../src/telemetry.js')
  vi.doUnmock('../src/builtin-module.js')
  expect(telemetry.refused.hasSubscribers).toBe(false)
  expect(telemetry.verify.hasSubscribers).toBe(false)
  expect(await telemetry.verify.tracePromise(async () => 'result', {} as VerifyMessage)).toBe('result')
  expect(() =>
    telemetry.refused.publish({ code: 'ERR_DPOP_PROOF_HTM', detail: {}, method: 'GET', route: undefined })
  ).not.toThrow()
})
