/** Every way to declare a requirement: it is enforced for each request, exactly once. NestJS also checks it at start-up, in its own suite. */

import { createServer } from 'node:http'
import { serve as serveNode } from '@hono/node-server'
import type { VerifierOptions } from 'dpop-guard'
import * as expressGuard from 'dpop-guard/express'
import * as fastifyGuard from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import * as honoGuard from 'dpop-guard/hono'
import * as koaGuard from 'dpop-guard/koa'
import express, { type ErrorRequestHandler, type Express, type RequestHandler } from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Bench, closeServer, listen, type RunningApp } from './contract.js'

type Options = VerifierOptions & { readonly optional?: false }

/** The statuses of a request without credentials, and of one whose token lacks the scope `admin`. */
type Statuses = readonly [anonymous: number, withoutScope: number]

interface Declaration {
  readonly name: string
  readonly expected: Statuses
  /** Starts an app whose `/notes` calls `handler` and requires what `expected` states. */
  start(options: Options, handler: () => string): Promise<RunningApp>
  readonly method?: 'GET' | 'HEAD'
  readonly target?: string
}

const required = { scopes: ['admin'] }
const both: Statuses = [401, 403]

const silent: ErrorRequestHandler = (error, _req, res, _next) => void res.status(error.status ?? 500).json(error)

function onExpress(name: string, expected: Statuses, prepare: (app: Express, options: Options, handler: RequestHandler) => void) {
  return {
    name: `Express: ${name}`,
    expected,
    async start(options: Options, handler: () => string) {
      const app = express()
      prepare(app, options, (_req, res) => void res.send(handler()))
      app.use(silent)
      const server = createServer(app)
      return { port: await listen(server), close: () => closeServer(server) }
    }
  }
}

function onFastify(
  name: string,
  expected: Statuses,
  prepare: (app: FastifyInstance, options: Options, handler: () => Promise<string>) => Promise<unknown>,
  more: Partial<Declaration> = {}
) {
  return {
    name: `Fastify: ${name}`,
    expected,
    ...more,
    async start(options: Options, handler: () => string) {
      const app = fastify()
      await prepare(app, options, async () => handler())
      await app.listen({ port: 0, host: '127.0.0.1' })
      return { port: (app.server.address() as { port: number }).port, close: () => app.close() }
    }
  }
}

function onKoa(name: string, expected: Statuses, prepare: (app: Koa, options: Options) => void) {
  return {
    name: `Koa: ${name}`,
    expected,
    async start(options: Options, handler: () => string) {
      const app = new Koa()
      app.silent = true
      prepare(app, options)
      app.use((ctx) => {
        ctx.body = handler()
      })
      const server = createServer(app.callback())
      return { port: await listen(server), close: () => closeServer(server) }
    }
  }
}

async function serveFetch(fetch: (request: Request) => Response | Promise<Response>): Promise<RunningApp> {
  return await new Promise((resolve) => {
    const server = serveNode({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({ port, close: () => closeServer(server) })
    )
  })
}

function onHono(name: string, expected: Statuses, prepare: (app: Hono, options: Options, handler: () => string) => void) {
  return {
    name: `Hono: ${name}`,
    expected,
    async start(options: Options, handler: () => string) {
      const app = new Hono()
      prepare(app, options, handler)
      return await serveFetch(app.fetch)
    }
  }
}

const { requireScopes: expressScopes } = expressGuard
const { requireScopes: fastifyScopes } = fastifyGuard

const declarations: Declaration[] = [
  onExpress('the settings of dpop()', both, (app, options, handler) =>
    app.get('/notes', expressGuard.dpop(options, required), handler)
  ),
  onExpress('the settings of app.use(dpop())', both, (app, options, handler) => {
    app.use(expressGuard.dpop(options, required))
    app.get('/notes', handler)
  }),
  onExpress('requireScopes() of a route', both, (app, options, handler) => {
    app.use(expressGuard.dpop(options))
    app.get('/notes', expressScopes('admin'), handler)
  }),
  onExpress('requireScopes() of a router', both, (app, options, handler) => {
    app.use(expressGuard.dpop(options))
    app.use(express.Router().use(expressScopes('admin')).get('/notes', handler))
  }),
  onExpress('requireScopes() of a sub-application', both, (app, options, handler) => {
    app.use(expressGuard.dpop(options))
    app.use(express().use(expressScopes('admin')).get('/notes', handler).use(silent))
  }),
  onExpress('requireScopes() before dpop() is an error for every request', [500, 500], (app, options, handler) => {
    app.get('/notes', expressScopes('admin'), expressGuard.dpop(options), handler)
  }),

  ...[true, false].flatMap((global) => [
    onFastify(`config.dpop with scopes, global ${global}`, both, async (app, options, handler) => {
      await app.register(fastifyGuard.dpop, { ...options, global })
      app.get('/notes', { config: { dpop: required } }, handler)
    }),
    onFastify(`config.dpop true, global ${global}`, [401, 200], async (app, options, handler) => {
      await app.register(fastifyGuard.dpop, { ...options, global })
      app.get('/notes', { config: { dpop: true } }, handler)
    }),
    onFastify(`config.dpop in an encapsulated plugin, global ${global}`, both, async (app, options, handler) => {
      await app.register(fastifyGuard.dpop, { ...options, global })
      await app.register(async (child) => child.get('/notes', { config: { dpop: required } }, handler))
    }),
    onFastify(
      `config.dpop under a prefix, global ${global}`,
      both,
      async (app, options, handler) => {
        await app.register(fastifyGuard.dpop, { ...options, global })
        await app.register(async (child) => child.get('/notes', { config: { dpop: required } }, handler), { prefix: '/v1' })
      },
      { target: '/v1/notes' }
    ),
    onFastify(
      `config.dpop of a route that was registered before the plugin, global ${global}`,
      both,
      async (app, options, handler) => {
        app.get('/notes', { config: { dpop: required } }, handler)
        await app.register(fastifyGuard.dpop, { ...options, global })
      }
    ),
    onFastify(
      `config.dpop of the HEAD route of a GET route, global ${global}`,
      both,
      async (app, options, handler) => {
        await app.register(fastifyGuard.dpop, { ...options, global })
        app.get('/notes', { config: { dpop: required } }, handler)
      },
      { method: 'HEAD' }
    ),
    onFastify(`config.dpop with an error handler of the application, global ${global}`, both, async (app, options, handler) => {
      app.setErrorHandler((error: { statusCode?: number }, _request, reply) => reply.code(error.statusCode ?? 500).send('error'))
      await app.register(fastifyGuard.dpop, { ...options, global })
      app.get('/notes', { config: { dpop: required } }, handler)
    }),
    ...(['preParsing', 'preValidation', 'preHandler'] as const).map((hook) =>
      onFastify(`config.dpop with the option hook ${hook}, global ${global}`, both, async (app, options, handler) => {
        await app.register(fastifyGuard.dpop, { ...options, global, hook })
        app.get('/notes', { config: { dpop: required } }, handler)
      })
    )
  ]),
  onFastify('the scope of the plugin', [401, 200], async (app, options, handler) => {
    await app.register(fastifyGuard.dpop, options)
    app.get('/notes', handler)
  }),
  onFastify('the 404 handler of the scope of the plugin', [401, 404], async (app, options) => {
    await app.register(fastifyGuard.dpop, options)
    app.setNotFoundHandler((_request, reply) => reply.code(404).send('not found'))
  }),
  onFastify('requireScopes() as a hook of a route', both, async (app, options, handler) => {
    await app.register(fastifyGuard.dpop, options)
    app.get('/notes', { preHandler: fastifyScopes('admin') }, handler)
  }),
  onFastify('requireScopes() as a hook of an encapsulated plugin', both, async (app, options, handler) => {
    await app.register(fastifyGuard.dpop, options)
    await app.register(async (child) => {
      child.addHook('preHandler', fastifyScopes('admin'))
      child.get('/notes', handler)
    })
  }),
  onFastify('verifyDPoP as a hook with config.dpop', both, async (app, options, handler) => {
    await app.register(fastifyGuard.dpop, { ...options, global: false })
    app.get('/notes', { onRequest: app.verifyDPoP, config: { dpop: required } }, handler)
  }),
  onFastify('verifyDPoP and requireScopes() as hooks', both, async (app, options, handler) => {
    await app.register(fastifyGuard.dpop, { ...options, global: false })
    app.get('/notes', { onRequest: [app.verifyDPoP, fastifyScopes('admin')] }, handler)
  }),
  onFastify('requireScopes() without verification is an error for every request', [500, 500], async (app, options, handler) => {
    await app.register(fastifyGuard.dpop, { ...options, global: false })
    app.get('/notes', { onRequest: fastifyScopes('admin') }, handler)
  }),

  onKoa('the settings of dpop()', both, (app, options) => app.use(koaGuard.dpop(options, required) as Koa.Middleware)),
  onKoa('requireScopes()', both, (app, options) => {
    app.use(koaGuard.dpop(options) as Koa.Middleware)
    app.use(koaGuard.requireScopes('admin'))
  }),
  onKoa('requireScopes() before dpop() is an error for every request', [500, 500], (app, options) => {
    app.use(koaGuard.requireScopes('admin'))
    app.use(koaGuard.dpop(options) as Koa.Middleware)
  }),

  onHono('the settings of dpop()', both, (app, options, handler) =>
    app.get('/notes', honoGuard.dpop(options, required), (c) => c.text(handler()))
  ),
  onHono('requireScopes() of a route', both, (app, options, handler) => {
    app.use(honoGuard.dpop(options))
    app.get('/notes', honoGuard.requireScopes('admin'), (c) => c.text(handler()))
  }),
  onHono('requireScopes() of a sub-application', both, (app, options, handler) => {
    app.use(honoGuard.dpop(options))
    const child = new Hono()
    child.use(honoGuard.requireScopes('admin'))
    child.get('/notes', (c) => c.text(handler()))
    app.route('/', child)
  }),
  onHono('requireScopes() before dpop() is an error for every request', [500, 500], (app, options, handler) => {
    app.get('/notes', honoGuard.requireScopes('admin'), honoGuard.dpop(options), (c) => c.text(handler()))
    app.onError((error, c) => c.text('error', 'status' in error ? (error.status as 500) : 500))
  }),

  {
    name: 'Fetch: the options of withDPoP()',
    expected: both,
    start: (options, handler) => serveFetch(withDPoP(options, () => new Response(handler()), required))
  }
]

describe('a declared requirement is always enforced', () => {
  const handler = vi.fn(() => 'ok')
  const bench = new Bench({ name: '', start: () => Promise.reject(new Error('not used')) })
  let app: RunningApp | undefined
  beforeAll(() => bench.init())
  afterEach(async () => {
    handler.mockClear()
    await app?.close()
  })

  test.each(declarations)('$name', async ({ expected, start, method = 'GET', target = '/notes' }) => {
    const reserve = vi.fn(() => true)
    app = await start(bench.options({ replay: { reserve } }) as Options, handler)
    const send = async (credentials: object) => (await bench.call(app as RunningApp, { method, target, ...credentials })).status
    const [anonymous, withoutScope] = expected
    expect([await send({ headers: [] }), await send({ scope: 'notes:read' })]).toEqual([anonymous, withoutScope])
    const isOpen = withoutScope === 200
    expect(handler).toHaveBeenCalledTimes(isOpen ? 1 : 0)
    reserve.mockClear()
    if (withoutScope < 404) {
      expect(await send({ scope: 'admin' })).toBe(200)
      // Verified exactly once, for any number of hooks and middleware that declare it.
      expect(reserve).toHaveBeenCalledTimes(1)
    }
  })
})
