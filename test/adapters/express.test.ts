import { createServer } from 'node:http'
import { createVerifier } from 'dpop-guard'
import { dpop, requireScopes } from 'dpop-guard/express'
import express, { type ErrorRequestHandler, type Express } from 'express'
// @ts-expect-error Express 4 is installed under another name, without types of its own.
import express4 from 'express4'
import { afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
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

const silent: ErrorRequestHandler = (error, _req, res, _next) => {
  res.status(error.status ?? 500).json({ code: error.code })
}

function makeApp(factory: typeof express, spec: AppSpec): Express {
  const app = factory()
  // The default error handler prints errors, which the output of the tests does not need.
  app.set('env', 'test')
  app.use((_req, res, next) => {
    res.setHeader('Vary', 'Origin')
    res.setHeader('WWW-Authenticate', otherChallenge)
    next()
  })
  const guard = spec.isUnguarded ? [] : [dpop(spec.guard)]
  if (guard.length > 0) app.use(...guard)
  if (spec.isGuardedTwice) app.use(...guard)
  const router = factory.Router()
  const response: express.RequestHandler = (req, res) => {
    spec.onHandled(req.dpop)
    res.json(show(req.dpop, req.body))
  }
  router.get('/notes', response)
  router.post('/notes', factory.text({ type: () => true }), response)
  router.get('/admin', requireScopes('admin'), response)
  app.use('/api', router)
  app.use(router)
  if (spec.hasErrorHandler) app.use(silent)
  return app
}

async function serve(app: Express): Promise<{ port: number; close(): Promise<void> }> {
  const server = createServer(app)
  return { port: await listen(server), close: () => closeServer(server) }
}

const frameworks: [name: string, factory: typeof express][] = [
  ['Express 5', express],
  ['Express 4', express4]
]

for (const [name, factory] of frameworks) {
  const framework: Framework = { name, start: (spec) => serve(makeApp(factory, spec)) }
  describeAdapter(framework)

  describe(`${name}, beyond the contract`, () => {
    const bench = new Bench(framework)
    beforeAll(() => bench.init())
    afterEach(() => bench.stop())

    test('the option property renames the result, which requireScopes uses', async () => {
      const app = factory()
      app.use(dpop(bench.options(), { property: 'auth' }))
      app.get('/notes', requireScopes('notes:read'), (req, res) => {
        res.json({ hasDefault: 'dpop' in req, ...show((req as never as { auth: typeof req.dpop }).auth) })
      })
      const running = await serve(app)
      const response = await bench.call(running)
      expect(JSON.parse(response.body)).toMatchObject({ hasDefault: false, scheme: 'DPoP' })
      await running.close()
    })

    test('a property that Express reserves results in 500 for each request', async () => {
      const app = factory()
      app.set('env', 'test')
      app.use(dpop(bench.options(), { property: 'ip' }))
      app.get('/notes', (_req, res) => void res.json({}))
      const running = await serve(app)
      for (let i = 0; i < 2; i++) expect((await bench.call(running)).status).toBe(500)
      await running.close()
    })

    test('an error of a handler after the guard is passed to Express unchanged', async () => {
      const app = factory()
      app.set('env', 'test')
      app.use(dpop(bench.options()))
      app.get('/notes', () => {
        throw Object.assign(new Error('mine'), { status: 418 })
      })
      const running = await serve(app)
      expect((await bench.call(running)).status).toBe(418)
      await running.close()
    })

    test('a rejection after the response was sent is passed to next()', async () => {
      const [app, onError] = [factory(), vi.fn()]
      app.use((_req, res, next) => {
        res.status(503).end()
        next()
      })
      app.use(dpop(bench.options()))
      app.use(((error, _req, _res, _next) => onError(error)) as ErrorRequestHandler)
      const running = await serve(app)
      expect((await bench.call(running, { headers: [] })).status).toBe(503)
      await vi.waitFor(() => expect(onError).toHaveBeenCalledOnce())
      expect(onError.mock.calls[0]?.[0]).toMatchObject({ code: 'ERR_DPOP_CREDENTIALS_MISSING' })
      await running.close()
    })

    test('two different verifiers each verify the request', async () => {
      const app = factory()
      const replay = { reserve: vi.fn(() => true) }
      app.use(dpop(createVerifier(bench.options({ replay }))), dpop(createVerifier(bench.options({ replay }))))
      app.get('/notes', (req, res) => void res.json(show(req.dpop)))
      const running = await serve(app)
      expect((await bench.call(running)).status).toBe(200)
      expect(replay.reserve).toHaveBeenCalledTimes(2)
      await running.close()
    })

    test('the middleware does not throw on an invalid request object, but passes the error to next()', async () => {
      const next = vi.fn()
      dpop(bench.options())({ method: 'GET', originalUrl: '/' } as never, { getHeader() {}, setHeader() {} } as never, next)
      await vi.waitFor(() => expect(next).toHaveBeenCalledOnce())
      expect(next.mock.calls[0]?.[0]).toMatchObject({ name: 'DPoPUnavailableError', status: 503 })
    })
  })
}

describe('the options of the middleware', () => {
  const options = { issuer: 'https://issuer.example', baseUrl: BASE_URL }

  test.each([[''], [7], [null]])('rejects the property %j with a TypeError', (property) => {
    expect(() => dpop(options, { property: property as string })).toThrow('"property" must be')
  })

  test.each<[settings: unknown, message: string]>([
    [{ propertyName: 'auth' }, '"propertyName" is not an option; did you mean "property"?'],
    [null, '"options" must be an object'],
    ['auth', '"options" must be an object']
  ])('rejects the settings %j with a TypeError', (settings, message) => {
    expect(() => dpop(options, settings as never)).toThrow(new TypeError(message))
  })

  test.each([[[]], [['']], [['a b']], [['"']]])(
    'requireScopes(...%j) throws a TypeError when the route is created (RFC 6749 §3.3)',
    (scopes) => {
      expect(() => requireScopes(...scopes)).toThrow(TypeError)
    }
  )

  test('the middleware functions have the names of their exports', () => {
    expect([dpop(options).name, requireScopes('a').name]).toEqual(['dpop', 'requireScopes'])
  })
})
