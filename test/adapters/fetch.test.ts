import { serve as serveNode } from '@hono/node-server'
import { createVerifier, type VerifiedRequest } from 'dpop-guard'
import { resourceMetadata, withDPoP } from 'dpop-guard/fetch'
import { afterEach, beforeAll, describe, expect, test } from 'vitest'
import { VerifiedRequest as VerifiedRequestClass } from '../../src/verified-request.js'
import { type AppSpec, BASE_URL, Bench, closeServer, describeAdapter, type Framework, type RunningApp, show } from './contract.js'

function makeHandler({ guard, onHandled }: AppSpec): (request: Request) => Promise<Response> {
  const handler = async (request: Request, auth: VerifiedRequest | undefined): Promise<Response> => {
    onHandled(auth)
    const body = request.method === 'POST' ? await request.text() : undefined
    return Response.json(show(auth, body), { headers: { Vary: 'Origin' } })
  }
  const forNotes = withDPoP(guard as never, handler)
  const forAdmin = withDPoP(guard as never, handler, { scopes: ['admin'] })
  const withVary = (response: Response) => {
    if (!response.headers.has('Vary')) response.headers.set('Vary', 'Origin')
    return response
  }
  return async (request) => withVary(await (new URL(request.url).pathname === '/admin' ? forAdmin : forNotes)(request))
}

async function serve(fetch: (request: Request) => Promise<Response>): Promise<RunningApp> {
  return await new Promise((resolve) => {
    const server = serveNode({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({ port, close: () => closeServer(server) })
    )
  })
}

const framework: Framework = {
  name: 'Fetch',
  isFetch: true,
  isHandlerOnly: true,
  start: async (spec) => serve(makeHandler(spec))
}
describeAdapter(framework)

describe('Fetch, beyond the contract', () => {
  test('resourceMetadata() responds with 503 if the function of options throws', () => {
    const metadata = resourceMetadata(() => {
      throw new Error('no environment')
    })
    const response = metadata(new Request('https://api.example/.well-known/oauth-protected-resource'))
    expect([response?.status, response?.headers.get('retry-after')]).toEqual([503, '1'])
  })

  const bench = new Bench(framework)
  beforeAll(() => bench.init())
  afterEach(() => bench.stop())

  async function request(): Promise<Request> {
    return new Request(`${BASE_URL}/notes`, { headers: Object.fromEntries(await bench.credentials()) })
  }

  test('passes further arguments of the runtime to the handler', async () => {
    const handler = withDPoP({ ...bench.options(), optional: false }, (_request, auth, env: { name: string }, id: number) =>
      Response.json([auth.scheme, env.name, id])
    )
    expect(await (await handler(await request(), { name: 'worker' }, 7)).json()).toEqual(['DPoP', 'worker', 7])
  })

  test('rejects the second of two calls with one Request object as a replay (RFC 9449 §11.1)', async () => {
    const handler = withDPoP(bench.options(), () => new Response('ok'))
    const same = await request()
    expect((await handler(same)).status).toBe(200)
    expect((await handler(same)).status).toBe(401)
  })

  test('accepts one of concurrent calls with one Request object (RFC 9449 §11.1)', async () => {
    const handler = withDPoP(bench.options(), async () => {
      await new Promise((resolve) => setImmediate(resolve))
      return new Response('ok')
    })
    const same = await request()
    const statuses = (await Promise.all(Array.from({ length: 5 }, () => handler(same)))).map(({ status }) => status)
    expect(statuses.toSorted()).toEqual([200, 401, 401, 401, 401])
  })

  test('a handler that is wrapped twice with equal options verifies a request once', async () => {
    const options = bench.options()
    const handler = withDPoP(
      options,
      withDPoP(options, () => new Response('ok'))
    )
    const same = await request()
    expect((await handler(same)).status).toBe(200)
    expect((await handler(same)).status).toBe(401)
  })

  test('the response to a rejected request has the body of RFC 6749 §5.2', async () => {
    const handler = withDPoP(bench.options(), () => new Response('ok'))
    const response = await handler(new Request(`${BASE_URL}/notes`, { headers: { Authorization: 'DPoP a' } }))
    expect(await response.json()).toEqual({
      error: 'invalid_dpop_proof',
      error_description: 'The DPoP header field is missing'
    })
  })

  /** A verifier whose verified requests have a nonce for the response. */
  function nonceVerifier() {
    const verifier = createVerifier({ ...bench.options(), optional: false })
    return {
      ...verifier,
      async verifyRequest(request: Request) {
        const auth = await verifier.verifyRequest(request)
        return new VerifiedRequestClass({ ...auth, responseHeaders: { 'DPoP-Nonce': 'next' } }, auth.token, auth.proof)
      }
    }
  }

  test.each([0, 101])('returns a response of status %d unchanged, because it cannot be copied', async (status) => {
    const response = Object.defineProperty(new Response(), 'status', { value: status })
    expect(await withDPoP(nonceVerifier() as never, () => response)(await request())).toBe(response)
  })

  test('adds header fields to a copy of an immutable response (RFC 9449 §8.2)', async () => {
    const handler = withDPoP(nonceVerifier() as never, () => Response.redirect('https://api.example/other'))
    const response = await handler(await request())
    expect([response.status, response.headers.get('Location'), response.headers.get('DPoP-Nonce')]).toEqual([
      302,
      'https://api.example/other',
      'next'
    ])
  })

  test('an error of the handler is thrown unchanged', async () => {
    const handler = withDPoP(bench.options(), () => {
      throw new RangeError('mine')
    })
    await expect(handler(await request())).rejects.toThrow(RangeError)
  })

  test('an unexpected error of a verifier is thrown, not sent as a rejection', async () => {
    const broken = { verifyRequest: () => Promise.reject(new RangeError('broken')), requireScopes() {} }
    const handler = withDPoP(broken as never, () => new Response('ok'))
    await expect(handler(await request())).rejects.toThrow('broken')
  })

  test.each([[[]], [['']], [['a b']], ['a']])(
    'rejects the scopes %j with a TypeError when the handler is created (RFC 6749 §3.3)',
    (scopes) => {
      expect(() => withDPoP(bench.options(), () => new Response(), { scopes: scopes as string[] })).toThrow(TypeError)
    }
  )

  test.each<[settings: unknown, message: string]>([
    [{ scope: ['admin'] }, '"scope" is not an option; did you mean "scopes"?'],
    [null, '"options" must be an object'],
    [['admin'], '"options" must be an object']
  ])('rejects the settings %j with a TypeError when the handler is created', (settings, message) => {
    expect(() => withDPoP(bench.options(), () => new Response(), settings as never)).toThrow(new TypeError(message))
  })
})
