import { createVerifier, memoryReplayStore } from 'dpop-guard'
import defaultExport, { type DPoPPluginOptions, dpop, requireScopes } from 'dpop-guard/fastify'
import { type FastifyInstance, type FastifyReply, type FastifyRequest, type FastifyServerOptions, fastify } from 'fastify'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type AppSpec,
  Bench,
  challengesOf,
  describeAdapter,
  type Framework,
  otherChallenge,
  type RunningApp,
  show
} from './contract.js'

/** The settings for what other adapters receive as an argument. */
function settingsOf(guard: AppSpec['guard']): DPoPPluginOptions {
  if (guard === undefined) return {}
  return 'verifyRequest' in guard ? { verifier: guard } : guard
}

async function makeApp(spec: AppSpec, options: FastifyServerOptions): Promise<FastifyInstance> {
  const app = fastify(options)
  app.addContentTypeParser('*', { parseAs: 'string' }, (_request, body, done) => done(null, body))
  app.addHook('onRequest', async (_request, reply) => {
    reply.header('Vary', 'Origin').header('WWW-Authenticate', otherChallenge)
  })
  if (spec.hasErrorHandler) {
    app.setErrorHandler((error: { statusCode?: number; code?: string }, _request, reply) => {
      reply.status(error.statusCode ?? 500).send({ code: error.code })
    })
  }
  const settings = settingsOf(spec.guard)
  if (!spec.isUnguarded) await app.register(dpop, settings)
  if (spec.isGuardedTwice) await app.register(dpop, settings)
  const response = async (request: FastifyRequest) => {
    spec.onHandled(request.dpop ?? undefined)
    return show(request.dpop ?? undefined, request.body as string)
  }
  const routes = async (scope: FastifyInstance) => {
    scope.get('/notes', response)
    scope.post('/notes', response)
    scope.get('/admin', { preHandler: requireScopes('admin') }, response)
  }
  await app.register(routes)
  await app.register(routes, { prefix: '/api' })
  return app
}

async function serve(app: FastifyInstance): Promise<RunningApp> {
  const url = await app.listen({ port: 0, host: '127.0.0.1' })
  return { port: Number(new URL(url).port), close: () => app.close() }
}

const frameworks: Framework[] = [
  { name: 'Fastify 5', start: async (spec) => serve(await makeApp(spec, {})) },
  {
    name: 'Fastify 5 over HTTP/2',
    isHttp2: true,
    start: async (spec) => serve(await makeApp(spec, { http2: true } as FastifyServerOptions))
  }
]
frameworks.forEach(describeAdapter)

describe('Fastify 5, beyond the contract', () => {
  const bench = new Bench(frameworks[0] as Framework)
  const apps: RunningApp[] = []
  beforeAll(() => bench.init())
  afterEach(() => Promise.all(apps.splice(0).map((app) => app.close())))

  async function start(
    build: (app: FastifyInstance) => Promise<void> | void,
    options: FastifyServerOptions = {}
  ): Promise<RunningApp> {
    const app = fastify(options)
    await build(app)
    const running = await serve(app)
    apps.push(running)
    return running
  }

  const handler = async (request: FastifyRequest) => show(request.dpop)

  test('the plugin is also the default export', () => {
    expect(defaultExport).toBe(dpop)
  })

  test('protects routes registered before the plugin, in the same tick and after it, and unknown URLs', async () => {
    const app = await start(async (app) => {
      app.get('/before', handler)
      const registered = app.register(dpop, bench.options())
      app.get('/beside', handler)
      await registered
      app.get('/after', handler)
      app.register(async (scope) => void scope.get('/inside', handler))
    })
    for (const target of ['/before', '/beside', '/after', '/inside', '/none']) {
      const response = await bench.call(app, { target, headers: [] })
      expect([target, response.status, challengesOf(response).length]).toEqual([target, 401, 1])
    }
    for (const target of ['/before', '/beside', '/after', '/inside']) {
      expect([target, (await bench.call(app, { target })).status]).toEqual([target, 200])
    }
    expect((await bench.call(app, { target: '/none' })).status).toBe(404)
  })

  test('protects only the encapsulation context in which it is registered', async () => {
    const app = await start((app) => {
      app.get('/open', handler)
      app.register(async (scope) => {
        await scope.register(dpop, bench.options())
        scope.get('/closed', handler)
      })
    })
    expect((await bench.call(app, { target: '/open', headers: [] })).status).toBe(200)
    expect((await bench.call(app, { target: '/closed', headers: [] })).status).toBe(401)
  })

  test('config.dpop false leaves a route unprotected', async () => {
    const app = await start(async (app) => {
      await app.register(dpop, bench.options())
      app.get('/health', { config: { dpop: false } }, handler)
    })
    const response = await bench.call(app, { target: '/health', headers: [['Authorization', 'DPoP invalid']] })
    expect([response.status, response.body]).toEqual([200, '{"anonymous":true}'])
  })

  test('config.dpop.scopes are checked before the proof is consumed (RFC 6750 §3.1)', async () => {
    const used: string[] = []
    const replay = { reserve: (key: string) => used.push(key) > 0 }
    const app = await start(async (app) => {
      await app.register(dpop, bench.options({ replay }))
      app.get('/admin', { config: { dpop: { scopes: ['admin'] } } }, handler)
    })
    const response = await bench.call(app, { target: '/admin' })
    expect([response.status, challengesOf(response)[0]?.params]).toMatchObject([
      403,
      { error: 'insufficient_scope', scope: 'admin' }
    ])
    expect(used).toEqual([])
    expect((await bench.call(app, { target: '/admin', scope: 'admin' })).status).toBe(200)
    expect(used).toHaveLength(1)
  })

  test('config.dpop.scopes reject an anonymous request with 401 under optional (RFC 6750 §3.1)', async () => {
    const app = await start(async (app) => {
      await app.register(dpop, bench.options({ optional: true }))
      app.get('/admin', { config: { dpop: { scopes: ['admin'] } } }, handler)
    })
    expect((await bench.call(app, { target: '/admin', headers: [] })).status).toBe(401)
  })

  test.each([{}, { scopes: [] }, { scopes: 'admin' }, 'yes'])(
    'responds with 500 when a route registered before the plugin has the invalid configuration dpop: %j',
    async (config) => {
      for (const global of [true, false]) {
        const app = await start(async (app) => {
          app.get('/notes', { config: { dpop: config as never } }, handler)
          await app.register(dpop, { ...bench.options(), global })
        })
        expect((await bench.call(app, { scope: 'admin' })).status).toBe(500)
      }
    }
  )

  test.each(['onRequest', 'preParsing', 'preValidation', 'preHandler'] as const)(
    'verifies requests in the hook %s',
    async (hook) => {
      const app = await start(async (app) => {
        await app.register(dpop, { ...bench.options(), hook })
        app.get('/notes', handler)
      })
      expect((await bench.call(app)).status).toBe(200)
      expect((await bench.call(app, { headers: [] })).status).toBe(401)
    }
  )

  test('global false protects the routes that use verifyDPoP, also with @fastify/auth', async () => {
    const app = await start(async (app) => {
      await app.register(dpop, { ...bench.options(), global: false })
      app.get('/open', handler)
      app.get('/notes', { onRequest: app.verifyDPoP }, handler)
      const composed = (request: FastifyRequest, reply: FastifyReply, done: (error?: Error) => void) => {
        const verify = app.verifyDPoP as (...args: unknown[]) => Promise<void>
        verify.call(app, request, reply, done).then(() => done(), done)
      }
      app.get('/composed', { preHandler: composed, config: { dpop: { scopes: ['notes:read'] } } }, handler)
    })
    expect((await bench.call(app, { target: '/open', headers: [] })).status).toBe(200)
    for (const target of ['/notes', '/composed']) {
      expect([target, (await bench.call(app, { target, headers: [] })).status]).toEqual([target, 401])
      expect([target, (await bench.call(app, { target })).status]).toEqual([target, 200])
    }
    expect((await bench.call(app, { target: '/composed', scope: 'other' })).status).toBe(403)
  })

  test.each<[title: string, register: (app: FastifyInstance, config: object) => Promise<void> | void]>([
    ['after the plugin', (app, config) => void app.get('/notes', { config }, handler)],
    [
      'in an encapsulated plugin',
      (app, config) => void app.register(async (scope) => void scope.get('/notes', { config }, handler))
    ],
    [
      'in a plugin with a prefix',
      (app, config) => void app.register(async (scope) => void scope.get('/', { config }, handler), { prefix: '/notes' })
    ]
  ])('enforces config.dpop of a route registered %s under global false', async (_title, register) => {
    for (const config of [{ dpop: true }, { dpop: { scopes: ['notes:read'] } }]) {
      const app = await start(async (app) => {
        await app.register(dpop, { ...bench.options(), global: false })
        await register(app, config)
      })
      expect((await bench.call(app, { headers: [] })).status).toBe(401)
      expect((await bench.call(app, { method: 'HEAD', headers: [] })).status).toBe(401)
      expect((await bench.call(app)).status).toBe(200)
    }
  })

  test('enforces config.dpop of a route registered before the plugin under global false', async () => {
    const app = await start(async (app) => {
      app.get('/notes', { config: { dpop: { scopes: ['admin'] } } }, handler)
      await app.register(dpop, { ...bench.options(), global: false })
    })
    expect((await bench.call(app, { headers: [] })).status).toBe(401)
    expect((await bench.call(app)).status).toBe(403)
  })

  test('leaves routes without config.dpop, or with config.dpop false, unprotected under global false', async () => {
    const app = await start(async (app) => {
      await app.register(dpop, { ...bench.options(), global: false })
      app.get('/notes', handler)
      app.get('/health', { config: { dpop: false } }, handler)
    })
    for (const target of ['/notes', '/health']) expect((await bench.call(app, { target, headers: [] })).status).toBe(200)
  })

  test.each<[config: unknown, message: string]>([
    ['yes', '"config.dpop" must be true, false or a policy with a requirement'],
    [null, '"config.dpop" must be true, false or a policy with a requirement'],
    [{ scope: ['admin'] }, '"config.dpop.scope" is not an option; did you mean "config.dpop.scopes"?'],
    [{}, '"config.dpop" must be true, false or a policy with a requirement'],
    [{ scopes: 'admin' }, '"config.dpop.scopes" must be one or more scope names without spaces']
  ])('rejects the route configuration dpop: %j with a TypeError when the route is registered', async (config, message) => {
    for (const global of [true, false]) {
      const app = fastify()
      await app.register(dpop, { ...bench.options(), global })
      expect(() => app.get('/notes', { config: { dpop: config } as never }, handler)).toThrow(new TypeError(message))
    }
  })

  test('compares htu with the URL before rewriteUrl (RFC 9449 §4.2)', async () => {
    const app = await start(
      async (app) => {
        await app.register(dpop, bench.options())
        app.get('/internal', handler)
      },
      { rewriteUrl: () => '/internal' }
    )
    expect((await bench.call(app, { target: '/notes' })).status).toBe(200)
    expect((await bench.call(app, { target: '/notes', proof: { url: 'https://api.example/internal' } })).status).toBe(401)
  })

  test('verifies requests of inject()', async () => {
    const app = fastify()
    await app.register(dpop, bench.options())
    app.get('/notes', handler)
    const headers = Object.fromEntries(await bench.credentials())
    expect((await app.inject({ url: '/notes', headers })).statusCode).toBe(200)
    expect((await app.inject({ url: '/notes', headers })).statusCode).toBe(401)
  })

  test('verifies a request once when registered twice with one options object and a shared store (RFC 9449 §11.1)', async () => {
    const options = bench.options({ replay: memoryReplayStore() })
    const app = await start(async (app) => {
      await app.register(dpop, options)
      await app.register(async (scope) => {
        await scope.register(dpop, options)
        scope.get('/notes', handler)
      })
    })
    expect((await bench.call(app)).status).toBe(200)
  })

  test('accepts a verifier instead of options', async () => {
    const app = await start(async (app) => {
      await app.register(dpop, createVerifier(bench.options()) as never)
      app.get('/notes', handler)
    })
    expect((await bench.call(app)).status).toBe(200)
  })

  test.each<[title: string, options: object, message: string]>([
    ['an unknown hook', { hook: 'onSend' }, '"hook" must be one of onRequest'],
    ['a global that is not a boolean', { global: 'no' }, '"global" must be true or false'],
    ['a verifier combined with options', { verifier: { verifyRequest() {} } }, '"verifier" must not be combined'],
    ['a prefix, which would have no effect', { prefix: '/api' }, '"prefix" is not an option']
  ])('rejects %s with a TypeError', async (_title, options, message) => {
    const app = fastify()
    const registered = app.register(dpop, { ...bench.options(), ...options } as DPoPPluginOptions).ready()
    await expect(registered).rejects.toThrow(TypeError)
    await expect(registered).rejects.toThrow(message)
  })

  test.each([[[]], [['']], [['a b']]])(
    'requireScopes(...%j) throws a TypeError when the route is created (RFC 6749 §3.3)',
    (scopes) => {
      expect(() => requireScopes(...scopes)).toThrow(TypeError)
    }
  )
})
