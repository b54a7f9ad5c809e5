/**
 * The same API in every framework, by name: `GET` and `POST /notes`, `GET /nonce/notes`, and `GET /large` with a body of `large` bytes.
 * `start` resolves to a server that listens on a free loopback port.
 */

import 'reflect-metadata'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { Controller, Get, Module, Post, StreamableFile, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { ExpressAdapter } from '@nestjs/platform-express'
import { FastifyAdapter } from '@nestjs/platform-fastify'
import { dpop as expressDpop } from 'dpop-guard/express'
import { dpop as fastifyDpop } from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import { dpop as honoDpop } from 'dpop-guard/hono'
import { dpop as koaDpop } from 'dpop-guard/koa'
import { DPoPGuard, DPoPModule } from 'dpop-guard/nestjs'
import express from 'express'
import createFastify from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'

const notes = { notes: [] }

export const frameworks = { express: startExpress, fastify: startFastify, koa: startKoa, hono: startHono, fetch: startFetch }
Object.assign(frameworks, {
  'nest-express': (verifier, large) => startNest(verifier, large, new ExpressAdapter()),
  'nest-fastify': (verifier, large) => startNest(verifier, large, new FastifyAdapter())
})

async function listen(server) {
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return server
}

function startExpress(verifier, large) {
  const app = express().disable('etag')
  app.use(expressDpop(verifier))
  app.get('/large', (_req, res) => void res.send(large))
  app.post('/notes', express.json(), (_req, res) => void res.json(notes))
  app.get(['/notes', '/nonce/notes'], (_req, res) => void res.json(notes))
  // Express logs every error; the rejections of this test are expected.
  app.use((error, _req, res, _next) => void res.status(error.status ?? 500).json({ code: error.code }))
  return listen(createServer(app))
}

async function startFastify(verifier, large) {
  const app = createFastify()
  await app.register(fastifyDpop, { verifier })
  app.get('/large', () => large)
  app.post('/notes', () => notes)
  for (const path of ['/notes', '/nonce/notes']) app.get(path, () => notes)
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}

function startKoa(verifier, large) {
  const app = new Koa()
  app.silent = true
  app.use(koaDpop(verifier))
  app.use((ctx) => {
    ctx.body = ctx.path === '/large' ? large : notes
  })
  return listen(createServer(app.callback()))
}

function startHono(verifier, large) {
  const app = new Hono()
  app.use(honoDpop(verifier))
  app.get('/large', (c) => c.body(large))
  app.post('/notes', async (c) => c.json(await c.req.json().then(() => notes)))
  app.get('/notes', (c) => c.json(notes))
  app.get('/nonce/notes', (c) => c.json(notes))
  // Hono logs every other error; the aborted bodies of this test are expected.
  app.onError((error) => ('getResponse' in error ? error.getResponse() : new Response(null, { status: 500 })))
  return listen(createAdaptorServer({ fetch: app.fetch }))
}

function startFetch(verifier, large) {
  const handle = withDPoP(verifier, (request) =>
    new URL(request.url).pathname === '/large' ? new Response(large) : Response.json(notes)
  )
  return listen(createAdaptorServer({ fetch: handle }))
}

/** Decorators are applied by hand, so that no compiler is needed. */
async function startNest(verifier, large, httpAdapter) {
  class ApiController {
    list() {
      return notes
    }
    create() {
      return notes
    }
    large() {
      return new StreamableFile(large)
    }
  }
  class AppModule {}

  const decorate = (name, decorator) =>
    decorator(ApiController.prototype, name, Object.getOwnPropertyDescriptor(ApiController.prototype, name))
  decorate('list', Get(['notes', 'nonce/notes']))
  decorate('create', Post('notes'))
  decorate('large', Get('large'))
  Controller()(ApiController)
  UseGuards(DPoPGuard)(ApiController)
  Module({ controllers: [ApiController], imports: [DPoPModule.forRoot({ verifier })] })(AppModule)

  const app = await NestFactory.create(AppModule, httpAdapter, { logger: false })
  await app.listen(0, '127.0.0.1')
  return app.getHttpServer()
}
