/** Options that are a function of the environment, and the verifier of a guard, in every adapter. */

import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import { createVerifier, type VerifierOptions } from 'dpop-guard'
import { dpop as expressGuard } from 'dpop-guard/express'
import { dpop as fastifyGuard } from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import { dpop as honoGuard } from 'dpop-guard/hono'
import { dpop as koaGuard } from 'dpop-guard/koa'
import express from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { BASE_URL, createWorld, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

interface Env {
  readonly API_URL?: string
}

/** Options whose `baseUrl` is in the environment. */
const options = () =>
  vi.fn((env: Env): VerifierOptions => ({ ...world.options, baseUrl: env.API_URL ?? 'https://wrong.example' }))

async function statusOf(listener: RequestListener): Promise<number> {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  onTestFinished(() => void server.close())
  const { headers } = (await world.request()) as { headers: Record<string, string> }
  const response = await fetch(`http://127.0.0.1:${(server.address() as AddressInfo).port}/notes`, { headers })
  return response.status
}

async function fetchRequest(): Promise<Request> {
  const { headers } = (await world.request()) as { headers: Record<string, string> }
  return new Request(`${BASE_URL}/notes`, { headers })
}

describe('a function of the environment', () => {
  test.each<[name: string, listenerOf: (given: (env: Env) => VerifierOptions) => RequestListener]>([
    ['Express', (given) => express().use(expressGuard(given), (_req, res) => void res.end())],
    [
      'Koa',
      (given) =>
        new Koa()
          .use(koaGuard(given))
          .use((ctx) => {
            ctx.body = 'ok'
          })
          .callback() as RequestListener
    ]
  ])('%s: is called at the first request with process.env', async (_name, listenerOf) => {
    vi.stubEnv('API_URL', BASE_URL)
    onTestFinished(() => void vi.unstubAllEnvs())
    const given = options()
    const listener = listenerOf(given)
    expect(given).not.toHaveBeenCalled()
    expect(await statusOf(listener)).toBe(200)
    expect(given).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ PATH: process.env['PATH'] }))
  })

  test('Hono: has the members of c.env', async () => {
    const given = options()
    const app = new Hono().use(honoGuard(given)).get('/notes', (c) => c.text('ok'))
    expect((await app.fetch(await fetchRequest(), { API_URL: BASE_URL })).status).toBe(200)
    expect((await app.fetch(await fetchRequest(), { API_URL: 'https://later.example' })).status).toBe(200)
    expect(given).toHaveBeenCalledOnce()
  })

  test('Fetch: has the members of the env of Workers', async () => {
    const given = options()
    const handler = withDPoP(given, (_request, _auth, _env: Env) => new Response('ok'))
    expect((await handler(await fetchRequest(), { API_URL: BASE_URL })).status).toBe(200)
    expect((await handler(await fetchRequest(), { API_URL: 'https://later.example' })).status).toBe(200)
    expect(given).toHaveBeenCalledOnce()
  })

  test('Fetch: a further argument that is not an object is not an environment', async () => {
    vi.stubEnv('API_URL', BASE_URL)
    onTestFinished(() => void vi.unstubAllEnvs())
    const handler = withDPoP(options(), (_request, _auth, _id: number | null) => new Response('ok'))
    expect((await handler(await fetchRequest(), 7)).status).toBe(200)
    expect((await handler(await fetchRequest(), null)).status).toBe(200)
  })

  test('Fastify: evaluates a function when the plugin is loaded', async () => {
    const app = fastify()
    app.register(fastifyGuard, () => ({ ...world.options }))
    app.get('/notes', async () => 'ok')
    onTestFinished(() => app.close())
    const { headers } = (await world.request()) as { headers: Record<string, string> }
    expect((await app.inject({ url: '/notes', headers })).statusCode).toBe(200)
  })
})

describe('the verifier of a guard', () => {
  test('is that of its options, with ready() and nonceHeaders()', async () => {
    const given: VerifierOptions = { ...world.options, nonce: { secrets: [new Uint8Array(32)] } }
    const app = fastify()
    await app.register(fastifyGuard, given)
    onTestFinished(() => app.close())
    const verifiers = [
      expressGuard(given).verifier,
      koaGuard(given).verifier,
      honoGuard(given).verifier,
      withDPoP(given, () => new Response()).verifier,
      app.verifyDPoP.verifier
    ]
    for (const verifier of verifiers) {
      await verifier.ready()
      expect(await verifier.nonceHeaders()).toHaveProperty('DPoP-Nonce')
    }
  })

  test('is the given verifier', async () => {
    const verifier = createVerifier(world.options)
    expect(expressGuard(verifier).verifier).toBe(verifier)
    expect(await verdictOf(koaGuard(verifier).verifier.verifyRequest(await world.request()))).toBe('accepted')
  })
})
