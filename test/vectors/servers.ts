/** Every framework with its adapter, with one route for any method and any path. @module */

import 'reflect-metadata'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { All, Controller, Module, type Type, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import type { VerifiedRequest, Verifier } from 'dpop-guard'
import { dpop as dpopExpress } from 'dpop-guard/express'
import { dpop as dpopFastify } from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import { type DPoPVariables, dpop as dpopHono } from 'dpop-guard/hono'
import { dpop as dpopKoa } from 'dpop-guard/koa'
import { DPoPAuth, DPoPGuard, DPoPModule } from 'dpop-guard/nestjs'
import express, { type RequestHandler } from 'express'
import fastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import type { WireRequest } from './recipe.js'

type AnyVerifier = Verifier<VerifiedRequest | undefined>

export interface Server {
  readonly port: number
  close(): Promise<unknown>
}

export interface Framework {
  readonly name: string
  start(verifier: AnyVerifier): Promise<Server>
  /** Its requests are Fetch requests: lines joined, the URL parsed. */
  readonly isFetch?: boolean
  /** The status with which the framework responds to a request before the guard runs. */
  readonly own?: (request: WireRequest) => number | undefined
}

/** The response of every handler. */
const show = (auth: VerifiedRequest | undefined | null): string => auth?.scheme ?? 'anonymous'

export const frameworks: readonly Framework[] = [
  { name: 'Express 5', start: (verifier) => serve(expressApp(verifier)) },
  { name: 'Koa 3', start: (verifier) => serve(koaApp(verifier)) },
  { name: 'Fastify 5', start: startFastify, own: ofFastify },
  { name: 'NestJS 12 on Express', start: (verifier) => startNest(new ExpressAdapter(), verifier), own: ofNestOnExpress },
  { name: 'NestJS 12 on Fastify', start: (verifier) => startNest(new FastifyAdapter(), verifier), own: ofNestOnFastify },
  { name: 'Hono 4', isFetch: true, start: (verifier) => serve(honoApp(verifier)) },
  { name: 'Fetch', isFetch: true, start: (verifier) => serve(fetchHandler(verifier)) }
]

/** Routers that decode paths reject those that are not UTF-8. */
function isDecodable(target: string): boolean {
  try {
    return decodeURIComponent(target) !== ''
  } catch {
    return false
  }
}

/** A path that cannot be decoded, and QUERY without a body. */
function ofFastify({ method, target }: WireRequest): number | undefined {
  return !isDecodable(target) || method === 'QUERY' ? 400 : undefined
}

/** Its guards run for routes, and only a path has one. */
function ofNestOnExpress({ target }: WireRequest): number | undefined {
  if (target === '*') return 404
  return isDecodable(target) ? undefined : 400
}

/** Its routes have none of these methods; those that are not HTTP's own. */
const unknownToNestOnFastify = new Set(
  'ACL BIND CHECKOUT LINK M-SEARCH MERGE MKACTIVITY MKCALENDAR NOTIFY PURGE REBIND REPORT SOURCE SUBSCRIBE UNBIND UNLINK UNSUBSCRIBE'.split(
    ' '
  )
)

function ofNestOnFastify(request: WireRequest): number | undefined {
  const isUnknown = unknownToNestOnFastify.has(request.method) || request.target === '*' || request.target.startsWith('ftp:')
  return isUnknown ? 404 : ofFastify(request)
}

function expressApp(verifier: AnyVerifier): Listener {
  const handler: RequestHandler = (req, res) => void res.end(show(req.dpop))
  return express().set('env', 'test').use(dpopExpress(verifier)).use(handler) as unknown as Listener
}

function koaApp(verifier: AnyVerifier): Listener {
  const app = new Koa()
  app.silent = true
  app.use(dpopKoa(verifier))
  app.use((ctx) => {
    ctx.body = show(ctx.state['dpop'])
  })
  return app.callback()
}

async function startFastify(verifier: AnyVerifier): Promise<Server> {
  const app = fastify()
  await app.register(dpopFastify, { verifier })
  // The router does not support every method and path of HTTP; other requests reach this handler through the same hooks.
  app.setNotFoundHandler((request, reply) => reply.code(200).send(show(request.dpop)))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return { port: (app.server.address() as AddressInfo).port, close: () => app.close() }
}

async function startNest(adapter: ExpressAdapter | FastifyAdapter, verifier: AnyVerifier): Promise<Server> {
  @UseGuards(DPoPGuard)
  @Controller()
  class AnyController {
    @All(adapter instanceof ExpressAdapter ? ['', '*path'] : '*')
    handle(@DPoPAuth() auth: VerifiedRequest): string {
      return show(auth)
    }
  }
  class AppModule {}
  Module({ imports: [DPoPModule.forRoot({ verifier })], controllers: [AnyController as Type] })(AppModule)
  const app = await NestFactory.create(AppModule, adapter as never, { logger: false, abortOnError: false })
  await app.listen(0, '127.0.0.1')
  return { port: Number(new URL(await app.getUrl()).port), close: () => app.close() }
}

function honoApp(verifier: AnyVerifier): Listener {
  const app = new Hono<{ Variables: DPoPVariables }>().use(dpopHono(verifier)).all('*', (c) => c.text(show(c.get('dpop'))))
  return getRequestListener(app.fetch)
}

function fetchHandler(verifier: AnyVerifier): Listener {
  return getRequestListener(withDPoP(verifier, (_request, auth) => new Response(show(auth))))
}

type Listener = Parameters<typeof createServer>[1] & {}

async function serve(listener: Listener): Promise<Server> {
  const server = createServer(listener)
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return {
    port: (server.address() as AddressInfo).port,
    close: () => new Promise((resolve) => void server.close(resolve))
  }
}
