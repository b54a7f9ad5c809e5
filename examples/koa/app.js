/** The notes API: a public route, and two routes for tokens that are bound to a key of the client. */

import { bodyParser } from '@koa/bodyparser'
import Router from '@koa/router'
import { dpop, requireScopes } from 'dpop-guard/koa'
import Koa from 'koa'

/** Without options, `dpop()` reads the environment variables DPOP_ISSUER, DPOP_BASE_URL and DPOP_AUDIENCE. */
export function createApp(options) {
  const notes = new Map()
  const guard = dpop(options)
  const router = new Router()
  router.get('/health', (ctx) => {
    ctx.body = { status: 'ok' }
  })
  router.get('/notes', guard, requireScopes('notes:read'), (ctx) => {
    ctx.body = { notes: notes.get(ctx.state.dpop.claims.sub) ?? [] }
  })
  router.post('/notes', guard, requireScopes('notes:write'), bodyParser(), (ctx) => {
    const owner = ctx.state.dpop.claims.sub
    notes.set(owner, [...(notes.get(owner) ?? []), String(ctx.request.body.text)])
    ctx.status = 201
    ctx.body = { notes: notes.get(owner) }
  })
  return new Koa().use(router.routes())
}
