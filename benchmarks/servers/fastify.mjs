/** Fastify 5. */

import { dpop } from 'dpop-guard/fastify'
import fastify from 'fastify'

export async function start({ raw, verifier }) {
  const app = fastify()
  if (raw) {
    app.addHook('onRequest', (request, _reply, done) => {
      raw(request)
      done()
    })
  }
  if (verifier) await app.register(dpop, { verifier })
  app.get('/notes', () => ({ notes: [] }))
  await app.listen({ port: 0, host: '127.0.0.1' })
  return app.server
}
