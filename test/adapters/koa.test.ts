import { createServer, type RequestListener } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import { text } from 'node:stream/consumers'
import { dpop, requireScopes } from 'dpop-guard/koa'
import express from 'express'
import Koa, { type Middleware } from 'koa'
import mount from 'koa-mount'
// @ts-expect-error Koa 2 is installed under another name, without types of its own.
import Koa2 from 'koa2'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type AppSpec,
  BASE_URL,
  Bench,
  closeServer,
  describeAdapter,
  type Framework,
  listen,
  otherChallenge,
  show
} from './contract.js'

const handleErrors: Middleware = async (ctx, next) => {
  try {
    await next()
  } catch (error) {
    const { status = 500, code } = error as { status?: number; code?: string }
    ctx.status = status
    ctx.body = { code }
  }
}

function makeApp(Application: typeof Koa, spec: AppSpec): Koa {
  const app = new Application()
  app.silent = true
  app.use(async (ctx, next) => {
    ctx.set('Vary', 'Origin')
    ctx.set('WWW-Authenticate', otherChallenge)
    await next()
  })
  if (spec.hasErrorHandler) app.use(handleErrors)
  const guards = spec.isUnguarded ? [] : [dpop(spec.guard)]
  for (const guard of spec.isGuardedTwice ? [...guards, ...guards] : guards) app.use(guard)
  const needsAdmin = requireScopes('admin')
  const response: Middleware = async (ctx) => {
    spec.onHandled(ctx.state['dpop'])
    ctx.body = show(ctx.state['dpop'], ctx.method === 'POST' ? await text(ctx.req) : undefined)
  }
  const route: Middleware = async (ctx, next) => {
    if (ctx.path === '/notes') await response(ctx, next)
    if (ctx.path === '/admin') await needsAdmin(ctx, () => response(ctx, next))
  }
  app.use(mount('/api', route))
  app.use(route)
  return app
}

async function serve(
  app: { callback(): RequestListener },
  create: typeof createServer | typeof createHttp2Server = createServer
) {
  const server = (create as typeof createServer)(app.callback())
  return { port: await listen(server), close: () => closeServer(server) }
}

const frameworks: Framework[] = [
  { name: 'Koa 3', start: (spec) => serve(makeApp(Koa, spec)) },
  { name: 'Koa 2', start: (spec) => serve(makeApp(Koa2, spec)) },
  {
    name: 'Koa 3 over HTTP/2',
    isHttp2: true,
    hangsOnErrorsOfHead: true,
    start: (spec) => serve(makeApp(Koa, spec), createHttp2Server)
  }
]
frameworks.forEach(describeAdapter)

describe('Koa, beyond the contract', () => {
  const bench = new Bench(frameworks[0] as Framework)
  beforeAll(() => bench.init())
  afterEach(() => bench.stop())

  const fixed = Object.defineProperty(new Error('fixed'), 'headers', { value: {} })
  test.each([['a string'], [undefined], [Object.freeze(new Error('frozen'))], [fixed]])(
    'an error of the application that cannot have header fields is thrown unchanged: %s',
    async (value) => {
      const app = new Koa()
      const thrown: unknown[] = []
      app.use(async (ctx, next) => {
        await next().catch((error: unknown) => thrown.push(error))
        ctx.body = 'ok'
      })
      app.use(dpop(bench.options({ nonce: { secrets: ['x'.repeat(32)], required: () => false, onEveryResponse: true } })))
      app.use(() => Promise.reject(value))
      const running = await serve(app)
      expect((await bench.call(running)).status).toBe(200)
      expect(thrown).toEqual([value])
      expect(thrown[0]).toBe(value)
      await running.close()
    }
  )

  test('one error of the application, thrown for several requests, has the nonce of each of them only (RFC 9449 §8.2)', async () => {
    const nonce = { secrets: ['x'.repeat(32)], required: () => false, onEveryResponse: true, maxAgeSeconds: 60 }
    const app = new Koa()
    app.silent = true
    for (let guard = 0; guard < 2; guard++) app.use(dpop(bench.options({ nonce })))
    const shared = Object.assign(new Error('taken'), { status: 409, expose: true, headers: { 'X-Reason': 'taken' } })
    app.use(() => Promise.reject(shared))
    const running = await serve(app)
    const nonces: (string | undefined)[] = []
    for (let request = 0; request < 2; request++) {
      const { status, lines } = await bench.call(running)
      expect([status, lines('X-Reason'), lines('DPoP-Nonce').length]).toEqual([409, ['taken'], 1])
      nonces.push(lines('DPoP-Nonce')[0])
      bench.clock.advance(31)
    }
    expect(nonces[0]).not.toBe(nonces[1])
    await running.close()
  })

  test('middleware can add a header field to an error of the application, besides those of the guard', async () => {
    const app = new Koa()
    app.silent = true
    app.use((_ctx, next) =>
      next().catch((error: { headers: Record<string, string> }) => {
        error.headers['X-Trace'] = '7'
        throw error
      })
    )
    app.use(dpop(bench.options({ nonce: { secrets: ['x'.repeat(32)], required: () => false, onEveryResponse: true } })))
    app.use((ctx) => ctx.throw(409, { headers: { 'X-Reason': 'taken' } }))
    const running = await serve(app)
    const { status, lines } = await bench.call(running)
    expect([status, lines('X-Trace'), lines('X-Reason')]).toEqual([409, ['7'], ['taken']])
    expect(lines('DPoP-Nonce')).toHaveLength(1)
    await running.close()
  })

  test('compares htu with the URL before middleware changes ctx.url (RFC 9449 §4.2)', async () => {
    const app = new Koa()
    app.use(async (ctx, next) => {
      ctx.url = '/internal'
      await next()
    })
    app.use(dpop(bench.options()))
    app.use((ctx) => {
      ctx.body = ctx.url
    })
    const running = await serve(app)
    const response = await bench.call(running, { target: '/notes' })
    expect([response.status, response.body]).toEqual([200, '/internal'])
    await running.close()
  })

  test('an application that is mounted in Express requires the mount path in htu (RFC 9449 §4.2)', async () => {
    const app = new Koa()
    app.silent = true
    app.use(dpop(bench.options()))
    app.use((ctx) => {
      ctx.body = ctx.url
    })
    const running = await serve({ callback: () => express().use('/api', app.callback()) })
    const response = await bench.call(running, { target: '/api/notes' })
    expect([response.status, response.body]).toEqual([200, '/notes'])
    const stripped = await bench.call(running, { target: '/api/notes', proof: { url: `${BASE_URL}/notes` } })
    expect(stripped.status).toBe(401)
    await running.close()
  })

  test('the default error handler responds with the description of the error', async () => {
    const response = await bench.call(await bench.start(), { proof: false })
    expect(response.body).toBe('The DPoP header field is missing')
  })

  test.each([[[]], [['']], [['a b']]])(
    'requireScopes(...%j) throws a TypeError when the route is created (RFC 6749 §3.3)',
    (scopes) => {
      expect(() => requireScopes(...scopes)).toThrow(TypeError)
    }
  )

  test('the middleware functions have the names of their exports', () => {
    const options = { issuer: 'https://issuer.example', baseUrl: BASE_URL }
    expect([dpop(options).name, requireScopes('a').name]).toEqual(['dpop', 'requireScopes'])
  })
})
