/** The notes API on Fastify, whose default error handler sends the `code` of the error. @module */

import cors from '@fastify/cors'
import { dpop } from 'dpop-guard/fastify'
import createFastify from 'fastify'
import { createNotes, TWO_FACTOR } from '../notes.mjs'

/**
 * @param {import('dpop-guard').VerifierOptions | import('dpop-guard').Verifier} options
 * @param {{ pageOrigin?: string }} [settings] the origin of a page that calls the API
 */
export async function createNotesApi(options, { pageOrigin } = {}) {
  const notes = createNotes()
  const app = createFastify()

  // Before the guard: a preflight request has no credentials.
  if (pageOrigin) {
    const allowedHeaders = ['Authorization', 'DPoP', 'Content-Type']
    await app.register(cors, { origin: pageOrigin, methods: ['GET', 'POST', 'DELETE'], allowedHeaders })
  }
  await app.register(dpop, options)
  app.get('/health', { config: { dpop: false } }, () => ({ status: 'ok' }))
  app.get('/notes', { config: { dpop: { scopes: ['notes:read'] } } }, (request) => {
    const owner = request.dpop.claims.sub
    return { owner, notes: notes.of(owner) }
  })
  app.post('/notes', { config: { dpop: { scopes: ['notes:write'] } } }, (request, reply) => {
    const owner = request.dpop.claims.sub
    notes.add(owner, request.body.text)
    return reply.code(201).send({ owner, notes: notes.of(owner) })
  })
  const mayDelete = { scopes: ['notes:write'], authentication: { acrValues: [TWO_FACTOR] } }
  app.delete('/notes', { config: { dpop: mayDelete } }, (request) => {
    const owner = request.dpop.claims.sub
    notes.clear(owner)
    return { owner, notes: notes.of(owner) }
  })

  await app.ready()
  return { handler: app.routing, close: () => app.close() }
}
