/**
 * An app of the framework that the first argument names, with its default logging, configured by environment. With `SECOND_GUARD` set,
 * each request passes two guards with different options and one replay store. Sends its port to the parent process.
 */

import { createServer } from 'node:http'
import { memoryReplayStore, optionsFromEnv } from 'dpop-guard'

const replay = memoryReplayStore()
/** The options of each guard; undefined stands for `dpop()`. */
const guards = process.env.SECOND_GUARD
  ? [
      { ...optionsFromEnv(), replay },
      { ...optionsFromEnv(), replay, staleIfErrorSeconds: 60 }
    ]
  : [undefined]

const apps = {
  async express() {
    const { default: express } = await import('express')
    const { dpop } = await import('dpop-guard/express')
    const app = express()
    for (const options of guards) app.use(dpop(options))
    app.get('/notes', (req, res) => void res.json({ owner: req.dpop.claims.sub }))
    return await listen(createServer(app))
  },

  async fastify() {
    const { default: fastify } = await import('fastify')
    const { dpop } = await import('dpop-guard/fastify')
    const app = fastify()
    for (const options of guards) await app.register(dpop, options ?? {})
    app.get('/notes', async (request) => ({ owner: request.dpop.claims.sub }))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return app.server.address().port
  },

  async koa() {
    const { default: Koa } = await import('koa')
    const { dpop } = await import('dpop-guard/koa')
    const app = new Koa()
    for (const options of guards) app.use(dpop(options))
    app.use((ctx) => {
      ctx.body = { owner: ctx.state.dpop.claims.sub }
    })
    return await listen(createServer(app.callback()))
  },

  nestExpress: () => nest(async () => new (await import('@nestjs/platform-express')).ExpressAdapter()),
  nestFastify: () => nest(async () => new (await import('@nestjs/platform-fastify')).FastifyAdapter()),

  async hono() {
    const { Hono } = await import('hono')
    const { dpop } = await import('dpop-guard/hono')
    const app = new Hono()
    for (const options of guards) app.use(dpop(options))
    app.get('/notes', (c) => c.json({ owner: c.get('dpop').claims.sub }))
    return await serveFetch(app.fetch)
  },

  async fetch() {
    const { withDPoP } = await import('dpop-guard/fetch')
    let handler = (_request, auth) => Response.json({ owner: auth.claims.sub })
    for (const options of guards) handler = withDPoP(options, handler)
    return await serveFetch(handler)
  }
}

async function nest(createAdapter) {
  await import('reflect-metadata')
  const { Controller, Get, Module, UseGuards } = await import('@nestjs/common')
  const { NestFactory } = await import('@nestjs/core')
  const { DPoPAuth, DPoPGuard, DPoPModule } = await import('dpop-guard/nestjs')
  const { createVerifier } = await import('dpop-guard')
  class NotesController {
    list(auth) {
      return { owner: auth.claims.sub }
    }
  }
  const list = [NotesController.prototype, 'list', Object.getOwnPropertyDescriptor(NotesController.prototype, 'list')]
  Get('notes')(...list)
  DPoPAuth()(NotesController.prototype, 'list', 0)
  const [first, second] = guards
  // Another guard with its own verifier, as an application may have in addition to the module.
  const others = second === undefined ? [] : [guardOf(DPoPGuard, createVerifier(second))]
  UseGuards(DPoPGuard, ...others)(NotesController)
  Controller()(NotesController)
  class AppModule {}
  Module({ imports: [DPoPModule.forRoot(first)], controllers: [NotesController] })(AppModule)
  const app = await NestFactory.create(AppModule, await createAdapter())
  await app.listen(0, '127.0.0.1')
  return Number(new URL(await app.getUrl()).port)

  function guardOf(Guard, verifier) {
    return class OtherGuard extends Guard {
      verifier = verifier
    }
  }
}

async function listen(server) {
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server.address().port
}

async function serveFetch(fetch) {
  const { serve } = await import('@hono/node-server')
  return await new Promise((resolve) => {
    serve({ fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) => resolve(port))
  })
}

// Ends by itself, so that all of its output is flushed.
process.on('message', () => setImmediate(() => process.exit()))
process.send({ port: await apps[process.argv[2]]() })
