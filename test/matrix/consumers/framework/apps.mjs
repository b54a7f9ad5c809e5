/** An app of each framework whose `/notes` responds with the subject. Frameworks are imported on demand, because one is installed. */

import { once } from 'node:events'
import { createServer } from 'node:http'

async function listen(listener) {
  const server = createServer(listener)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  return { port: server.address().port, close: () => server.close() }
}

export const apps = {
  async express(options) {
    const { default: express } = await import('express')
    const { dpop } = await import('dpop-guard/express')
    const app = express().set('env', 'test')
    app.use(dpop(options))
    app.get('/notes', (req, res) => void res.json({ owner: req.dpop.claims.sub }))
    return await listen(app)
  },

  async koa(options) {
    const { default: Koa } = await import('koa')
    const { dpop } = await import('dpop-guard/koa')
    const app = new Koa()
    app.silent = true
    app.use(dpop(options))
    app.use((ctx) => {
      ctx.body = { owner: ctx.state.dpop.claims.sub }
    })
    return await listen(app.callback())
  },

  async fastify(options) {
    const { default: fastify } = await import('fastify')
    const { dpop } = await import('dpop-guard/fastify')
    const app = fastify()
    await app.register(dpop, options)
    app.get('/notes', async (request) => ({ owner: request.dpop.claims.sub }))
    await app.listen({ port: 0, host: '127.0.0.1' })
    return { port: app.server.address().port, close: () => app.close() }
  },

  async hono(options) {
    const { Hono } = await import('hono')
    const { serve } = await import('@hono/node-server')
    const { dpop } = await import('dpop-guard/hono')
    const app = new Hono().use(dpop(options)).get('/notes', (c) => c.json({ owner: c.get('dpop').claims.sub }))
    return await new Promise((resolve) => {
      const server = serve({ fetch: app.fetch, port: 0, hostname: '127.0.0.1' }, ({ port }) =>
        resolve({ port, close: () => server.close() })
      )
    })
  },

  nestExpress: (options) => nest(options, async () => new (await import('@nestjs/platform-express')).ExpressAdapter()),
  nestFastify: (options) => nest(options, async () => new (await import('@nestjs/platform-fastify')).FastifyAdapter())
}

async function nest(options, createAdapter) {
  await import('reflect-metadata')
  const { Controller, Get, Module } = await import('@nestjs/common')
  const { NestFactory } = await import('@nestjs/core')
  const { DPoPAuth, DPoPModule } = await import('dpop-guard/nestjs')
  class NotesController {
    list(auth) {
      return { owner: auth.claims.sub }
    }
  }
  const method = [NotesController.prototype, 'list']
  Get('notes')(...method, Object.getOwnPropertyDescriptor(...method))
  DPoPAuth()(...method, 0)
  Controller()(NotesController)
  class AppModule {}
  Module({ imports: [DPoPModule.forRoot({ ...options, guardAll: true })], controllers: [NotesController] })(AppModule)
  const app = await NestFactory.create(AppModule, await createAdapter(), { logger: false, abortOnError: false })
  await app.listen(0, '127.0.0.1')
  return { port: Number(new URL(await app.getUrl()).port), close: () => app.close() }
}
