/** One API in every framework, with the CORS package of the framework before the guard. */

import 'reflect-metadata'
import { createServer, type RequestListener } from 'node:http'
import fastifyCors from '@fastify/cors'
import { getRequestListener } from '@hono/node-server'
import koaCors from '@koa/cors'
import { All, Controller, Module, Req, Res, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import cors from 'cors'
import type { VerifierOptions } from 'dpop-guard'
import * as expressGuard from 'dpop-guard/express'
import { dpop as fastifyGuard } from 'dpop-guard/fastify'
import * as honoGuard from 'dpop-guard/hono'
import * as koaGuard from 'dpop-guard/koa'
import { DPoPGuard, DPoPModule } from 'dpop-guard/nestjs'
import express from 'express'
import fastify, { type FastifyInstance } from 'fastify'
import { Hono } from 'hono'
import { cors as honoCors } from 'hono/cors'
import Koa from 'koa'
import { closeServer, type RunningApp } from './contract.js'

export interface CorsApiSpec {
  readonly guard: VerifierOptions
  /** The origins whose pages may use the API. */
  readonly origins: readonly string[]
  /** @defaultValue those of a client that sends JSON */
  readonly allowedHeaders?: readonly string[]
  /** The guard is registered before the CORS package, which is a mistake. */
  readonly isGuardFirst?: boolean
  /** @defaultValue a free port */
  readonly port?: number
  /** Called by the handler with the method of the request. */
  readonly onHandled?: (method: string) => void
}

/**
 * A framework. Its API responds at `path` to every method, OPTIONS included, with the Cookie of the request as `{ cookie }` and the header
 * field `X-Total`. CORS exposes that field and allows credentials.
 */
export interface CorsFramework {
  readonly name: string
  readonly path: string
  /** Nest registers CORS before any guard. */
  readonly canPutGuardFirst: boolean
  start(spec: CorsApiSpec): Promise<RunningApp>
}

/** A header field of the application, which its CORS package exposes. */
const total = ['X-Total', '2'] as const

const jsonClient = ['Authorization', 'DPoP', 'Content-Type']

/** The options of the packages for Express, Fastify and Nest. */
const corsOf = ({ origins, allowedHeaders = jsonClient }: CorsApiSpec) => ({
  origin: [...origins],
  credentials: true,
  allowedHeaders: [...allowedHeaders],
  exposedHeaders: [total[0]]
})

/** Registers two functions in the order of the specification. */
const inOrder = ({ isGuardFirst = false }: CorsApiSpec, first: () => void, second: () => void): void => {
  const steps = [first, second]
  for (const step of isGuardFirst ? steps.toReversed() : steps) step()
}

async function serve(listener: RequestListener, port = 0): Promise<RunningApp> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => void server.listen(port, '127.0.0.1', resolve))
  return { port: (server.address() as { port: number }).port, close: () => closeServer(server) }
}

async function startExpress(spec: CorsApiSpec): Promise<RunningApp> {
  const app = express().set('env', 'test')
  inOrder(
    spec,
    () => app.use(cors(corsOf(spec))),
    () => app.use(expressGuard.resourceMetadata(spec.guard)).use(expressGuard.dpop(spec.guard))
  )
  app.all('/notes', (req, res) => {
    spec.onHandled?.(req.method)
    res.set(...total).json({ cookie: req.get('cookie') })
  })
  return await serve(app, spec.port)
}

async function startKoa(spec: CorsApiSpec): Promise<RunningApp> {
  const app = new Koa()
  app.silent = true
  const { origin, credentials, allowedHeaders, exposedHeaders } = corsOf(spec)
  const allow = (ctx: Koa.Context) => (origin.includes(ctx.get('Origin')) ? ctx.get('Origin') : '')
  inOrder(
    spec,
    () => app.use(koaCors({ origin: allow, credentials, allowHeaders: allowedHeaders, exposeHeaders: exposedHeaders })),
    () => app.use(koaGuard.resourceMetadata(spec.guard)).use(koaGuard.dpop(spec.guard) as Koa.Middleware)
  )
  app.use((ctx) => {
    spec.onHandled?.(ctx.method)
    ctx.set(...total)
    ctx.body = { cookie: ctx.headers.cookie }
  })
  return await serve(app.callback(), spec.port)
}

async function startFastify(spec: CorsApiSpec): Promise<RunningApp> {
  const app = fastify()
  const addCors = (scope: FastifyInstance) =>
    void scope.register(fastifyCors, { ...corsOf(spec), methods: ['GET', 'HEAD', 'POST'] })
  if (!spec.isGuardFirst) addCors(app)
  app.register(
    async (scope) => {
      scope.register(fastifyGuard, spec.guard)
      if (spec.isGuardFirst) addCors(scope)
      scope.all('/notes', async (request, reply) => {
        spec.onHandled?.(request.method)
        reply.header(...total)
        return { cookie: request.headers.cookie }
      })
    },
    { prefix: '/api' }
  )
  await app.listen({ port: spec.port ?? 0, host: '127.0.0.1' })
  return { port: (app.server.address() as { port: number }).port, close: () => app.close() }
}

async function startHono(spec: CorsApiSpec): Promise<RunningApp> {
  const app = new Hono()
  const { origin, credentials, allowedHeaders, exposedHeaders } = corsOf(spec)
  inOrder(
    spec,
    () => app.use(honoCors({ origin, credentials, allowHeaders: allowedHeaders, exposeHeaders: exposedHeaders })),
    () => app.use(honoGuard.resourceMetadata(spec.guard)).use(honoGuard.dpop(spec.guard))
  )
  app.all('/notes', (c) => {
    spec.onHandled?.(c.req.method)
    c.header(...total)
    return c.json({ cookie: c.req.header('cookie') })
  })
  return await serve(getRequestListener(app.fetch), spec.port)
}

interface NestResponse {
  header(name: string, value: string): unknown
  send(body: object): unknown
}

async function startNest(spec: CorsApiSpec, platform: 'express' | 'fastify'): Promise<RunningApp> {
  class NotesController {
    list(req: { method: string; headers: { cookie?: string } }, res: NestResponse) {
      spec.onHandled?.(req.method)
      res.header(...total)
      res.send({ cookie: req.headers.cookie })
    }
  }
  Req()(NotesController.prototype, 'list', 0)
  Res()(NotesController.prototype, 'list', 1)
  All('notes')(NotesController.prototype, 'list', Object.getOwnPropertyDescriptor(NotesController.prototype, 'list') as never)
  UseGuards(DPoPGuard)(NotesController)
  Controller()(NotesController)
  class AppModule {}
  Module({ imports: [DPoPModule.forRoot({ ...spec.guard, guardAll: true })], controllers: [NotesController] })(AppModule)
  const adapter = platform === 'express' ? new ExpressAdapter() : new FastifyAdapter()
  const app = await NestFactory.create(AppModule, adapter as never, { logger: false, abortOnError: false })
  app.setGlobalPrefix('api')
  app.enableCors(corsOf(spec))
  await app.listen(spec.port ?? 0, '127.0.0.1')
  return { port: Number(new URL(await app.getUrl()).port), close: () => app.close() }
}

export const corsFrameworks: readonly CorsFramework[] = [
  { name: 'Express', path: '/notes', canPutGuardFirst: true, start: startExpress },
  { name: 'Koa', path: '/notes', canPutGuardFirst: true, start: startKoa },
  { name: 'Fastify', path: '/api/notes', canPutGuardFirst: true, start: startFastify },
  { name: 'Hono', path: '/notes', canPutGuardFirst: true, start: startHono },
  { name: 'NestJS on Express', path: '/api/notes', canPutGuardFirst: false, start: (spec) => startNest(spec, 'express') },
  { name: 'NestJS on Fastify', path: '/api/notes', canPutGuardFirst: false, start: (spec) => startNest(spec, 'fastify') }
]
