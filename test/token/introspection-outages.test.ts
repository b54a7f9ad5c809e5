/** Opaque tokens while the issuer is unavailable or forged tokens of an attacker. */

import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { createVerifier, type Fetch, type IntrospectionOptions, type IssuerOptions } from 'dpop-guard'
import { describe, expect, it } from 'vitest'
import { resolveOptions } from '../../src/config/config.js'
import { Issuers } from '../../src/token/issuers.js'
import { createIntrospectionWorld, METADATA } from '../support/introspection-world.js'
import { holdTimeouts } from '../support/timeouts.js'
import { eventOf, NOW_MS } from '../support/world.js'

const OUTAGE = 'ERR_DPOP_INTROSPECTION_UNAVAILABLE'
const INVALID = 'ERR_DPOP_TOKEN_INVALID'
const names = (count: number, name = 'unknown') => Array.from({ length: count }, (_, i) => `${name}-${i}`)

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000 && !isSo(); turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(isSo()).toBe(true)
}

/** A world whose endpoint sends valid responses, signed (RFC 9701) if requested. */
async function createRespondingWorld(introspection: Partial<IntrospectionOptions> = {}) {
  const world = await createIntrospectionWorld(introspection)
  const { issuer, client, respondWith } = world
  const members = { active: true, cnf: { jkt: client.jkt } }
  const claims = { aud: 'api', token_introspection: members }
  const sign = () => issuer.issue({ claims, header: { typ: 'token-introspection+jwt' } })
  respondWith(introspection.signedResponse ? await sign() : JSON.stringify(members))
  return world
}

/** A world whose endpoint holds all requests until the test releases them. */
async function createHangingWorld(introspection: Partial<IntrospectionOptions> = {}) {
  const world = await createIntrospectionWorld(introspection)
  const waiting: ServerResponse[] = []
  const hang = () => {
    world.state.raw = (response) => void waiting.push(response)
  }
  const release = (body: object) => {
    world.state.raw = undefined
    for (const response of waiting.splice(0)) response.end(JSON.stringify(body))
  }
  return { ...world, waiting, hang, release }
}

describe.each<[string, Partial<IntrospectionOptions>]>([
  ['plain responses', {}],
  ['signed responses (RFC 9701)', { signedResponse: true }]
])('%s: an unavailable endpoint results in 503 and is used again when it recovers', (_name, options) => {
  it.each<[string, { body?: unknown; status?: number; raw?: (response: ServerResponse) => void }]>([
    ['400', { status: 400 }],
    ['401', { status: 401 }],
    ['500', { status: 500 }],
    ['204', { status: 204, raw: (response) => response.writeHead(204).end() }],
    ['an empty body', { body: '' }],
    ['HTML', { body: '<p>' }],
    ['null', { body: 'null' }],
    ['a list', { body: '[]' }],
    ['a string', { body: '"x"' }],
    ['a truncated response', { body: '{"active":true' }],
    ['three segments that are not a JWT', { body: 'a.b.c' }],
    ['bytes that are not UTF-8', { raw: (response) => response.end(Buffer.from([0x7b, 0xff, 0x7d])) }],
    ['more than a megabyte', { body: `{"active":true,"x":"${'x'.repeat(1_048_576)}"}` }],
    ['a JWT of more than a megabyte', { body: `eyJ9.${'x'.repeat(1_048_576)}.x` }],
    ['a broken connection', { raw: (response) => response.destroy() }],
    ['a connection that closes during the body', { raw: (response) => response.write('{', () => response.destroy()) }],
    ['a redirect', { raw: (response) => response.writeHead(302, { location: '/introspect' }).end() }],
    ['a redirect that keeps the method', { raw: (response) => response.writeHead(307, { location: '/introspect' }).end() }]
  ])('%s', async (_title, broken) => {
    const { verdict, state, clock, requests } = await createRespondingWorld(options)
    const whole = { ...state }
    Object.assign(state, broken)
    expect(await verdict()).toBe(OUTAGE)
    expect(requests).toHaveLength(1)
    Object.assign(state, whole)
    clock.advance(1)
    expect(await verdict()).toBe('accepted')
  })

  it('reads at most one megabyte of a compressed response', async () => {
    const { verdict, state } = await createRespondingWorld(options)
    const body = Buffer.concat([Buffer.alloc(64 * 2 ** 20, ' '), Buffer.from(state.body as string)])
    const small = gzipSync(body)
    expect(small.length).toBeLessThan(2 ** 17)
    state.raw = (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(small)
    expect(await verdict()).toBe(OUTAGE)
  })

  it('stops waiting after five seconds if the endpoint does not respond or does not complete its response', async () => {
    const timeouts = holdTimeouts()
    const { verdict, state, clock, verifier } = await createRespondingWorld(options)
    await verifier.ready()
    let started = 0
    for (const raw of [() => started++, (response: ServerResponse) => response.write('{', () => started++)]) {
      const past = started
      state.raw = raw
      const waiting = verdict()
      await until(() => started > past)
      timeouts.elapse()
      expect(await waiting).toBe(OUTAGE)
      clock.advance(1)
    }
    expect(new Set(timeouts.given())).toEqual(new Set([5000]))
    state.raw = undefined
    expect(await verdict()).toBe('accepted')
  })

  it('stops waiting after five seconds if a custom fetch ignores its signal', async () => {
    const timeouts = holdTimeouts()
    const world = await createRespondingWorld(options)
    let fetchCount = 0
    const fetch: Fetch = (url, init) => {
      if (init.method !== 'POST') return globalThis.fetch(url, init)
      fetchCount++
      return new Promise(() => {})
    }
    const waiting = world.verdict('opaque', createVerifier({ ...world.options, fetch }))
    await until(() => fetchCount === 1)
    timeouts.elapse()
    expect(await waiting).toBe(OUTAGE)
  })
})

it('accepts a deeply nested response of up to one megabyte', async () => {
  const { verdict, respondWith, client } = await createIntrospectionWorld()
  const nested = '['.repeat(400_000) + ']'.repeat(400_000)
  respondWith(`{"active":true,"cnf":{"jkt":"${client.jkt}"},"x":${nested}}`)
  expect(await verdict()).toBe('accepted')
})

describe('the discovery of the endpoint', () => {
  it('results in 503 while the metadata has no endpoint', async () => {
    const { verdict, server, clock } = await createIntrospectionWorld()
    const metadata = server.responses[METADATA] as object
    server.responses[METADATA] = { ...metadata, introspection_endpoint: undefined }
    expect(await verdict()).toBe(OUTAGE)
    server.responses[METADATA] = metadata
    clock.advance(1)
    expect(await verdict()).toBe('accepted')
  })

  it.each([
    ['of another issuer', { issuer: 'https://evil.example' }],
    ['with an endpoint of another scheme', { introspection_endpoint: 'data:application/json,{"active":true}' }],
    ['with an endpoint that is relative', { introspection_endpoint: '/introspect' }]
  ])('results in 503 for metadata %s', async (_title, change) => {
    const { verdict, server, requests } = await createIntrospectionWorld()
    server.responses[METADATA] = { ...(server.responses[METADATA] as object), ...change }
    expect(await verdict()).toBe(OUTAGE)
    expect(requests).toEqual([])
  })

  it('is shared by concurrent requests, and is not repeated for one second after a failure', async () => {
    const { verdict, server, clock } = await createIntrospectionWorld()
    delete server.responses[METADATA]
    const all = async () => new Set(await Promise.all(names(40).map((token) => verdict(token))))
    expect(await all()).toEqual(new Set([OUTAGE]))
    expect(server.requested).toHaveLength(2)
    clock.advance(0.999)
    expect(await verdict('one-more')).toBe(OUTAGE)
    expect(server.requested).toHaveLength(2)
    clock.advance(0.001)
    expect(await verdict('and-one-more')).toBe(OUTAGE)
    expect(server.requested).toHaveLength(4)
  })

  it('is not used if the option endpoint is set, also after a failure', async () => {
    const { options, server, verdict, state, clock } = await createIntrospectionWorld()
    const endpoint = `${server.origin}/introspect`
    const issuer = { issuer: server.origin, introspection: { clientId: 'api', clientSecret: 's', endpoint } }
    const verifier = createVerifier({ ...options, issuer })
    expect(await verdict('opaque', verifier)).toBe('accepted')
    state.status = 500
    clock.advance(3600)
    for (const token of ['two', 'three', 'four']) expect(await verdict(token, verifier)).toBe(OUTAGE)
    expect(new Set(server.requested)).toEqual(new Set(['/introspect']))
  })

  it('is repeated after a failed request, at most twice per minute, so that an endpoint that has moved is found', async () => {
    const { verdict, server, clock, client } = await createIntrospectionWorld()
    expect(await verdict('one')).toBe('accepted')
    const metadataFetches = () => server.requested.filter((path) => path === METADATA).length
    expect(metadataFetches()).toBe(1)
    server.responses['/introspect'] = (response: ServerResponse) => response.writeHead(400).end()
    clock.advance(29.999)
    expect(await verdict('two')).toBe(OUTAGE)
    expect(metadataFetches()).toBe(1)
    clock.advance(0.001)
    expect(await verdict('three')).toBe(OUTAGE)
    await until(() => metadataFetches() === 2)
    const metadata = server.responses[METADATA] as object
    server.responses[METADATA] = { ...metadata, introspection_endpoint: `${server.origin}/moved` }
    server.responses['/moved'] = { active: true, cnf: { jkt: client.jkt } }
    clock.advance(30)
    expect(await verdict('four')).toBe(OUTAGE)
    await until(() => metadataFetches() === 3)
    await expect.poll(() => verdict(`five-${Math.random()}`)).toBe('accepted')
  })

  it('is not repeated while the endpoint responds', async () => {
    const { verdict, server, clock } = await createIntrospectionWorld()
    for (const token of ['one', 'two', 'three', 'four']) {
      expect(await verdict(token)).toBe('accepted')
      clock.advance(30)
    }
    expect(server.requested).toEqual([METADATA, '/introspect', '/introspect', '/introspect', '/introspect'])
  })

  it('keeps the known endpoint if the metadata is unavailable', async () => {
    const { verdict, server, clock, state } = await createIntrospectionWorld()
    expect(await verdict('one')).toBe('accepted')
    delete server.responses[METADATA]
    state.status = 400
    clock.advance(30)
    expect(await verdict('a-token-that-the-server-rejects')).toBe(OUTAGE)
    await until(() => server.requested.includes('/.well-known/openid-configuration'))
    state.status = 200
    expect(await verdict('two')).toBe('accepted')
  })
})

describe('a failure is cached for one second, for that token only', () => {
  it('an unavailable issuer does not receive an introspection request for each client request', async () => {
    const { verdict, state, requests, clock } = await createIntrospectionWorld()
    state.status = 500
    for (let i = 0; i < 5; i++) expect(await verdict()).toBe(OUTAGE)
    clock.advance(0.999)
    expect(await verdict()).toBe(OUTAGE)
    expect(requests).toHaveLength(1)
    state.status = 200
    expect(await verdict('other')).toBe('accepted')
    clock.advance(0.001)
    expect(await verdict()).toBe('accepted')
  })

  it('a cached response is used by a request whose time is before that of the response', async () => {
    const { verdict, requests, clock } = await createIntrospectionWorld()
    expect(await verdict()).toBe('accepted')
    clock.advance(-0.005)
    expect(await verdict()).toBe('accepted')
    expect(requests).toHaveLength(1)
  })

  it('a clock that was set back extends neither the cooldown nor the cached response', async () => {
    const { verdict, state, respondWith, requests, clock } = await createIntrospectionWorld()
    state.status = 500
    expect(await verdict()).toBe(OUTAGE)
    state.status = 200
    clock.set(NOW_MS - 3_600_000)
    expect(await verdict()).toBe('accepted')
    respondWith({ active: false })
    clock.set(NOW_MS - 7_200_000)
    expect(await verdict()).toBe(INVALID)
    expect(requests).toHaveLength(3)
  })
})

describe('the limit of concurrent introspection requests', () => {
  it('applies to unknown tokens: above it, the result is 503 without an introspection request', async () => {
    const { verdict, verify, verifier, hang, waiting, release, requests } = await createHangingWorld({
      maxConcurrentRequests: 8
    })
    await verifier.ready()
    hang()
    const pending = names(4).map((token) => verdict(token))
    await until(() => waiting.length === 4)
    const cause = new Error('The limit of concurrent introspection requests is reached')
    for (const token of names(20, 'more')) expect(await eventOf(() => verify(token))).toEqual({ code: OUTAGE, cause })
    expect(requests).toHaveLength(4)
    release({ active: false })
    expect(await Promise.all(pending)).toEqual([INVALID, INVALID, INVALID, INVALID])
    expect(await verdict('after')).toBe('accepted')
  })

  it('counts concurrent requests with one token once, and does not count cached tokens', async () => {
    const { verdict, client, hang, waiting, release } = await createHangingWorld({ maxConcurrentRequests: 2 })
    expect(await verdict('known')).toBe('accepted')
    hang()
    const copies = Array.from({ length: 20 }, () => verdict('same'))
    await until(() => waiting.length === 1)
    expect(await verdict('known')).toBe('accepted')
    release({ active: true, cnf: { jkt: client.jkt } })
    expect(new Set(await Promise.all(copies))).toEqual(new Set(['accepted']))
  })

  it('reserves half of its capacity for tokens that were active before, and also applies to these', async () => {
    const { verdict, client, clock, hang, waiting, release } = await createHangingWorld({ maxConcurrentRequests: 5 })
    for (const token of names(3, 'known')) expect(await verdict(token)).toBe('accepted')
    clock.advance(30)
    hang()
    const unknown = names(3).map((token) => verdict(token))
    await until(() => waiting.length === 3)
    expect(await verdict('one-more')).toBe(OUTAGE)
    const known = names(2, 'known').map((token) => verdict(token))
    await until(() => waiting.length === 5)
    expect(await verdict('known-2')).toBe(OUTAGE)
    release({ active: true, cnf: { jkt: client.jkt } })
    expect(new Set(await Promise.all([...unknown, ...known]))).toEqual(new Set(['accepted']))
  })

  it('keeps the reserved capacity of a token that was active while the endpoint is unavailable', async () => {
    const { verdict, state, clock, hang, waiting, release, client } = await createHangingWorld({ maxConcurrentRequests: 2 })
    expect(await verdict('known')).toBe('accepted')
    clock.advance(30)
    state.status = 500
    expect(await verdict('known')).toBe(OUTAGE)
    state.status = 200
    clock.advance(1)
    hang()
    const unknown = verdict('unknown')
    await until(() => waiting.length === 1)
    const known = verdict('known')
    await until(() => waiting.length === 2)
    release({ active: true, cnf: { jkt: client.jkt } })
    expect([await unknown, await known]).toEqual(['accepted', 'accepted'])
  })

  it('does not reserve capacity for a token that is no longer active', async () => {
    const { verdict, respondWith, clock, hang, waiting, release } = await createHangingWorld({ maxConcurrentRequests: 2 })
    expect(await verdict('revoked')).toBe('accepted')
    clock.advance(30)
    respondWith({ active: false })
    expect(await verdict('revoked')).toBe(INVALID)
    clock.advance(30)
    hang()
    const unknown = verdict('unknown')
    await until(() => waiting.length === 1)
    expect(await verdict('revoked')).toBe(OUTAGE)
    release({ active: false })
    expect(await unknown).toBe(INVALID)
  })

  it('ten thousand unknown tokens do not evict an active one from the cache', async () => {
    const { options } = await createIntrospectionWorld()
    const introspected: string[] = []
    const fetch: Fetch = async (_url, { body }) => {
      const token = new URLSearchParams(body).get('token') as string
      introspected.push(token)
      return Response.json({ active: token === 'active' })
    }
    const introspection = { clientId: 'api', clientSecret: 's3cret', endpoint: 'https://issuer.example/introspect' }
    const config = resolveOptions({ ...options, issuer: { issuer: 'https://issuer.example', introspection }, fetch })
    const [issuer] = new Issuers(config).configured
    const isActive = async (token: string) =>
      (await issuer?.introspection?.activeToken(token, token, NOW_MS, false)) !== undefined
    expect(await isActive('active')).toBe(true)
    for (const token of names(10_001)) expect(await isActive(token)).toBe(false)
    expect(await isActive('active')).toBe(true)
    expect(introspected.filter((token) => token === 'active')).toHaveLength(1)
  })
})

describe('of several issuers', () => {
  it('the issuer for which a token was active is queried first, so that an outage of another does not delay it', async () => {
    const [a, b] = [await createHangingWorld(), await createIntrospectionWorld()]
    const issuer = [a.options.issuer, b.options.issuer] as IssuerOptions[]
    const both = createVerifier({ ...a.options, issuer })
    a.respondWith({ active: false })
    b.respondWith({ active: true, cnf: { jkt: a.client.jkt } })
    expect((await a.verify('opaque', both)).issuer).toBe(b.server.origin)
    a.hang()
    for (let i = 0; i < 3; i++) {
      a.clock.advance(30)
      b.clock.advance(30)
      expect((await a.verify('opaque', both)).issuer).toBe(b.server.origin)
    }
    expect([a.requests.length, b.requests.length]).toEqual([1, 4])
  })

  it('a token that was not active anywhere is introspected at all available issuers in order', async () => {
    const [a, b] = [await createIntrospectionWorld(), await createIntrospectionWorld()]
    const issuer = ['https://jwt.example', a.options.issuer, b.options.issuer] as IssuerOptions[]
    b.respondWith({ active: true, cnf: { jkt: a.client.jkt } })
    expect((await a.verify('opaque', createVerifier({ ...a.options, issuer }))).issuer).toBe(a.server.origin)
    expect(b.requests).toEqual([])
  })
})
