/** The notes API. CORS comes before the guard: it answers preflight requests, which have no credentials. */

import { randomBytes } from 'node:crypto'
import cors from 'cors'
import { isDPoPError, isDPoPUnavailableError } from 'dpop-guard'
import { dpop, requireScopes } from 'dpop-guard/express'
import express from 'express'

export function createApi({ issuer, baseUrl, pageOrigin }) {
  const app = express()
  app.use(cors({ origin: pageOrigin, allowedHeaders: ['Authorization', 'DPoP', 'Content-Type'] }))
  // Nonces make the clock of the browser irrelevant. The guard exposes DPoP-Nonce and WWW-Authenticate to the page.
  app.use(dpop({ issuer, baseUrl, nonce: { secrets: [randomBytes(32)] } }))
  app.get('/notes', requireScopes('notes:read'), (req, res) => {
    res.json({ owner: req.dpop.claims.sub, notes: ['Water the plants'] })
  })
  app.use(sendError)
  return app
}

/** `dpop()` has set the header fields of the response. This adds a JSON body: `error` and `error_description`. */
function sendError(error, _req, res, next) {
  if (!isDPoPError(error) && !isDPoPUnavailableError(error)) return next(error)
  res.status(error.status).json(error)
}
