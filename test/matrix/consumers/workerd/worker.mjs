/** A Worker whose options come from the `env` of its requests. */

import { createVerifier, optionsFromEnv } from 'dpop-guard'
import { withDPoP } from 'dpop-guard/fetch'
import { dpop } from 'dpop-guard/hono'
import { Hono } from 'hono'

const options = (env) => {
  const { issuer, ...others } = optionsFromEnv(env)
  return { ...others, issuer: { issuer, jwks: JSON.parse(env.JWKS) }, nonce: { secrets: [env.NONCE_SECRET] } }
}
const handler = withDPoP(options, (_request, auth, _env) => Response.json({ owner: auth.claims.sub }))
const app = new Hono().use(dpop(options)).get('/hono', (c) => c.json({ owner: c.get('dpop').claims.sub }))

const handlers = { '/hono': app.fetch, '/fetch': handler, '/ml-dsa': createMlDsaVerifier }

export default {
  fetch: (request, env) => handlers[new URL(request.url).pathname](request, env)
}

/** Whether the runtime has ML-DSA, and the error of a verifier that accepts it. */
function createMlDsaVerifier(_request, env) {
  const isSupported = globalThis.SubtleCrypto.supports?.('verify', 'ML-DSA-44') === true
  try {
    createVerifier({ ...options(env), proof: { algorithms: ['ML-DSA-44'] } })
    return Response.json({ isSupported })
  } catch (error) {
    return Response.json({ isSupported, error: String(error) })
  }
}
