/** validateJwtAccessToken of oauth4webapi; the Fetch request is made beforehand. */

import { api, url } from '../lib/fixtures.mjs'
import { importPeer } from '../lib/peers.mjs'

export const facts = { package: 'oauth4webapi', name: 'oauth4webapi', detectsReplays: false }

export async function create({ issuer, jwksUri }) {
  const { allowInsecureRequests, validateJwtAccessToken } = await importPeer('oauth4webapi')
  const server = { issuer, jwks_uri: jwksUri }
  const options = { requireDPoP: true, [allowInsecureRequests]: true }
  return {
    prepare: ({ authorization, proof }) => new Request(url, { method: api.method, headers: { authorization, dpop: proof } }),
    verify: (request) => validateJwtAccessToken(server, request, api.audience, options)
  }
}
