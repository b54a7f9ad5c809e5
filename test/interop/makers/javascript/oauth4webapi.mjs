/** Proofs of the npm package oauth4webapi: the header field of the request that it sends. */

import {
  allowInsecureRequests,
  clientCredentialsGrantRequest,
  customFetch,
  DPoP,
  None,
  protectedResourceRequest
} from 'oauth4webapi'
import { importKeyPair, serveProofs } from './contract.mjs'

const algorithms = ['ES256', 'ES384', 'ES512', 'Ed25519', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512']
const client = { client_id: 'interop' }

await serveProofs(algorithms, async (request) => {
  const handle = DPoP(client, await importKeyPair(request))
  // A handle stores the nonce of a response for the next request.
  if (request.nonce !== undefined) await proofOfNextRequest(request, handle)
  return proofOfNextRequest(request, handle)
})

async function proofOfNextRequest({ method, url, token, nonce }, handle) {
  let proof
  const options = {
    DPoP: handle,
    [allowInsecureRequests]: true,
    [customFetch]: async (_url, { headers }) => {
      proof = headers.dpop
      return new Response(null, { headers: nonce === undefined ? {} : { 'dpop-nonce': nonce } })
    }
  }
  if (token !== undefined) await protectedResourceRequest(token, method, new URL(url), undefined, undefined, options)
  else await clientCredentialsGrantRequest({ issuer: new URL(url).origin, token_endpoint: url }, client, None(), {}, options)
  return proof
}
