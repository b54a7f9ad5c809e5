/** The authorization server: oidc-provider, with a client for each algorithm, whose access tokens are signed with it. */

import { randomUUID } from 'node:crypto'
import { createMemoryAdapter } from '../../examples/memory-adapter.mjs'
import { Provider } from '../../examples/oidc-provider.mjs'
import { openPort } from '../../examples/serve.mjs'
import { createKey } from './keys.mjs'

export const AUDIENCE = 'https://api.example'
const SECRET = randomUUID()
const TIMEOUT_MS = 30_000

const signingKeys = [
  createKey('rsa', { modulusLength: 2048 }),
  ...['P-256', 'P-384', 'P-521'].map((namedCurve) => createKey('ec', { namedCurve })),
  createKey('ed25519')
].map(({ key }) => ({ ...key, kid: randomUUID(), use: 'sig' }))

/** Starts it; `algorithms` are the names of those of proofs and of access tokens. */
export async function startAuthorizationServer(algorithms) {
  const { url: issuer, setHandler, close } = await openPort()
  const provider = new Provider(issuer, {
    adapter: createMemoryAdapter(),
    jwks: { keys: signingKeys },
    cookies: { keys: [randomUUID()] },
    clients: algorithms.map((name) => ({
      client_id: name,
      client_secret: SECRET,
      token_endpoint_auth_method: 'client_secret_post',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      dpop_bound_access_tokens: true
    })),
    enabledJWA: { dPoPSigningAlgValues: algorithms },
    features: {
      clientCredentials: { enabled: true },
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: (_ctx, audience, { clientId }) => ({
          audience,
          scope: '',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: clientId } }
        })
      }
    },
    ttl: { ClientCredentials: 600 }
  })
  provider.on('server_error', (_ctx, error) => console.error(error))
  setHandler(provider.callback())
  const tokenEndpoint = `${issuer}/token`
  return { issuer, tokenEndpoint, requestToken: (name, proof) => requestToken(tokenEndpoint, name, proof), close }
}

/** An access token that is bound to the key of the proof (RFC 9449 §5). */
async function requestToken(tokenEndpoint, name, proof) {
  const body = new URLSearchParams({
    grant_type: 'client_credentials',
    client_id: name,
    client_secret: SECRET,
    resource: AUDIENCE
  })
  const signal = AbortSignal.timeout(TIMEOUT_MS)
  const response = await fetch(tokenEndpoint, { method: 'POST', headers: { dpop: proof }, body, signal })
  const { access_token: token, token_type: type, ...error } = await response.json()
  if (type !== 'DPoP') throw new Error(`the authorization server responded with ${response.status} ${JSON.stringify(error)}`)
  return token
}
