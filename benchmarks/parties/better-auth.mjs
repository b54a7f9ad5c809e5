/** verifyAccessTokenRequest of `better-auth/oauth2`: its resource-server check, which can be called alone. */

import { api, url } from '../lib/fixtures.mjs'
import { importPeer } from '../lib/peers.mjs'

export const facts = { package: 'better-auth', name: 'better-auth', detectsReplays: true }

export async function create({ issuer, jwksUri }) {
  const { verifyAccessTokenRequest } = await importPeer('better-auth/oauth2')
  const options = { jwksUrl: jwksUri, verifyOptions: { issuer, audience: api.audience } }
  return {
    prepare: ({ authorization, proof }) => ({
      authorizationHeader: authorization,
      dpopProofJwt: proof,
      method: api.method,
      url
    }),
    verify: (request) => verifyAccessTokenRequest(request, options)
  }
}
