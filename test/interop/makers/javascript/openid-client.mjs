/** Proofs of the npm package openid-client: the header field of the request that it sends. */

import {
  allowInsecureRequests,
  Configuration,
  clientCredentialsGrant,
  customFetch,
  fetchProtectedResource,
  getDPoPHandle
} from 'openid-client'
import { importKeyPair, serveProofs } from './contract.mjs'

const algorithms = ['ES256', 'ES384', 'ES512', 'Ed25519', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512']

await serveProofs(algorithms, async (request) => {
  const { url } = request
  const configuration = new Configuration({ issuer: new URL(url).origin, token_endpoint: url }, 'interop')
  allowInsecureRequests(configuration)
  const handle = getDPoPHandle(configuration, await importKeyPair(request))
  // A handle stores the nonce of a response for the next request.
  if (request.nonce !== undefined) await proofOfNextRequest(request, configuration, handle)
  return proofOfNextRequest(request, configuration, handle)
})

async function proofOfNextRequest({ method, url, token, nonce }, configuration, handle) {
  let proof
  configuration[customFetch] = async (_url, { headers }) => {
    proof = headers.dpop
    return Response.json(
      { access_token: 'unused', token_type: 'DPoP' },
      { headers: nonce === undefined ? {} : { 'dpop-nonce': nonce } }
    )
  }
  const options = { DPoP: handle }
  if (token === undefined) await clientCredentialsGrant(configuration, {}, options)
  else await fetchProtectedResource(configuration, token, new URL(url), method, undefined, undefined, options)
  return proof
}
