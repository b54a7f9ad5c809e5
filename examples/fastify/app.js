/** The notes API: a public route, and two routes for tokens that are bound to a key of the client. */

import { dpop } from 'dpop-guard/fastify'
import fastify from 'fastify'

/** Without options, the plugin reads the environment variables DPOP_ISSUER, DPOP_BASE_URL and DPOP_AUDIENCE. */
export async function createApp(options) {
  const notes = new Map()
  const app = fastify()
  await app.register(dpop, options)
  app.get('/health', { config: { dpop: false } }, async () => ({ status: 'ok' }))

  app.get('/notes', { config: { dpop: { scopes: ['notes:read'] } } }, async (request) => ({
    notes: notes.get(request.dpop.claims.sub) ?? []
  }))
  app.post('/notes', { config: { dpop: { scopes: ['notes:write'] } } }, async (request, reply) => {
    const owner = request.dpop.claims.sub
    notes.set(owner, [...(notes.get(owner) ?? []), String(request.body.text)])
    return reply.code(201).send({ notes: notes.get(owner) })
  })
  return app
}
