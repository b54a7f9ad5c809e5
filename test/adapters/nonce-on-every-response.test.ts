/** AT-03: with nonce.onEveryResponse, responses of the application with any status have the nonce too. */

import { createServer } from 'node:http'
import { serve as serveNode } from '@hono/node-server'
import type { VerifierOptions } from 'dpop-guard'
import { dpop as expressGuard } from 'dpop-guard/express'
import { dpop as fastifyGuard } from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import { dpop as honoGuard } from 'dpop-guard/hono'
import { dpop as koaGuard } from 'dpop-guard/koa'
import express from 'express'
// @ts-expect-error Express 4 is installed under another name, without types of its own.
import express4 from 'express4'
import fastify from 'fastify'
import { Hono } from 'hono'
import type { HTTPException } from 'hono/http-exception'
import Koa from 'koa'
import { beforeAll, describe, expect, test } from 'vitest'
import { Bench, closeServer, listen, type RunningApp } from './contract.js'

type Start = (options: VerifierOptions & { readonly optional?: false }) => Promise<RunningApp>

const fail = (): never => {
  throw new Error('the application failed')
}

function onExpress(factory: typeof express): Start {
  return async (options) => {
    const app = factory()
    app.set('env', 'test')
    app.use(expressGuard(options))
    app.get('/notes', (_req, res) => void res.send('ok'))
    app.get('/fails', fail)
    const server = createServer(app)
    return { port: await listen(server), close: () => closeServer(server) }
  }
}

const frameworks: [name: string, start: Start][] = [
  ['Express 5', onExpress(express)],
  ['Express 4', onExpress(express4)],
  [
    'Fastify 5',
    async (options) => {
      const app = fastify()
      await app.register(fastifyGuard, options)
      app.get('/notes', async () => 'ok')
      app.get('/fails', async () => fail())
      await app.listen({ port: 0, host: '127.0.0.1' })
      return { port: (app.server.address() as { port: number }).port, close: () => app.close() }
    }
  ],
  [
    'Koa 3',
    async (options) => {
      const app = new Koa()
      app.silent = true
      app.use(koaGuard(options) as Koa.Middleware)
      app.use((ctx) => {
        if (ctx.path === '/fails') fail()
        if (ctx.path === '/notes') ctx.body = 'ok'
      })
      const server = createServer(app.callback())
      return { port: await listen(server), close: () => closeServer(server) }
    }
  ],
  [
    'Hono 4',
    async (options) => {
      const app = new Hono()
      app.onError((error, c) => ('getResponse' in error ? (error as HTTPException).getResponse() : c.text('failed', 500)))
      app.use(honoGuard(options))
      app.get('/notes', (c) => c.text('ok'))
      app.get('/fails', fail)
      return await serveFetch(app.fetch)
    }
  ],
  [
    'Fetch',
    (options) =>
      serveFetch(
        withDPoP(options, (request) => {
          const { pathname } = new URL(request.url)
          return new Response('', { status: pathname === '/notes' ? 200 : pathname === '/fails' ? 500 : 404 })
        })
      )
  ]
]

async function serveFetch(fetch: (request: Request) => Response | Promise<Response>): Promise<RunningApp> {
  return await new Promise((resolve) => {
    const server = serveNode({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({ port, close: () => closeServer(server) })
    )
  })
}

describe.each(frameworks)('%s', (name, start) => {
  const bench = new Bench({ name, start: () => Promise.reject(new Error('not used')) })
  beforeAll(() => bench.init())

  test.each([
    ['/notes', 200],
    ['/unknown', 404],
    ['/fails', 500]
  ])('the response of the application to %s with %i has the current nonce [AT-03]', async (target, status) => {
    const nonce = { secrets: ['a secret of thirty-two characters or more'], onEveryResponse: true }
    const app = await start(bench.options({ nonce }) as never)
    const first = await bench.call(app, { target })
    expect(first.status).toBe(401)
    const [current = ''] = first.lines('DPoP-Nonce')
    const second = await bench.call(app, { target, proof: { nonce: current } })
    expect([second.status, second.lines('DPoP-Nonce')]).toEqual([status, [current]])
    expect(second.lines('Cache-Control').join()).toContain('no-store')
    await app.close()
  })
})
