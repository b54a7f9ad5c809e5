/** The notes API on Koa. @module */

import { text } from 'node:stream/consumers'
import cors from '@koa/cors'
import { isDPoPError, isDPoPUnavailableError } from 'dpop-guard'
import { dpop, requireAuthentication, requireScopes } from 'dpop-guard/koa'
import Koa from 'koa'
import { createNotes, TWO_FACTOR } from '../notes.mjs'

/**
 * @param {import('dpop-guard').VerifierOptions | import('dpop-guard').Verifier} options
 * @param {{ pageOrigin?: string }} [settings] the origin of a page that calls the API
 */
export function createNotesApi(options, { pageOrigin } = {}) {
  const notes = createNotes()
  const app = new Koa()

  // Before the guard: a preflight request has no credentials.
  if (pageOrigin) app.use(cors({ origin: pageOrigin, allowHeaders: ['Authorization', 'DPoP', 'Content-Type'] }))
  app.use(answerRefusal)
  app.use(
    route('GET', '/health', async (context) => {
      context.body = { status: 'ok' }
    })
  )

  app.use(dpop(options))
  const mayRead = requireScopes('notes:read')
  const mayWrite = requireScopes('notes:write')
  const hasSecondFactor = requireAuthentication({ acrValues: [TWO_FACTOR] })
  app.use(
    route('GET', '/notes', (context) =>
      mayRead(context, async () => {
        const owner = context.state.dpop.claims.sub
        context.body = { owner, notes: notes.of(owner) }
      })
    )
  )
  app.use(
    route('POST', '/notes', (context) =>
      mayWrite(context, async () => {
        const owner = context.state.dpop.claims.sub
        notes.add(owner, JSON.parse(await text(context.req)).text)
        context.status = 201
        context.body = { owner, notes: notes.of(owner) }
      })
    )
  )
  app.use(
    route('DELETE', '/notes', (context) =>
      mayWrite(context, () =>
        hasSecondFactor(context, async () => {
          const owner = context.state.dpop.claims.sub
          notes.clear(owner)
          context.body = { owner, notes: notes.of(owner) }
        })
      )
    )
  )

  return { handler: app.callback(), close() {} }
}

// The headers are already set: dpop() puts the challenge on the response before it throws.
async function answerRefusal(context, next) {
  try {
    await next()
  } catch (error) {
    if (!isDPoPError(error) && !isDPoPUnavailableError(error)) throw error
    context.status = error.status
    context.body = { ...error.toJSON(), code: error.code }
  }
}

/** Koa has no router of its own, and this example needs no more than this one. */
function route(method, path, handle) {
  return (context, next) => (context.method === method && context.path === path ? handle(context) : next())
}
