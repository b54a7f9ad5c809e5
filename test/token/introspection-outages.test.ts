/** What an issuer that is out of order, and a stranger with tokens without end, can do to opaque tokens: little, and not for long. */

import type { ServerResponse } from 'node:http'
import { gzipSync } from 'node:zlib'
import { createVerifier, type Fetch, type IntrospectionOptions, type IssuerOptions } from 'dpop-guard'
import { describe, expect, it } from 'vitest'
import { resolveOptions } from '../../src/config/config.js'
import { Issuers } from '../../src/token/issuers.js'
import { createIntrospectionWorld, METADATA } from '../support/introspection-world.js'
import { holdTimeouts } from '../support/timeouts.js'
import { NOW_MS, toldOf } from '../support/world.js'

const OUTAGE = 'ERR_DPOP_INTROSPECTION_UNAVAILABLE'
const INVALID = 'ERR_DPOP_TOKEN_INVALID'
const names = (count: number, name = 'made-up') => Array.from({ length: count }, (_, i) => `${name}-${i}`)

async function until(isSo: () => boolean): Promise<void> {
  for (let turn = 0; turn < 100_000 && !isSo(); turn++) await new Promise((resolve) => setImmediate(resolve))
  expect(isSo()).toBe(true)
}

/** A world whose endpoint gives good answers, signed ones (RFC 9701) where they are asked for. */
async function createAnsweringWorld(introspection: Partial<IntrospectionOptions> = {}) {
  const world = await createIntrospectionWorld(introspection)
  const { issuer, client, says } = world
  const members = { active: true, cnf: { jkt: client.jkt } }
  const claims = { aud: 'api', token_introspection: members }
  const sign = () => issuer.issue({ claims, header: { typ: 'token-introspection+jwt' } })
  says(introspection.signedResponse ? await sign() : JSON.stringify(members))
  return world
}

/** A world whose endpoint keeps all who ask waiting, until a test lets them go. */
async function createHangingWorld(introspection: Partial<IntrospectionOptions> = {}) {
  const world = await createIntrospectionWorld(introspection)
  const waiting: ServerResponse[] = []
  const hang = () => {
    world.state.raw = (response) => void waiting.push(response)
  }
  const release = (answer: object) => {
    world.state.raw = undefined
    for (const response of waiting.splice(0)) response.end(JSON.stringify(answer))
  }
  return { ...world, waiting, hang, release }
}

describe.each<[string, Partial<IntrospectionOptions>]>([
  ['plain answers', {}],
  ['signed answers (RFC 9701)', { signedResponse: true }]
])(
  '%s: an endpoint that is out of order is 503, never the client’s fault, and found again when it recovers',
  (_name, options) => {
    it.each<[string, { answer?: unknown; status?: number; raw?: (response: ServerResponse) => void }]>([
      ['400', { status: 400 }],
      ['401', { status: 401 }],
      ['500', { status: 500 }],
      ['204', { status: 204, raw: (response) => response.writeHead(204).end() }],
      ['nothing', { answer: '' }],
      ['HTML', { answer: '<p>' }],
      ['null', { answer: 'null' }],
      ['a list', { answer: '[]' }],
      ['a string', { answer: '"x"' }],
      ['half of an answer', { answer: '{"active":true' }],
      ['three parts that are no JWT', { answer: 'a.b.c' }],
      ['bytes that are not UTF-8', { raw: (response) => response.end(Buffer.from([0x7b, 0xff, 0x7d])) }],
      ['more than a megabyte', { answer: `{"active":true,"x":"${'x'.repeat(1_048_576)}"}` }],
      ['a JWT of more than a megabyte', { answer: `eyJ9.${'x'.repeat(1_048_576)}.x` }],
      ['a broken connection', { raw: (response) => response.destroy() }],
      ['a connection that breaks in the middle', { raw: (response) => response.write('{', () => response.destroy()) }],
      ['a redirect', { raw: (response) => response.writeHead(302, { location: '/introspect' }).end() }],
      ['a redirect that keeps the method', { raw: (response) => response.writeHead(307, { location: '/introspect' }).end() }]
    ])('%s', async (_title, broken) => {
      const { verdict, state, clock, questions } = await createAnsweringWorld(options)
      const whole = { ...state }
      Object.assign(state, broken)
      expect(await verdict()).toBe(OUTAGE)
      expect(questions).toHaveLength(1)
      Object.assign(state, whole)
      clock.advance(1)
      expect(await verdict()).toBe('accepted')
    })

    it('an answer that swells: a megabyte of it is read, however small it came', async () => {
      const { verdict, state } = await createAnsweringWorld(options)
      const answer = Buffer.concat([Buffer.alloc(64 * 2 ** 20, ' '), Buffer.from(state.answer as string)])
      const small = gzipSync(answer)
      expect(small.length).toBeLessThan(2 ** 17)
      state.raw = (response) => response.writeHead(200, { 'content-encoding': 'gzip' }).end(small)
      expect(await verdict()).toBe(OUTAGE)
    })

    it('one that never answers, or stops in the middle of its answer, has five seconds', async () => {
      const timeouts = holdTimeouts()
      const { verdict, state, clock, verifier } = await createAnsweringWorld(options)
      await verifier.ready()
      let begun = 0
      for (const raw of [() => begun++, (response: ServerResponse) => response.write('{', () => begun++)]) {
        const past = begun
        state.raw = raw
        const waiting = verdict()
        await until(() => begun > past)
        timeouts.elapse()
        expect(await waiting).toBe(OUTAGE)
        clock.advance(1)
      }
      expect(new Set(timeouts.given())).toEqual(new Set([5000]))
      state.raw = undefined
      expect(await verdict()).toBe('accepted')
    })

    it('a fetch of one’s own that does not heed its signal has no longer', async () => {
      const timeouts = holdTimeouts()
      const world = await createAnsweringWorld(options)
      let asked = 0
      const fetch: Fetch = (url, init) => {
        if (init.method !== 'POST') return globalThis.fetch(url, init)
        asked++
        return new Promise(() => {})
      }
      const waiting = world.verdict('opaque', createVerifier({ ...world.options, fetch }))
      await until(() => asked === 1)
      timeouts.elapse()
      expect(await waiting).toBe(OUTAGE)
    })
  }
)

it('an answer may be nested as deep as a megabyte allows', async () => {
  const { verdict, says, client } = await createIntrospectionWorld()
  const nested = '['.repeat(400_000) + ']'.repeat(400_000)
  says(`{"active":true,"cnf":{"jkt":"${client.jkt}"},"x":${nested}}`)
  expect(await verdict()).toBe('accepted')
})

describe('the endpoint', () => {
  it('metadata without one is 503, until there is one', async () => {
    const { verdict, server, clock } = await createIntrospectionWorld()
    const metadata = server.answers[METADATA] as object
    server.answers[METADATA] = { ...metadata, introspection_endpoint: undefined }
    expect(await verdict()).toBe(OUTAGE)
    server.answers[METADATA] = metadata
    clock.advance(1)
    expect(await verdict()).toBe('accepted')
  })

  it.each([
    ['of another issuer', { issuer: 'https://evil.example' }],
    ['with an endpoint of another scheme', { introspection_endpoint: 'data:application/json,{"active":true}' }],
    ['with an endpoint that is relative', { introspection_endpoint: '/introspect' }]
  ])('metadata %s is none', async (_title, change) => {
    const { verdict, server, questions } = await createIntrospectionWorld()
    server.answers[METADATA] = { ...(server.answers[METADATA] as object), ...change }
    expect(await verdict()).toBe(OUTAGE)
    expect(questions).toEqual([])
  })

  it('is looked for once at a time, and for a second after a failure not again, however many tokens come', async () => {
    const { verdict, server, clock } = await createIntrospectionWorld()
    delete server.answers[METADATA]
    const all = async () => new Set(await Promise.all(names(40).map((token) => verdict(token))))
    expect(await all()).toEqual(new Set([OUTAGE]))
    expect(server.asked).toHaveLength(2)
    clock.advance(0.999)
    expect(await verdict('one-more')).toBe(OUTAGE)
    expect(server.asked).toHaveLength(2)
    clock.advance(0.001)
    expect(await verdict('and-one-more')).toBe(OUTAGE)
    expect(server.asked).toHaveLength(4)
  })

  it('that is given is not looked for, nor looked for again when it fails', async () => {
    const { options, server, verdict, state, clock } = await createIntrospectionWorld()
    const endpoint = `${server.origin}/introspect`
    const issuer = { issuer: server.origin, introspection: { clientId: 'api', clientSecret: 's', endpoint } }
    const verifier = createVerifier({ ...options, issuer })
    expect(await verdict('opaque', verifier)).toBe('accepted')
    state.status = 500
    clock.advance(3600)
    for (const token of ['two', 'three', 'four']) expect(await verdict(token, verifier)).toBe(OUTAGE)
    expect(new Set(server.asked)).toEqual(new Set(['/introspect']))
  })

  it('that has moved is found again, at the cost of one request, and not looked for more than twice a minute', async () => {
    const { verdict, server, clock, client } = await createIntrospectionWorld()
    expect(await verdict('one')).toBe('accepted')
    const looks = () => server.asked.filter((path) => path === METADATA).length
    expect(looks()).toBe(1)
    server.answers['/introspect'] = (response: ServerResponse) => response.writeHead(400).end()
    clock.advance(29.999)
    expect(await verdict('two')).toBe(OUTAGE)
    expect(looks()).toBe(1)
    clock.advance(0.001)
    expect(await verdict('three')).toBe(OUTAGE)
    await until(() => looks() === 2)
    const metadata = server.answers[METADATA] as object
    server.answers[METADATA] = { ...metadata, introspection_endpoint: `${server.origin}/moved` }
    server.answers['/moved'] = { active: true, cnf: { jkt: client.jkt } }
    clock.advance(30)
    expect(await verdict('four')).toBe(OUTAGE)
    await until(() => looks() === 3)
    await expect.poll(() => verdict(`five-${Math.random()}`)).toBe('accepted')
  })

  it('that answers is not looked for again', async () => {
    const { verdict, server, clock } = await createIntrospectionWorld()
    for (const token of ['one', 'two', 'three', 'four']) {
      expect(await verdict(token)).toBe('accepted')
      clock.advance(30)
    }
    expect(server.asked).toEqual([METADATA, '/introspect', '/introspect', '/introspect', '/introspect'])
  })

  it('stays what it was where the metadata is out of order', async () => {
    const { verdict, server, clock, state } = await createIntrospectionWorld()
    expect(await verdict('one')).toBe('accepted')
    delete server.answers[METADATA]
    state.status = 400
    clock.advance(30)
    expect(await verdict('a-token-that-the-server-chokes-on')).toBe(OUTAGE)
    await until(() => server.asked.includes('/.well-known/openid-configuration'))
    state.status = 200
    expect(await verdict('two')).toBe('accepted')
  })
})

describe('a failure is remembered for a second, for that token alone', () => {
  it('so that an issuer in trouble is not asked once for each request', async () => {
    const { verdict, state, questions, clock } = await createIntrospectionWorld()
    state.status = 500
    for (let i = 0; i < 5; i++) expect(await verdict()).toBe(OUTAGE)
    clock.advance(0.999)
    expect(await verdict()).toBe(OUTAGE)
    expect(questions).toHaveLength(1)
    state.status = 200
    expect(await verdict('other')).toBe('accepted')
    clock.advance(0.001)
    expect(await verdict()).toBe('accepted')
  })

  it('a request that began before the answer came uses it', async () => {
    const { verdict, questions, clock } = await createIntrospectionWorld()
    expect(await verdict()).toBe('accepted')
    clock.advance(-0.005)
    expect(await verdict()).toBe('accepted')
    expect(questions).toHaveLength(1)
  })

  it('a clock that was set back keeps nobody waiting, and no answer alive', async () => {
    const { verdict, state, says, questions, clock } = await createIntrospectionWorld()
    state.status = 500
    expect(await verdict()).toBe(OUTAGE)
    state.status = 200
    clock.set(NOW_MS - 3_600_000)
    expect(await verdict()).toBe('accepted')
    says({ active: false })
    clock.set(NOW_MS - 7_200_000)
    expect(await verdict()).toBe(INVALID)
    expect(questions).toHaveLength(3)
  })
})

describe('a stranger makes up tokens', () => {
  it('so the questions under way are bounded: above that it is 503 at once, and the server hears nothing of it', async () => {
    const { verdict, verify, verifier, hang, waiting, release, questions } = await createHangingWorld({
      maxConcurrentRequests: 8
    })
    await verifier.ready()
    hang()
    const asked = names(4).map((token) => verdict(token))
    await until(() => waiting.length === 4)
    const cause = new Error('The limit of concurrent introspection requests is reached')
    for (const token of names(20, 'more')) expect(await toldOf(() => verify(token))).toEqual({ code: OUTAGE, cause })
    expect(questions).toHaveLength(4)
    release({ active: false })
    expect(await Promise.all(asked)).toEqual([INVALID, INVALID, INVALID, INVALID])
    expect(await verdict('after')).toBe('accepted')
  })

  it('the same token does not count twice, and what is remembered does not count at all', async () => {
    const { verdict, client, hang, waiting, release } = await createHangingWorld({ maxConcurrentRequests: 2 })
    expect(await verdict('known')).toBe('accepted')
    hang()
    const copies = Array.from({ length: 20 }, () => verdict('same'))
    await until(() => waiting.length === 1)
    expect(await verdict('known')).toBe('accepted')
    release({ active: true, cnf: { jkt: client.jkt } })
    expect(new Set(await Promise.all(copies))).toEqual(new Set(['accepted']))
  })

  it('half of them are kept for tokens that were active before; those are bounded too', async () => {
    const { verdict, client, clock, hang, waiting, release } = await createHangingWorld({ maxConcurrentRequests: 5 })
    for (const token of names(3, 'known')) expect(await verdict(token)).toBe('accepted')
    clock.advance(30)
    hang()
    const madeUp = names(3).map((token) => verdict(token))
    await until(() => waiting.length === 3)
    expect(await verdict('one-more')).toBe(OUTAGE)
    const known = names(2, 'known').map((token) => verdict(token))
    await until(() => waiting.length === 5)
    expect(await verdict('known-2')).toBe(OUTAGE)
    release({ active: true, cnf: { jkt: client.jkt } })
    expect(new Set(await Promise.all([...madeUp, ...known]))).toEqual(new Set(['accepted']))
  })

  it('a token keeps that privilege while nobody can say what has become of it', async () => {
    const { verdict, state, clock, hang, waiting, release, client } = await createHangingWorld({ maxConcurrentRequests: 2 })
    expect(await verdict('known')).toBe('accepted')
    clock.advance(30)
    state.status = 500
    expect(await verdict('known')).toBe(OUTAGE)
    state.status = 200
    clock.advance(1)
    hang()
    const madeUp = verdict('made-up')
    await until(() => waiting.length === 1)
    const known = verdict('known')
    await until(() => waiting.length === 2)
    release({ active: true, cnf: { jkt: client.jkt } })
    expect([await madeUp, await known]).toEqual(['accepted', 'accepted'])
  })

  it('a token that is not active any more has no such privilege', async () => {
    const { verdict, says, clock, hang, waiting, release } = await createHangingWorld({ maxConcurrentRequests: 2 })
    expect(await verdict('revoked')).toBe('accepted')
    clock.advance(30)
    says({ active: false })
    expect(await verdict('revoked')).toBe(INVALID)
    clock.advance(30)
    hang()
    const asked = verdict('made-up')
    await until(() => waiting.length === 1)
    expect(await verdict('revoked')).toBe(OUTAGE)
    release({ active: false })
    expect(await asked).toBe(INVALID)
  })

  it('ten thousand of them push no good answer out', async () => {
    const { options } = await createIntrospectionWorld()
    const asked: string[] = []
    const fetch: Fetch = async (_url, { body }) => {
      const token = new URLSearchParams(body).get('token') as string
      asked.push(token)
      return Response.json({ active: token === 'good' })
    }
    const introspection = { clientId: 'api', clientSecret: 's3cret', endpoint: 'https://issuer.example/introspect' }
    const config = resolveOptions({ ...options, issuer: { issuer: 'https://issuer.example', introspection }, fetch })
    const [issuer] = new Issuers(config).configured
    const isActive = async (token: string) =>
      (await issuer?.introspection?.activeToken(token, token, NOW_MS, false)) !== undefined
    expect(await isActive('good')).toBe(true)
    for (const token of names(10_001)) expect(await isActive(token)).toBe(false)
    expect(await isActive('good')).toBe(true)
    expect(asked.filter((token) => token === 'good')).toHaveLength(1)
  })
})

describe('of several issuers', () => {
  it('the one that knew a token is asked first, so that another’s outage does not delay it', async () => {
    const [a, b] = [await createHangingWorld(), await createIntrospectionWorld()]
    const issuer = [a.options.issuer, b.options.issuer] as IssuerOptions[]
    const both = createVerifier({ ...a.options, issuer })
    a.says({ active: false })
    b.says({ active: true, cnf: { jkt: a.client.jkt } })
    expect((await a.verify('opaque', both)).issuer).toBe(b.server.origin)
    a.hang()
    for (let i = 0; i < 3; i++) {
      a.clock.advance(30)
      b.clock.advance(30)
      expect((await a.verify('opaque', both)).issuer).toBe(b.server.origin)
    }
    expect([a.questions.length, b.questions.length]).toEqual([1, 4])
  })

  it('where none knew it those that can be asked are, in their order', async () => {
    const [a, b] = [await createIntrospectionWorld(), await createIntrospectionWorld()]
    const issuer = ['https://jwt.example', a.options.issuer, b.options.issuer] as IssuerOptions[]
    b.says({ active: true, cnf: { jkt: a.client.jkt } })
    expect((await a.verify('opaque', createVerifier({ ...a.options, issuer }))).issuer).toBe(a.server.origin)
    expect(b.questions).toEqual([])
  })
})
