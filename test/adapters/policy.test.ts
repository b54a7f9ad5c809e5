import { createServer } from 'node:http'
import { serve as serveNode } from '@hono/node-server'
import type { Policy } from 'dpop-guard'
import * as expressGuard from 'dpop-guard/express'
import * as fastifyGuard from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import * as honoGuard from 'dpop-guard/hono'
import * as koaGuard from 'dpop-guard/koa'
import express, { type ErrorRequestHandler } from 'express'
// @ts-expect-error Express 4 is installed under another name, without types of its own.
import express4 from 'express4'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expect, test } from 'vitest'
import { closeServer, listen, type RunningApp } from './contract.js'
import { type AnyRequest, describePolicies, type PolicyFramework } from './policy-contract.js'

interface Factories<Middleware> {
  requireScopes(...scopes: string[]): Middleware
  requireAnyScope(...scopes: string[]): Middleware
  requireAuthentication(requirement: NonNullable<Policy['authentication']>): Middleware
  authorize(predicate: NonNullable<Policy<AnyRequest>['authorize']>): Middleware
}

/** The middleware of a policy, created by the functions of an adapter. */
function middlewareOf<Middleware>(guard: Factories<Middleware>, policy: Policy<AnyRequest>): Middleware[] {
  const { scopes, anyScope, authentication, authorize } = policy
  return [
    ...(authentication ? [guard.requireAuthentication(authentication)] : []),
    ...(scopes ? [guard.requireScopes(...scopes)] : []),
    ...(anyScope ? [guard.requireAnyScope(...anyScope)] : []),
    ...(authorize ? [guard.authorize(authorize)] : [])
  ]
}

const silent: ErrorRequestHandler = (error, _req, res, _next) => void res.status(error.status ?? 500).json(error)

function expressFramework(name: string, factory: typeof express): PolicyFramework {
  return {
    name,
    async start(options, { early, late }) {
      const app = factory()
      for (const [path, policy] of Object.entries(early))
        app.get(path, expressGuard.dpop(options, policy), (_req, res) => void res.send('ok'))
      for (const [path, policy] of Object.entries(late))
        app.get(path, expressGuard.dpop(options), ...middlewareOf(expressGuard, policy), (_req, res) => void res.send('ok'))
      app.use(silent)
      const server = createServer(app)
      return { port: await listen(server), close: () => closeServer(server) }
    }
  }
}

const frameworks: PolicyFramework[] = [
  expressFramework('Express 5', express),
  expressFramework('Express 4', express4),
  {
    name: 'Fastify 5',
    async start(options, { early, late }) {
      const app = fastify()
      await app.register(fastifyGuard.dpop, options)
      for (const [path, policy] of Object.entries(early)) app.get(path, { config: { dpop: policy } }, async () => 'ok')
      for (const [path, policy] of Object.entries(late))
        app.get(path, { onRequest: middlewareOf(fastifyGuard, policy) }, async () => 'ok')
      await app.listen({ port: 0, host: '127.0.0.1' })
      return { port: (app.server.address() as { port: number }).port, close: () => app.close() }
    }
  },
  {
    name: 'Koa 3',
    async start(options, { early, late }) {
      const app = new Koa()
      app.silent = true
      const stacks = Object.fromEntries([
        ...Object.entries(early).map(([path, policy]) => [path, [koaGuard.dpop(options, policy)]] as const),
        ...Object.entries(late).map(
          ([path, policy]) => [path, [koaGuard.dpop(options), ...middlewareOf<Koa.Middleware>(koaGuard, policy)]] as const
        )
      ])
      app.use(async (ctx, next) => {
        const stack = (stacks[ctx.path] ?? []) as Koa.Middleware[]
        await stack.reduceRight<() => Promise<unknown>>((rest, middleware) => () => middleware(ctx, rest), next)()
      })
      app.use((ctx) => {
        ctx.body = 'ok'
      })
      const server = createServer(app.callback())
      return { port: await listen(server), close: () => closeServer(server) }
    }
  },
  {
    name: 'Hono 4',
    async start(options, { early, late }) {
      const app = new Hono()
      for (const [path, policy] of Object.entries(early)) app.get(path, honoGuard.dpop(options, policy), (c) => c.text('ok'))
      for (const [path, policy] of Object.entries(late)) {
        app.use(path, honoGuard.dpop(options), ...middlewareOf(honoGuard, policy))
        app.get(path, (c) => c.text('ok'))
      }
      return await serveFetch(app.fetch)
    }
  },
  {
    name: 'Fetch',
    hasNoLatePolicies: true,
    async start(options, { early }) {
      const handlers = Object.fromEntries(
        Object.entries(early).map(([path, policy]) => [path, withDPoP(options, () => new Response('ok'), policy)])
      )
      return await serveFetch(async (request) => (await handlers[new URL(request.url).pathname]?.(request)) as Response)
    }
  }
]

async function serveFetch(fetch: (request: Request) => Response | Promise<Response>): Promise<RunningApp> {
  return await new Promise((resolve) => {
    const server = serveNode({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
      resolve({ port, close: () => closeServer(server) })
    )
  })
}

for (const framework of frameworks) describePolicies(framework)

describe('the functions that create middleware', () => {
  const adapters = { express: expressGuard, fastify: fastifyGuard, koa: koaGuard, hono: honoGuard }
  test.each(Object.entries(adapters))('reject an invalid policy with a TypeError that names it: %s', (_name, guard) => {
    const create = guard as Factories<unknown>
    expect(() => create.requireScopes()).toThrow(new TypeError('"scopes" must be one or more scope names without spaces'))
    expect(() => create.requireAnyScope('a b')).toThrow(
      new TypeError('"anyScope" must be one or more scope names without spaces')
    )
    expect(() => create.requireAuthentication({})).toThrow(
      new TypeError('"authentication" must have "acrValues" or "maxAgeSeconds"')
    )
    expect(() => create.requireAuthentication({ maxAge: 5 } as never)).toThrow('"authentication.maxAge" is not an option')
    expect(() => create.authorize(undefined as never)).toThrow(new TypeError('"authorize" must be a function'))
  })

  const options = { issuer: 'https://issuer.example', baseUrl: 'https://api.example' }
  test.each([
    ['dpop-guard/express', () => expressGuard.dpop(options, { anyScopes: ['a'] } as never)],
    ['dpop-guard/koa', () => koaGuard.dpop(options, { anyScopes: ['a'] } as never)],
    ['dpop-guard/hono', () => honoGuard.dpop(options, { anyScopes: ['a'] } as never)],
    ['dpop-guard/fetch', () => withDPoP(options, () => new Response(), { anyScopes: ['a'] } as never)]
  ])('dpop() rejects an unknown setting: %s', (_name, create) => {
    expect(create).toThrow(new TypeError('"anyScopes" is not an option; did you mean "anyScope"?'))
  })
})
