/** The notes API on Express. @module */

import cors from 'cors'
import { isDPoPError, isDPoPUnavailableError } from 'dpop-guard'
import { dpop, requireAuthentication, requireScopes } from 'dpop-guard/express'
import express from 'express'
import { createNotes, TWO_FACTOR } from '../notes.mjs'

/**
 * @param {import('dpop-guard').VerifierOptions | import('dpop-guard').Verifier} options
 * @param {{ pageOrigin?: string }} [settings] the origin of a page that calls the API
 */
export function createNotesApi(options, { pageOrigin } = {}) {
  const notes = createNotes()
  const app = express()

  // Before the guard: a preflight request has no credentials.
  if (pageOrigin) app.use(cors({ origin: pageOrigin, allowedHeaders: ['Authorization', 'DPoP', 'Content-Type'] }))

  app.get('/health', (_request, response) => response.json({ status: 'ok' }))

  app.use(dpop(options))
  app.get('/notes', requireScopes('notes:read'), (request, response) => {
    const owner = request.dpop.claims.sub
    response.json({ owner, notes: notes.of(owner) })
  })
  app.post('/notes', requireScopes('notes:write'), express.json(), (request, response) => {
    const owner = request.dpop.claims.sub
    notes.add(owner, request.body.text)
    response.status(201).json({ owner, notes: notes.of(owner) })
  })
  app.delete('/notes', requireScopes('notes:write'), requireAuthentication({ acrValues: [TWO_FACTOR] }), (request, response) => {
    const owner = request.dpop.claims.sub
    notes.clear(owner)
    response.json({ owner, notes: notes.of(owner) })
  })
  app.use(answerRefusal)

  return { handler: app, close() {} }
}

// The headers are already set: dpop() puts the challenge on the response before it hands the error on.
function answerRefusal(error, _request, response, next) {
  if (!isDPoPError(error) && !isDPoPUnavailableError(error)) return next(error)
  response.status(error.status).json({ ...error.toJSON(), code: error.code })
}
