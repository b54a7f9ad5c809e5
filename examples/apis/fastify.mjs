/** The notes API on Fastify, whose default error handler sends the `code` of the error. @module */

import { dpop } from 'dpop-guard/fastify'
import createFastify from 'fastify'
import { createNotes } from '../notes.mjs'

/** @param {import('dpop-guard').VerifierOptions} options */
export async function createNotesApi(options) {
  const notes = createNotes()
  const app = createFastify()

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

  await app.ready()
  return { handler: app.routing, close: () => app.close() }
}
