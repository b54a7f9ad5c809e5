/** Protected resource metadata beside the guard, and the header fields that pages of other origins may read, in every adapter. */

import 'reflect-metadata'
import { createServer } from 'node:http'
import fastifyCors from '@fastify/cors'
import { serve as serveNode } from '@hono/node-server'
import koaCors from '@koa/cors'
import { Controller, Get, Module, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import cors from 'cors'
import { createVerifier, type VerifierOptions } from 'dpop-guard'
import * as expressGuard from 'dpop-guard/express'
import { dpop as fastifyGuard } from 'dpop-guard/fastify'
import { resourceMetadata as fetchMetadata, withDPoP } from 'dpop-guard/fetch'
import * as honoGuard from 'dpop-guard/hono'
import * as koaGuard from 'dpop-guard/koa'
import { DPoPGuard, DPoPModule } from 'dpop-guard/nestjs'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import { cors as honoCors } from 'hono/cors'
import Koa from 'koa'
import { afterEach, beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { createWorld, type World } from '../support/world.js'
import { closeServer, listen, type RunningApp } from './contract.js'

const BASE_URL = 'https://api.example/v1'
const DOCUMENT = '/.well-known/oauth-protected-resource/v1'
const PAGE = 'https://page.example'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
const running: RunningApp[] = []
afterEach(() => Promise.all(running.splice(0).map((app) => app.close())))

type Start = (options: VerifierOptions) => Promise<RunningApp>

const serveFetch = async (fetch: (request: Request) => Response | Promise<Response>): Promise<RunningApp> =>
  await new Promise((resolve) => {
    const server = serveNode({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({ port, close: () => closeServer(server) })
    )
  })

async function serveNest(options: VerifierOptions, platform: 'express' | 'fastify'): Promise<RunningApp> {
  class NotesController {
    list() {
      return 'notes'
    }
  }
  Get('notes')(NotesController.prototype, 'list', Object.getOwnPropertyDescriptor(NotesController.prototype, 'list') as never)
  UseGuards(DPoPGuard)(NotesController)
  Controller()(NotesController)
  class AppModule {}
  Module({ imports: [DPoPModule.forRoot({ ...options, guardAll: true })], controllers: [NotesController] })(AppModule)
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter()
  const app = await NestFactory.create(AppModule, adapter as never, { logger: false, abortOnError: false })
  app.setGlobalPrefix('api')
  app.enableCors({ origin: PAGE, exposedHeaders: ['X-Total'] })
  await app.listen(0, '127.0.0.1')
  return { port: Number(new URL(await app.getUrl()).port), close: () => app.close() }
}

const frameworks: [name: string, path: string, start: Start][] = [
  [
    'Express',
    '/notes',
    async (options) => {
      const app = express().set('env', 'test')
      app.use(cors({ origin: PAGE, exposedHeaders: ['X-Total'] }))
      app.use(expressGuard.resourceMetadata(options)).use(expressGuard.dpop(options))
      app.get('/notes', (_req, res) => void res.send('notes'))
      const server = createServer(app)
      return { port: await listen(server), close: () => closeServer(server) }
    }
  ],
  [
    'Koa',
    '/notes',
    async (options) => {
      const app = new Koa()
      app.silent = true
      // On errors it replaces the field by its own, so the names are listed.
      app.use(koaCors({ origin: PAGE, exposeHeaders: ['X-Total', 'WWW-Authenticate', 'DPoP-Nonce'] }))
      app.use(koaGuard.resourceMetadata(options)).use(koaGuard.dpop(options) as Koa.Middleware)
      app.use((ctx) => {
        ctx.body = 'notes'
      })
      const server = createServer(app.callback())
      return { port: await listen(server), close: () => closeServer(server) }
    }
  ],
  [
    'Fastify',
    '/api/notes',
    async (options) => {
      const app = fastify()
      await app.register(fastifyCors, { origin: PAGE, exposedHeaders: ['X-Total'] })
      await app.register(
        async (scope) => {
          await scope.register(fastifyGuard, options)
          scope.get('/notes', async () => 'notes')
        },
        { prefix: '/api' }
      )
      await app.listen({ port: 0, host: '127.0.0.1' })
      return { port: (app.server.address() as { port: number }).port, close: () => app.close() }
    }
  ],
  [
    'Hono',
    '/notes',
    async (options) => {
      const app = new Hono().use(honoCors({ origin: PAGE, exposeHeaders: ['X-Total'] }))
      app.use(honoGuard.resourceMetadata(options)).use(honoGuard.dpop(options))
      app.get('/notes', (c) => c.text('notes'))
      return await serveFetch(app.fetch)
    }
  ],
  [
    'Fetch',
    '/notes',
    async (options) => {
      const verifier = createVerifier(options)
      const metadata = fetchMetadata(verifier)
      const handler = withDPoP(verifier, () => new Response('notes', { headers: { 'Access-Control-Expose-Headers': 'X-Total' } }))
      return await serveFetch(async (request) => metadata(request) ?? (await handler(request)))
    }
  ],
  ['NestJS on Express', '/api/notes', (options) => serveNest(options, 'express')],
  ['NestJS on Fastify', '/api/notes', (options) => serveNest(options, 'fastify')]
]

describe.each(frameworks)('%s', (name, path, start) => {
  async function startApp(more: Partial<VerifierOptions> = {}): Promise<string> {
    const options = { issuer: world.issuer.options, baseUrl: BASE_URL, audience: BASE_URL, clock: world.clock, ...more }
    const app = await start({ ...options, metadata: {} })
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
    expect(await statusOf('/.well-known/oauth-protected-resource')).toBe(404)
  })

  test('answers a preflight for the document [K-09]', async () => {
    const origin = await startApp()
    const headers = { Origin: PAGE, 'Access-Control-Request-Method': 'GET' }
    const response = await fetch(`${origin}${DOCUMENT}`, { method: 'OPTIONS', headers })
    // CORS middleware of the application may have answered it.
    expect([response.status, response.headers.get('access-control-allow-origin')]).toEqual([
      204,
      expect.stringMatching(/^(\*|https:\/\/page\.example)$/)
    ])
  })

  test('exposes the fields that a page needs, beside those of the application, on every response [D-44c D-71 K-03 K-04 K-06 L45]', async () => {
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
      expect.stringMatching(/WWW-Authenticate, ?DPoP-Nonce/)
    ])
  })

  test('adds no field for a request without Origin [K-07]', async () => {
    const origin = await startApp()
    const response = await fetch(`${origin}${path}`, { headers: await credentials() })
    // @koa/cors sets its own field on every response.
    const own = name === 'Koa' ? 'X-Total,WWW-Authenticate,DPoP-Nonce' : expect.not.stringMatching(/DPoP-Nonce/i)
    expect(response.headers.get('access-control-expose-headers') ?? '').toEqual(own)
  })

  test('with CORS before the guard, a preflight is answered; a request that only looks like one is verified [K-01 K-02]', async () => {
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
  })
})

test('Express: a handler that also serves OPTIONS is not open to a request that looks like a preflight [K-01]', async () => {
  const app = express().set('env', 'test')
  app.use(expressGuard.dpop({ ...world.options }))
  app.all('/notes', (_req, res) => void res.send('notes'))
  const server = createServer(app)
  running.push({ port: await listen(server), close: () => closeServer(server) })
  const headers = { Origin: PAGE, 'Access-Control-Request-Method': 'GET' }
  const response = await fetch(`http://127.0.0.1:${running[0]?.port}/notes`, { method: 'OPTIONS', headers })
  expect(response.status).toBe(401)
})

describe('resourceMetadata()', () => {
  test('Koa answers a preflight for the document without CORS middleware [K-09]', async () => {
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

test('Koa: adds the names to those of @koa/cors on a success [K-06]', async () => {
  const app = new Koa().use(koaCors({ origin: PAGE, exposeHeaders: ['X-Total'] })).use(koaGuard.dpop({ ...world.options }))
  const server = createServer(app.use((ctx) => void Object.assign(ctx, { body: 'ok' })).callback())
  running.push({ port: await listen(server), close: () => closeServer(server) })
  const { headers } = (await world.request()) as { headers: Record<string, string> }
  const response = await fetch(`http://127.0.0.1:${running.at(-1)?.port}/notes`, { headers: { ...headers, Origin: PAGE } })
  expect([response.status, response.headers.get('access-control-expose-headers')]).toEqual([
    200,
    'X-Total, WWW-Authenticate, DPoP-Nonce'
  ])
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
