/** The authorization server: oidc-provider, which binds each access token to the key of the DPoP proof (RFC 9449 §5). @module */

import { randomBytes, randomUUID } from 'node:crypto'
import { exportJWK, generateKeyPair } from 'jose'
import { createPages } from './login-and-consent.mjs'
import { createMemoryAdapter } from './memory-adapter.mjs'
import { TWO_FACTOR } from './notes.mjs'
import { errors, interactionPolicy, Provider } from './oidc-provider.mjs'

const MINUTE = 60
const HOUR = 60 * MINUTE

/** The `acr` of a sign-in with the password alone. */
const PASSWORD = 'urn:example:password'

/**
 * @param {object} settings
 * @param {string} settings.issuer
 * @param {{ clientId: string, redirectUri: string }} settings.client
 * @param {string[]} settings.apis the resource indicators (RFC 8707): the base URL of each API
 * @param {Map<string, string>} settings.passwords by name of the user
 * @param {import('./login-and-consent.mjs').DemoUser} [settings.demoUser] whose form fields are filled in
 * @param {import('./login-and-consent.mjs').Observe} [settings.observe] receives what the two pages sent and received
 * @param {() => boolean} [settings.isNonceRequired] whether proofs at the token endpoint must have a nonce (RFC 9449 §8)
 * @returns {Promise<import('node:http').RequestListener>}
 */
export async function createAuthorizationServer({ issuer, client, apis, passwords, demoUser, observe, isNonceRequired }) {
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
      dPoP: { enabled: true, ...(isNonceRequired && { nonceSecret: randomBytes(32), requireNonce: isNonceRequired }) },
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
    acrValues: [PASSWORD, TWO_FACTOR],
    interactions: { policy: createPolicy(), url: (_ctx, interaction) => `/interaction/${interaction.uid}` },
    findAccount: (_ctx, accountId) => ({ accountId, claims: () => ({ sub: accountId }) }),
    issueRefreshToken: (_ctx, { grantTypes }) => grantTypes.includes('refresh_token'),
    extraTokenClaims: authenticationOf,
    // The pages of a client may use the token endpoint.
    clientBasedCORS: (_ctx, origin, { redirectUris }) => redirectUris.some((uri) => new URL(uri).origin === origin),
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

  const pages = createPages(provider, { passwords, demoUser, observe })
  const protocol = provider.callback()
  return (request, response) => (request.url?.startsWith('/interaction/') ? pages : protocol)(request, response)
}

/** The default policy, and a new sign-in if the request has `acr_values` that the session does not satisfy (RFC 9470 §5). */
function createPolicy() {
  const { base, Check } = interactionPolicy
  const policy = base()
  policy.get('login').checks.add(
    new Check('acr_values', 'a sign-in with other means was requested', ({ oidc }) => {
      const requested = oidc.params.acr_values?.split(' ')
      return requested !== undefined && !requested.includes(oidc.acr) && oidc.result?.login === undefined
    })
  )
  return policy
}

/** How and when the user signed in, for the access token (RFC 9068 §2.2.1). It stays the same when the token is renewed. */
function authenticationOf({ oidc: { entities } }) {
  const { acr, authTime } = entities.AuthorizationCode ?? entities.RefreshToken ?? {}
  return { ...(acr && { acr }), ...(authTime && { auth_time: authTime }) }
}
