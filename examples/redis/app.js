/** One instance of the notes API. Consumed proofs are in Redis, so that a proof is accepted once by all instances together. */

import { isDPoPError, isDPoPUnavailableError, redisReplayStore } from 'dpop-guard'
import { dpop } from 'dpop-guard/express'
import express from 'express'
import { createClient } from 'redis'

/** @returns the app, and `close` to disconnect from Redis */
export async function createApp({ redisUrl, ...options }) {
  const client = createClient({ url: redisUrl, disableOfflineQueue: true })
  client.on('error', () => {}) // the client reconnects; without a listener an error ends the process
  await client.connect()
  const replay = redisReplayStore({ sendCommand: (...args) => client.sendCommand(args), prefix: 'notes:dpop:' })

  const guard = dpop({ ...options, replay })
  const app = express()
  app.get('/health', (_req, res) => void res.json({ status: 'ok' }))
  app.get('/ready', (_req, res, next) => {
    guard.verifier.ready().then(() => void res.json({ status: 'ready' }), next)
  })
  app.use(guard)
  app.get('/notes', (req, res) => void res.json({ owner: req.dpop.claims.sub, pid: process.pid }))
  app.use(sendError)
  return { app, close: () => client.close() }
}

/** `dpop()` has set the header fields of the response. This adds a JSON body: `error` and `error_description`. */
function sendError(error, _req, res, next) {
  if (!isDPoPError(error) && !isDPoPUnavailableError(error)) return next(error)
  res.status(error.status).json(error)
}
