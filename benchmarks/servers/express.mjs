/** Express 5. */

import { createServer } from 'node:http'
import { dpop } from 'dpop-guard/express'
import express from 'express'

export function start({ raw, verifier, middleware }) {
  const app = express()
  if (raw) {
    app.use((req, _res, next) => {
      raw(req)
      next()
    })
  }
  if (verifier) app.use(dpop(verifier))
  if (middleware) app.use(middleware)
  app.get('/notes', (_req, res) => {
    res.json({ notes: [] })
  })
  return createServer(app)
}
