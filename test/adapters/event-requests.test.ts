/** The diagnostics events have the method and the path template of the route, if the framework provides it when the guard runs. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer } from 'node:http'
import Router from '@koa/router'
import type { RefusedEvent } from 'dpop-guard'
import { dpop as expressGuard, requireScopes as expressScopes } from 'dpop-guard/express'
import { dpop as fastifyGuard, requireScopes as fastifyScopes } from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import { dpop as honoGuard, requireScopes as honoScopes } from 'dpop-guard/hono'
import { dpop as koaGuard, requireScopes as koaScopes } from 'dpop-guard/koa'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { createWorld, type World } from '../support/world.js'
import { closeServer, listen } from './contract.js'

let world: World
let headers: Record<string, string>
beforeAll(async () => {
  world = await createWorld()
})

/** The `refused` events of a request to `/api/notes/7` without credentials. */
async function eventsOf(listener: Parameters<typeof createServer>[1], path = '/api/notes/7'): Promise<RefusedEvent[]> {
  const server = createServer(listener as never)
  const port = await listen(server)
  onTestFinished(() => closeServer(server))
  return await collect(() => fetch(`http://127.0.0.1:${port}${path}`, { method: 'DELETE', headers }))
}

async function collect(send: () => Promise<unknown>): Promise<RefusedEvent[]> {
  const events: RefusedEvent[] = []
  const keep = (event: unknown) => void events.push(event as RefusedEvent)
  subscribe('dpop-guard:refused', keep)
  await send()
  unsubscribe('dpop-guard:refused', keep)
  return events
}

const withoutCredentials = (route: string | undefined) => [
  { code: 'ERR_DPOP_CREDENTIALS_MISSING', detail: {}, method: 'DELETE', route }
]
const handler = (_req: unknown, res: { end(): void }) => res.end()

describe('a rejected request', () => {
  beforeAll(() => {
    headers = {}
  })

  test('Express: the route in middleware of the route, with its mount path', async () => {
    const app = express().set('env', 'test')
    app.use('/api', express.Router().delete('/notes/:id', expressGuard(world.options), handler))
    expect(await eventsOf(app)).toEqual(withoutCredentials('/api/notes/:id'))
  })

  test('Express: none in middleware of the application, and none for a pattern that is not a string', async () => {
    const app = express().set('env', 'test')
    app.use(expressGuard(world.options)).delete('/api/notes/:id', handler)
    expect(await eventsOf(app)).toEqual(withoutCredentials(undefined))
    const withPattern = express().set('env', 'test')
    withPattern.delete(/notes/, expressGuard(world.options), handler)
    expect(await eventsOf(withPattern)).toEqual(withoutCredentials(undefined))
  })

  test('Fastify: the route with its prefix, and none for an unknown URL', async () => {
    const app = fastify()
    await app.register(fastifyGuard, world.options)
    await app.register(async (scope) => void scope.delete('/notes/:id', async () => 'ok'), { prefix: '/api' })
    onTestFinished(() => app.close())
    const send = (url: string) => collect(() => app.inject({ method: 'DELETE', url }))
    expect(await send('/api/notes/7')).toEqual(withoutCredentials('/api/notes/:id'))
    expect(await send('/unknown')).toEqual(withoutCredentials(undefined))
  })

  test('Koa: the route in middleware of @koa/router, with its prefix', async () => {
    const app = new Koa()
    app.silent = true
    const router = new Router({ prefix: '/api' })
    router.delete('/notes/:id', koaGuard(world.options) as never, (ctx) => void Object.assign(ctx, { body: 'ok' }))
    expect(await eventsOf(app.use(router.routes()).callback())).toEqual(withoutCredentials('/api/notes/:id'))
    const before = new Koa()
    before.silent = true
    before.use(koaGuard(world.options)).use(router.routes() as never)
    expect(await eventsOf(before.callback())).toEqual(withoutCredentials(undefined))
  })

  test('Hono: the route of the handler, in any middleware', async () => {
    const app = new Hono().use(honoGuard(world.options)).route(
      '/api',
      new Hono().delete('/notes/:id', (c) => c.text('ok'))
    )
    const send = () => collect(async () => app.request('https://api.example/api/notes/7', { method: 'DELETE' }))
    expect(await send()).toEqual(withoutCredentials('/api/notes/:id'))
  })

  test('Fetch: only the method', async () => {
    const handle = withDPoP(world.options, () => new Response())
    const send = () => collect(() => handle(new Request('https://api.example/api/notes/7', { method: 'DELETE' })))
    expect(await send()).toEqual(withoutCredentials(undefined))
  })
})

describe('a request without a required scope', () => {
  beforeAll(async () => {
    const request = await world.request({ method: 'DELETE', target: '/api/notes/7' })
    headers = request.headers as Record<string, string>
  })
  const withoutScope = [{ code: 'ERR_DPOP_SCOPE_INSUFFICIENT', method: 'DELETE', route: '/api/notes/:id' }]
  /** Each with its own replay store, because all send the same proof. */
  const options = () => ({ ...world.options })

  test('Express', async () => {
    const app = express().set('env', 'test')
    app.use(expressGuard(options())).delete('/api/notes/:id', expressScopes('a'), handler)
    expect(await eventsOf(app)).toMatchObject(withoutScope)
  })

  test('Fastify', async () => {
    const app = fastify()
    await app.register(fastifyGuard, options())
    app.delete('/api/notes/:id', { preHandler: fastifyScopes('a') }, async () => 'ok')
    onTestFinished(() => app.close())
    const send = () => collect(() => app.inject({ method: 'DELETE', url: '/api/notes/7', headers }))
    expect(await send()).toMatchObject(withoutScope)
  })

  test('Koa', async () => {
    const app = new Koa()
    app.silent = true
    const router = new Router()
    router.delete('/api/notes/:id', koaScopes('a') as never, (ctx) => void Object.assign(ctx, { body: 'ok' }))
    app.use(koaGuard(options())).use(router.routes() as never)
    expect(await eventsOf(app.callback())).toMatchObject(withoutScope)
  })

  test('Hono', async () => {
    const app = new Hono().use(honoGuard(options())).delete('/api/notes/:id', honoScopes('a'), (c) => c.text('ok'))
    const send = () => collect(async () => app.request('https://api.example/api/notes/7', { method: 'DELETE', headers }))
    expect(await send()).toMatchObject(withoutScope)
  })
})
