/** The notes API: a public route, and two routes for tokens that are bound to a key of the client. */

import { isDPoPError, isDPoPUnavailableError } from 'dpop-guard'
import { dpop, requireScopes } from 'dpop-guard/express'
import express from 'express'

/** Without options, `dpop()` reads the environment variables DPOP_ISSUER, DPOP_BASE_URL and DPOP_AUDIENCE. */
export function createApp(options) {
  const notes = new Map()
  const app = express()
  app.get('/health', (_req, res) => void res.json({ status: 'ok' }))

  app.use(dpop(options))
  app.get('/notes', requireScopes('notes:read'), (req, res) => {
    res.json({ notes: notes.get(req.dpop.claims.sub) ?? [] })
  })
  app.post('/notes', requireScopes('notes:write'), express.json(), (req, res) => {
    const owner = req.dpop.claims.sub
    notes.set(owner, [...(notes.get(owner) ?? []), String(req.body.text)])
    res.status(201).json({ notes: notes.get(owner) })
  })

  app.use(sendError)
  return app
}

/** `dpop()` has set the header fields of the response. This adds a JSON body: `error` and `error_description`. */
function sendError(error, _req, res, next) {
  if (!isDPoPError(error) && !isDPoPUnavailableError(error)) return next(error)
  res.status(error.status).json(error)
}
