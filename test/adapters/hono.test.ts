import { type HttpBindings, serve as serveNode } from '@hono/node-server'
import { type DPoPVariables, dpop, requireScopes } from 'dpop-guard/hono'
import { type Context, Hono } from 'hono'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import {
  type AppSpec,
  BASE_URL,
  Bench,
  closeServer,
  describeAdapter,
  type Framework,
  otherChallenge,
  type RunningApp,
  show
} from './contract.js'

type Env = { Bindings: HttpBindings; Variables: DPoPVariables }

function makeApp(spec: AppSpec): Hono<Env> {
  const app = new Hono<Env>()
  app.use(async (c, next) => {
    c.header('Vary', 'Origin')
    c.header('WWW-Authenticate', otherChallenge)
    await next()
  })
  if (spec.hasErrorHandler) {
    app.onError((error, c) => {
      const { status = 500, code } = error as { status?: number; code?: string }
      return c.json({ code }, status as 500)
    })
  }
  const guards = spec.isUnguarded ? [] : [dpop(spec.guard)]
  for (const guard of spec.isGuardedTwice ? [...guards, ...guards] : guards) app.use(guard)
  const response = async (c: Context<Env>) => {
    spec.onHandled(c.get('dpop'))
    return c.json(show(c.get('dpop'), c.req.method === 'POST' ? await c.req.text() : undefined))
  }
  const routes = new Hono<Env>().get('/notes', response).post('/notes', response).get('/admin', requireScopes('admin'), response)
  return app.route('/api', routes).route('/', routes)
}

async function serve(app: { fetch(request: Request): Response | Promise<Response> }): Promise<RunningApp> {
  return await new Promise((resolve) => {
    const server = serveNode({ fetch: (request) => app.fetch(request), port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({ port, close: () => closeServer(server) })
    )
  })
}

const framework: Framework = { name: 'Hono 4', isFetch: true, start: async (spec) => serve(makeApp(spec)) }
describeAdapter(framework)

describe('Hono 4, beyond the contract', () => {
  const bench = new Bench(framework)
  beforeAll(() => bench.init())
  afterEach(() => bench.stop())

  test('rejects the second of two calls with one Request object as a replay (RFC 9449 §11.1)', async () => {
    const app = makeApp({ guard: bench.options(), onHandled: bench.handled })
    const request = new Request(`${BASE_URL}/notes`, { headers: (await bench.credentials()) as [string, string][] })
    expect((await app.fetch(request)).status).toBe(200)
    expect((await app.fetch(request)).status).toBe(401)
  })

  test('the default error handler responds with the body of the error (RFC 6749 §5.2)', async () => {
    const response = await bench.call(await bench.start(), { proof: false })
    expect(JSON.parse(response.body)).toEqual({
      error: 'invalid_dpop_proof',
      error_description: 'The DPoP header field is missing'
    })
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
