/** An authorization server for development: oidc-provider with its own sign-in pages, which accept any name and password. */

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import { Provider } from 'oidc-provider'

export async function createAuthorizationServer({ issuer, pageOrigin, api }) {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const provider = new Provider(issuer, {
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: randomUUID(), use: 'sig', alg: 'ES256' }] },
    cookies: { keys: [randomUUID()] },
    clients: [
      {
        client_id: 'notes-page',
        redirect_uris: [`${pageOrigin}/`],
        token_endpoint_auth_method: 'none',
        id_token_signed_response_alg: 'ES256',
        dpop_bound_access_tokens: true
      }
    ],
    clientBasedCORS: (_ctx, origin) => origin === pageOrigin,
    features: {
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo: () => ({
          audience: api,
          scope: 'notes:read',
          accessTokenFormat: 'jwt',
          jwt: { sign: { alg: 'ES256' } }
        })
      }
    }
  })
  return provider.callback()
}
