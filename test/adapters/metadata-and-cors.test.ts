/** Protected resource metadata, and the header fields that pages of other origins may read, in every adapter. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import koaCors from '@koa/cors'
import { createVerifier, type VerifierOptions } from 'dpop-guard'
import * as expressGuard from 'dpop-guard/express'
import { dpop as fastifyGuard } from 'dpop-guard/fastify'
import { resourceMetadata as fetchMetadata, withDPoP } from 'dpop-guard/fetch'
import * as honoGuard from 'dpop-guard/hono'
import * as koaGuard from 'dpop-guard/koa'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterEach, beforeAll, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createWorld, type World } from '../support/world.js'
import { closeServer, listen, type RunningApp } from './contract.js'
import { type CorsApiSpec, type CorsFramework, corsFrameworks } from './cors-apis.js'
import { sendHttp1 } from './raw-http.js'

const BASE_URL = 'https://api.example/v1'
const DOCUMENT = '/.well-known/oauth-protected-resource/v1'
const PAGE = 'https://page.example'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
const running: RunningApp[] = []
afterEach(() => Promise.all(running.splice(0).map((app) => app.close())))

/** A handler without CORS middleware: the guard is all that runs. */
const fetchHandler: CorsFramework = {
  name: 'Fetch',
  path: '/notes',
  canPutGuardFirst: false,
  async start({ guard }) {
    const verifier = createVerifier(guard)
    const metadata = fetchMetadata(verifier)
    const handler = withDPoP(verifier, () => new Response('notes', { headers: { 'Access-Control-Expose-Headers': 'X-Total' } }))
    const server = createServer(getRequestListener(async (request) => metadata(request) ?? (await handler(request))))
    return { port: await listen(server), close: () => closeServer(server) }
  }
}

describe.each([...corsFrameworks, fetchHandler])('$name', ({ name, path, canPutGuardFirst, start }) => {
  const onHandled = vi.fn<(method: string) => void>()
  beforeEach(() => void onHandled.mockClear())

  async function startApp(more: Partial<VerifierOptions> = {}, spec: Partial<CorsApiSpec> = {}): Promise<string> {
    const options = { issuer: world.issuer.options, baseUrl: BASE_URL, audience: BASE_URL, clock: world.clock, ...more }
    const app = await start({ guard: { ...options, metadata: {} }, origins: [PAGE], onHandled, ...spec })
    running.push(app)
    return `http://127.0.0.1:${app.port}`
  }

  async function credentials(): Promise<Record<string, string>> {
    const token = await world.issuer.issue({ jkt: world.client.jkt, claims: { aud: BASE_URL } })
    return await world.client.headers({ url: `${BASE_URL}${path}`, token })
  }

  test('serves the document at the root without credentials, and links to it in the challenge [K-09 M-05 M-10 M-32]', async () => {
    const origin = await startApp()
    const response = await fetch(`${origin}${DOCUMENT}`, { headers: { Origin: 'https://any.example' } })
    expect([response.status, response.headers.get('content-type')]).toEqual([200, expect.stringMatching(/^application\/json/)])
    expect(await response.json()).toMatchObject({ resource: BASE_URL, dpop_bound_access_tokens_required: true })
    expect(response.headers.get('cache-control')).toBe('public, max-age=3600')
    const challenge = (await fetch(`${origin}${path}`)).headers.get('www-authenticate')
    expect(challenge).toContain(`resource_metadata="https://api.example${DOCUMENT}"`)
  })

  test('ignores invalid credentials there; HEAD has no body, POST is 405, another path is 404 [M-17 M-18]', async () => {
    const origin = await startApp()
    const statusOf = async (target: string, init?: RequestInit) => (await fetch(`${origin}${target}`, init)).status
    expect(await statusOf(DOCUMENT, { headers: { Authorization: 'DPoP x', DPoP: 'y' } })).toBe(200)
    const head = await fetch(`${origin}${DOCUMENT}`, { method: 'HEAD' })
    expect([head.status, await head.text()]).toEqual([200, ''])
    expect(await statusOf(DOCUMENT, { method: 'POST' })).toBe(405)
    expect(await statusOf(`${DOCUMENT}/other`)).toBe(404)
    expect(await statusOf('/.well-known/oauth-protected-resource/')).toBe(404)
  })

  test('responds before the body is parsed, and never with 500 [M-18]', async () => {
    const origin = await startApp()
    const post = (type: string) => fetch(`${origin}${DOCUMENT}`, { method: 'POST', headers: { 'Content-Type': type }, body: '{' })
    expect((await post('text/xml')).status).toBe(405)
    // NestJS on Express parses bodies before any middleware.
    expect((await post('application/json')).status).toBe(name === 'NestJS on Express' ? 400 : 405)
    for (const target of [DOCUMENT.replace('a', '%61'), DOCUMENT.replace('.', '%2e'), `${DOCUMENT}/%`])
      expect([400, 401, 404]).toContain((await fetch(`${origin}${target}`)).status)
  })

  test('serves the document of a single resource also at the well-known path without its own [P-M17]', async () => {
    const origin = await startApp()
    const response = await fetch(`${origin}/.well-known/oauth-protected-resource`)
    expect(await response.json()).toMatchObject({ resource: BASE_URL })
  })

  test('responds to a preflight for the document [K-09]', async () => {
    const origin = await startApp()
    const headers = { Origin: PAGE, 'Access-Control-Request-Method': 'GET' }
    const response = await fetch(`${origin}${DOCUMENT}`, { method: 'OPTIONS', headers })
    // CORS middleware of the application may have responded.
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([
      204,
      expect.stringMatching(/^(\*|https:\/\/page\.example)$/)
    ])
  })

  test('exposes its header fields to pages, in addition to those of the application, on every response [D-44c D-71 K-03 K-04 K-06 L45]', async () => {
    const origin = await startApp()
    const exposedOf = async (headers: Record<string, string>) => {
      const response = await fetch(`${origin}${path}`, { headers: { Origin: PAGE, ...headers } })
      const names =
        response.headers
          .get('access-control-expose-headers')
          ?.split(',')
          .map((field) => field.trim().toLowerCase()) ?? []
      return [response.status, names.toSorted()]
    }
    const own = ['dpop-nonce', 'www-authenticate']
    const all = [...own, 'x-total']
    expect(await exposedOf(await credentials())).toEqual([200, all])
    // A Fetch handler has no response before it is called.
    expect(await exposedOf({})).toEqual([401, name === 'Fetch' ? own : all])
    expect(await exposedOf({ Authorization: 'DPoP x' })).toEqual([401, name === 'Fetch' ? own : all])
  })

  test('exposes them on outages [K-06]', async () => {
    const origin = await startApp({ replay: { reserve: () => Promise.reject(new Error('down')) } })
    const response = await fetch(`${origin}${path}`, { headers: { Origin: PAGE, ...(await credentials()) } })
    expect([response.status, response.headers.get('access-control-expose-headers')]).toEqual([
      503,
      `${name === 'Fetch' ? '' : 'X-Total, '}WWW-Authenticate, DPoP-Nonce`
    ])
  })

  test('adds no field for a request without Origin [K-07]', async () => {
    const origin = await startApp()
    const response = await fetch(`${origin}${path}`, { headers: await credentials() })
    expect(response.headers.get('access-control-expose-headers') ?? '').not.toMatch(/DPoP-Nonce/i)
  })

  test('with CORS before the guard, a preflight gets a response; a GET request with its header fields is verified [K-01 K-02]', async () => {
    const origin = await startApp()
    const preflight = {
      Origin: PAGE,
      'Access-Control-Request-Method': 'GET',
      'Access-Control-Request-Headers': 'authorization,dpop'
    }
    const response = await fetch(`${origin}${path}`, { method: 'OPTIONS', headers: preflight })
    if (name === 'Fetch') expect(response.status).toBe(401)
    else {
      expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, PAGE])
      expect(response.headers.get('access-control-allow-headers')).toMatch(/authorization, ?dpop/i)
    }
    expect((await fetch(`${origin}${path}`, { headers: preflight })).status).toBe(401)
    expect(onHandled).not.toHaveBeenCalled()
  })

  /** An OPTIONS request with a body, which a page cannot send. */
  async function sendOptions(origin: string, more: readonly (readonly [string, string])[]) {
    const headers = [['Host', 'api.example'], ['Origin', PAGE], ...more] as [string, string][]
    return await sendHttp1({ port: Number(new URL(origin).port), method: 'OPTIONS', target: path, headers, body: 'a note' })
  }

  test.each([[[['Access-Control-Request-Method', 'GET']]], [[]]] as [[string, string][]][])(
    'no OPTIONS request with a body reaches a handler that also serves OPTIONS: %j [K-01]',
    async (lines) => {
      const { status } = await sendOptions(await startApp(), lines)
      // The CORS packages respond to some or all OPTIONS requests, the guard to the others.
      expect([204, 400, 401]).toContain(status)
      expect(onHandled).not.toHaveBeenCalled()
    }
  )

  if (canPutGuardFirst)
    test('with the guard before CORS, a preflight is rejected, and the diagnostics event has the cause [K-01]', async () => {
      const origin = await startApp({}, { isGuardFirst: true })
      const reasons: unknown[] = []
      const listener = (event: unknown) => void reasons.push((event as { detail?: { reason?: string } }).detail?.reason)
      subscribe('dpop-guard:refused', listener)
      onTestFinished(() => void unsubscribe('dpop-guard:refused', listener))
      const response = await sendOptions(origin, [['Access-Control-Request-Method', 'GET']])
      expect([response.status, response.lines('Access-Control-Allow-Origin')]).toEqual([401, []])
      expect(reasons).toEqual([expect.stringMatching(/register the CORS middleware before the guard$/)])
      expect(onHandled).not.toHaveBeenCalled()
    })
})

describe('resourceMetadata()', () => {
  test('Koa responds to a preflight for the document without CORS middleware [K-09]', async () => {
    const app = new Koa().use(koaGuard.resourceMetadata({ ...world.options, baseUrl: BASE_URL, metadata: {} }))
    const server = createServer(app.callback())
    running.push({ port: await listen(server), close: () => closeServer(server) })
    const response = await fetch(`http://127.0.0.1:${running.at(-1)?.port}${DOCUMENT}`, { method: 'OPTIONS' })
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([204, '*'])
  })

  test('Express passes an outage to the error handler', async () => {
    const app = express().set('env', 'test')
    const metadata = expressGuard.resourceMetadata(() => {
      throw new Error('no environment')
    })
    app.use(metadata)
    const server = createServer(app)
    running.push({ port: await listen(server), close: () => closeServer(server) })
    const response = await fetch(`http://127.0.0.1:${running.at(-1)?.port}${DOCUMENT}`)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  })
})

test('resourceMetadata() without arguments uses the environment, and passes other requests on without the option', () => {
  vi.stubEnv('DPOP_ISSUER', 'https://issuer.example')
  vi.stubEnv('DPOP_BASE_URL', BASE_URL)
  onTestFinished(() => void vi.unstubAllEnvs())
  expect(fetchMetadata()(new Request(`https://api.example${DOCUMENT}`))).toBeUndefined()
})

describe('several verifiers serve their documents', () => {
  const optionsOf = (name: string) => ({ ...world.options, baseUrl: `https://api.example/${name}`, metadata: {} })
  const url = (name: string) => `https://api.example/.well-known/oauth-protected-resource/${name}`

  test('Hono and Fetch', async () => {
    const sources = [optionsOf('a'), optionsOf('b')]
    const app = new Hono().use(honoGuard.resourceMetadata(...sources))
    const handler = fetchMetadata(...sources)
    for (const send of [(name: string) => app.request(url(name)), (name: string) => handler(new Request(url(name)))]) {
      expect(await (await send('b'))?.json()).toMatchObject({ resource: 'https://api.example/b' })
      expect((await send('c'))?.status).toBe(404)
    }
  })

  test('Express and Koa', async () => {
    const sources = [optionsOf('a'), optionsOf('b')]
    const apps = [
      express().use(expressGuard.resourceMetadata(...sources)),
      new Koa().use(koaGuard.resourceMetadata(...sources)).callback()
    ]
    for (const app of apps) {
      const server = createServer(app as never)
      running.push({ port: await listen(server), close: () => closeServer(server) })
      const response = await fetch(`http://127.0.0.1:${running.at(-1)?.port}/.well-known/oauth-protected-resource/b`)
      expect(await response.json()).toMatchObject({ resource: 'https://api.example/b' })
    }
  })
})

describe('Koa: errors that the application throws after the guard', () => {
  /** The response to a valid request whose handler throws. */
  async function responseOf(error: unknown) {
    const app = new Koa()
    app.silent = true
    app.use(koaCors({ origin: PAGE, exposeHeaders: ['X-Total'] })).use(koaGuard.dpop({ ...world.options }))
    app.use(() => Promise.reject(error))
    const server = createServer(app.callback())
    running.push({ port: await listen(server), close: () => closeServer(server) })
    const { headers } = (await world.request()) as { headers: Record<string, string> }
    return await fetch(`http://127.0.0.1:${running.at(-1)?.port}/notes`, { headers: { ...headers, Origin: PAGE } })
  }
  const names = 'X-Total, WWW-Authenticate, DPoP-Nonce'

  test('also expose the header fields, in addition to their own [K-06 L45]', async () => {
    const error = Object.assign(new Error('conflict'), { status: 409, headers: { 'X-Own': 'kept' } })
    const { status, headers } = await responseOf(error)
    expect([status, headers.get('access-control-expose-headers'), headers.get('x-own')]).toEqual([409, names, 'kept'])
    expect(headers.get('access-control-allow-origin')).toBe(PAGE)
  })
})

test.each([true, false])(
  'Fastify: two registrations with metadata serve both documents, with a prefix: %s',
  async (hasPrefix) => {
    const app = fastify()
    for (const name of ['a', 'b']) {
      await app.register(
        async (scope) => {
          await scope.register(fastifyGuard, { ...world.options, baseUrl: `https://api.example/${name}`, metadata: {} })
        },
        hasPrefix ? { prefix: `/${name}` } : {}
      )
    }
    for (const name of ['a', 'b']) {
      const response = await app.inject(`/.well-known/oauth-protected-resource/${name}`)
      expect(response.json()).toMatchObject({ resource: `https://api.example/${name}` })
    }
    expect((await app.inject('/.well-known/oauth-protected-resource/c')).statusCode).toBe(404)
    await app.close()
  }
)
