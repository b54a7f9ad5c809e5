/** The notes API: a public route, and two routes for tokens that are bound to a key of the client. */

import { dpop, requireScopes } from 'dpop-guard/hono'
import { Hono } from 'hono'

/** Without options, `dpop()` reads the environment variables DPOP_ISSUER, DPOP_BASE_URL and DPOP_AUDIENCE. */
export function createApp(options) {
  const notes = new Map()
  const app = new Hono()
  app.get('/health', (c) => c.json({ status: 'ok' }))

  app.use(dpop(options))
  app.get('/notes', requireScopes('notes:read'), (c) => c.json({ notes: notes.get(c.get('dpop').claims.sub) ?? [] }))
  app.post('/notes', requireScopes('notes:write'), async (c) => {
    const owner = c.get('dpop').claims.sub
    const { text } = await c.req.json()
    notes.set(owner, [...(notes.get(owner) ?? []), String(text)])
    return c.json({ notes: notes.get(owner) }, 201)
  })
  return app
}
