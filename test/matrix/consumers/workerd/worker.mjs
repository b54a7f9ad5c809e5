/** A Worker whose options come from the `env` of its requests. */

import { optionsFromEnv } from 'dpop-guard'
import { withDPoP } from 'dpop-guard/fetch'
import { dpop } from 'dpop-guard/hono'
import { Hono } from 'hono'

const options = (env) => {
  const { issuer, ...others } = optionsFromEnv(env)
  return { ...others, issuer: { issuer, jwks: JSON.parse(env.JWKS) }, nonce: { secrets: [env.NONCE_SECRET] } }
}
const handler = withDPoP(options, (_request, auth, _env) => Response.json({ owner: auth.claims.sub }))
const app = new Hono().use(dpop(options)).get('/hono', (c) => c.json({ owner: c.get('dpop').claims.sub }))

export default {
  fetch: (request, env) => (new URL(request.url).pathname === '/hono' ? app.fetch(request, env) : handler(request, env))
}
