/** The authorization server: oidc-provider, which binds each access token to the key of the DPoP proof (RFC 9449 §5). @module */

import { randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import { createPages } from './login-and-consent.mjs'
import { createMemoryAdapter } from './memory-adapter.mjs'
import { errors, Provider } from './oidc-provider.mjs'

const MINUTE = 60
const HOUR = 60 * MINUTE

/**
 * @param {object} settings
 * @param {string} settings.issuer
 * @param {{ clientId: string, redirectUri: string }} settings.client
 * @param {string[]} settings.apis the resource indicators (RFC 8707): the base URL of each API
 * @param {Map<string, string>} settings.passwords by name of the user
 * @returns {Promise<import('node:http').RequestListener>}
 */
export async function createAuthorizationServer({ issuer, client, apis, passwords }) {
  const { privateKey } = await generateKeyPair('ES256', { extractable: true })
  const provider = new Provider(issuer, {
    adapter: createMemoryAdapter(),
    jwks: { keys: [{ ...(await exportJWK(privateKey)), kid: randomUUID(), use: 'sig', alg: 'ES256' }] },
    cookies: { keys: [randomUUID()] },
    clients: [
      {
        client_id: client.clientId,
        redirect_uris: [client.redirectUri],
        grant_types: ['authorization_code', 'refresh_token'],
        token_endpoint_auth_method: 'none',
        id_token_signed_response_alg: 'ES256',
        dpop_bound_access_tokens: true
      }
    ],
    features: {
      devInteractions: { enabled: false },
      dPoP: { enabled: true },
      resourceIndicators: {
        enabled: true,
        getResourceServerInfo(_ctx, resource) {
          if (!apis.includes(resource)) throw new errors.InvalidTarget()
          return {
            audience: resource,
            scope: 'notes:read notes:write',
            accessTokenFormat: 'jwt',
            accessTokenTTL: 5 * MINUTE,
            jwt: { sign: { alg: 'ES256' } }
          }
        }
      }
    },
    interactions: { url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    issueRefreshToken: (_ctx, { grantTypes }) => grantTypes.includes('refresh_token'),
    clientBasedCORS: () => false,
    ttl: {
      AccessToken: 5 * MINUTE,
      AuthorizationCode: MINUTE,
      Grant: HOUR,
      Interaction: 10 * MINUTE,
      RefreshToken: HOUR,
      Session: HOUR
    }
  })
  provider.on('server_error', (_ctx, error) => console.error(error))

  const pages = createPages(provider, passwords)
  const protocol = provider.callback()
  return (request, response) => (request.url?.startsWith('/interaction/') ? pages : protocol)(request, response)
}
