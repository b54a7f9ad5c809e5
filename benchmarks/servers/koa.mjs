/** Koa 3. */

import { createServer } from 'node:http'
import { dpop } from 'dpop-guard/koa'
import Koa from 'koa'

export function start({ raw, verifier }) {
  const app = new Koa()
  if (raw) {
    app.use((ctx, next) => {
      raw(ctx)
      return next()
    })
  }
  if (verifier) app.use(dpop(verifier))
  app.use((ctx) => {
    ctx.body = { notes: [] }
  })
  return createServer(app.callback())
}
