/** The notes API on Hono. @module */

import { getRequestListener } from '@hono/node-server'
import { isDPoPError, isDPoPUnavailableError } from 'dpop-guard'
import { dpop, requireAuthentication, requireScopes } from 'dpop-guard/hono'
import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { createNotes, TWO_FACTOR } from '../notes.mjs'

/**
 * @param {import('dpop-guard').VerifierOptions | import('dpop-guard').Verifier} options
 * @param {{ pageOrigin?: string }} [settings] the origin of a page that calls the API
 */
export function createNotesApi(options, { pageOrigin } = {}) {
  const notes = createNotes()
  const app = new Hono()

  // Before the guard: a preflight request has no credentials.
  if (pageOrigin) app.use(cors({ origin: pageOrigin, allowHeaders: ['Authorization', 'DPoP', 'Content-Type'] }))
  app.get('/health', (c) => c.json({ status: 'ok' }))

  app.use(dpop(options))
  app.get('/notes', requireScopes('notes:read'), (c) => {
    const owner = c.get('dpop').claims.sub
    return c.json({ owner, notes: notes.of(owner) })
  })
  app.post('/notes', requireScopes('notes:write'), async (c) => {
    const owner = c.get('dpop').claims.sub
    notes.add(owner, (await c.req.json()).text)
    return c.json({ owner, notes: notes.of(owner) }, 201)
  })
  app.delete('/notes', requireScopes('notes:write'), requireAuthentication({ acrValues: [TWO_FACTOR] }), (c) => {
    const owner = c.get('dpop').claims.sub
    notes.clear(owner)
    return c.json({ owner, notes: notes.of(owner) })
  })
  app.onError(answerRefusal)

  return { handler: getRequestListener(app.fetch), close() {} }
}

// The headers are already set: dpop() puts the challenge on the response before it throws.
function answerRefusal(error, c) {
  if (!isDPoPError(error) && !isDPoPUnavailableError(error)) throw error
  return c.json({ ...error.toJSON(), code: error.code }, error.status)
}
