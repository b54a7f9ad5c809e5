/** An outage is logged with its cause in every framework, and never sent to the client; a rejection is logged on one line at most. */

import { createServer } from 'node:http'
import { Writable } from 'node:stream'
import { format } from 'node:util'
import type { VerifierOptions } from 'dpop-guard'
import { dpop as expressGuard } from 'dpop-guard/express'
import { dpop as fastifyGuard } from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import { dpop as honoGuard } from 'dpop-guard/hono'
import { dpop as koaGuard } from 'dpop-guard/koa'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { logOutage } from '../../adapters/shared/outage-log.js'
import { DPoPUnavailableError } from '../../src/errors.js'
import { Bench, closeServer, listen, type RunningApp } from './contract.js'

type Options = VerifierOptions & { readonly optional?: false }
type Send = (headers: Record<string, string>) => Promise<{ status: number; body: string }>

/** Lines that a framework logs, on the console or in its own log. */
const lines: string[] = []
const record = (...args: unknown[]) =>
  void lines.push(
    ...format(...args)
      .trim()
      .split('\n')
  )

async function overHttp(app: RunningApp, send: (send: Send) => Promise<void>): Promise<void> {
  try {
    await send(async (headers) => {
      const response = await fetch(`http://127.0.0.1:${app.port}/notes`, { headers })
      return { status: response.status, body: await response.text() }
    })
  } finally {
    await app.close()
    // Express logs an error after its response.
    for (let turn = 0; turn < 10; turn++) await new Promise((resolve) => setImmediate(resolve))
  }
}

const frameworks: [name: string, run: (options: Options, send: (send: Send) => Promise<void>) => Promise<void>][] = [
  [
    'Express',
    async (options, send) => {
      const app = express()
      app.set('env', 'production')
      app.use(expressGuard(options))
      const server = createServer(app)
      await overHttp({ port: await listen(server), close: () => closeServer(server) }, send)
    }
  ],
  [
    'Fastify',
    async (options, send) => {
      const stream = new Writable({
        write(chunk, _encoding, done) {
          record(String(chunk))
          done()
        }
      })
      const app = fastify({ logger: { level: 'error', stream } })
      await app.register(fastifyGuard, options)
      await app.listen({ port: 0, host: '127.0.0.1' })
      await overHttp({ port: (app.server.address() as { port: number }).port, close: () => app.close() }, send)
    }
  ],
  [
    'Koa',
    async (options, send) => {
      const app = new Koa()
      app.use(koaGuard(options) as Koa.Middleware)
      const server = createServer(app.callback())
      await overHttp({ port: await listen(server), close: () => closeServer(server) }, send)
    }
  ],
  [
    'Hono',
    async (options, send) => {
      const app = new Hono()
      app.use(honoGuard(options))
      await send(async (headers) => {
        const response = await app.request('https://api.example/notes', { headers })
        return { status: response.status, body: await response.text() }
      })
    }
  ],
  [
    'Fetch',
    async (options, send) => {
      const handler = withDPoP(options, () => new Response('ok'))
      await send(async (headers) => {
        const response = await handler(new Request('https://api.example/notes', { headers }))
        return { status: response.status, body: await response.text() }
      })
    }
  ]
]

describe.each(frameworks)('%s', (name, run) => {
  const bench = new Bench({ name, start: () => Promise.reject(new Error('not used')) })
  beforeAll(() => bench.init())
  beforeEach(() => {
    lines.length = 0
    vi.spyOn(console, 'error').mockImplementation(record)
  })
  afterEach(() => void vi.restoreAllMocks())

  test('logs an outage with URL and error code once, and sends neither to the client', async () => {
    // A separate host, because an outage is logged once per cause.
    const jwksUri = `https://${name.toLowerCase()}.keys.example/jwks`
    const refused = Object.assign(new Error('connect failed'), { code: 'ECONNREFUSED' })
    const fetchKeys = () => Promise.reject(new TypeError('fetch failed', { cause: refused }))
    const options = {
      ...bench.options({ issuer: { issuer: bench.issuer.issuer, jwksUri }, fetch: fetchKeys }),
      optional: false as const
    }
    await run(options, async (send) => {
      for (let i = 0; i < 3; i++) {
        const { status, body } = await send(Object.fromEntries(await bench.credentials()))
        expect(status).toBe(503)
        expect(body).not.toMatch(/keys\.example|ECONNREFUSED/)
      }
    })
    const text = lines.join('\n')
    expect(text).toContain(jwksUri)
    expect(text).toContain('ECONNREFUSED')
    expect(text).not.toContain('eyJ')
    expect(lines.filter((line) => line.includes('dpop-guard: ERR_DPOP_KEYS_UNAVAILABLE'))).toHaveLength(1)
  })

  test('logs a rejection on at most one line, without a stack', async () => {
    await run({ ...bench.options(), optional: false }, async (send) => {
      const { status } = await send({})
      expect(status).toBe(401)
    })
    expect(lines).toEqual(
      name === 'Express' ? ['DPoPError: A DPoP-bound access token is required (ERR_DPOP_CREDENTIALS_MISSING)'] : []
    )
  })
})

test('logOutage logs a cause again after its interval, other causes immediately, and no rejections', () => {
  vi.useFakeTimers({ now: 1_800_000_000_000, toFake: ['Date'] })
  const log = vi.fn()
  const error = (message: string) => new DPoPUnavailableError('ERR_DPOP_KEYS_UNAVAILABLE', new Error(message))
  logOutage(error('first'), log)
  logOutage(error('first'), log)
  logOutage(error('second'), log)
  logOutage(new Error('unrelated'), log)
  expect(log).toHaveBeenCalledTimes(2)
  vi.advanceTimersByTime(10_001)
  logOutage(error('first'), log)
  expect(log).toHaveBeenCalledTimes(3)
  // The clock is set back by a day.
  vi.setSystemTime(1_800_000_000_000 - 86_400_000)
  logOutage(error('first'), log)
  expect(log).toHaveBeenCalledTimes(4)
  vi.useRealTimers()
})

describe('two guards of one request', () => {
  const bench = new Bench({ name: '', start: () => Promise.reject(new Error('not used')) })
  beforeAll(() => bench.init())

  async function send(...guards: object[]) {
    const app = express()
    app.set('env', 'test')
    for (const options of guards) app.use(expressGuard(options as Options))
    app.get('/notes', (_req, res) => void res.send('ok'))
    const server = createServer(app)
    const running = { port: await listen(server), close: () => closeServer(server) }
    const { status } = await bench.call(running)
    await running.close()
    return status
  }

  test('with equal options and one replay store verify it once', async () => {
    const reserved = new Set<string>()
    const reserve = vi.fn((key: string) => !reserved.has(key) && Boolean(reserved.add(key)))
    const replay = { reserve }
    expect(await send(bench.options({ replay }), bench.options({ replay }))).toBe(200)
    expect(reserve).toHaveBeenCalledTimes(1)
  })

  test.each<[name: string, more: Partial<VerifierOptions>]>([
    ['another member', { proof: { maxAgeSeconds: 60 } }],
    ['another function', { baseUrl: () => 'https://api.example' }],
    ['another member of an array', { audience: ['https://api.example', 'x'] }]
  ])('with different options and one replay store are an error of the application, not a replay: %s', async (_name, more) => {
    const reserved = new Set<string>()
    const replay = { reserve: (key: string) => !reserved.has(key) && Boolean(reserved.add(key)) }
    expect(await send(bench.options({ replay }), bench.options({ replay, ...more }))).toBe(503)
  })
})
