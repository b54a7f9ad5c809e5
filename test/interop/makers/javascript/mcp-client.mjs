/** Proofs of the DPoP session of @modelcontextprotocol/client. */

import { DpopSession } from '@modelcontextprotocol/client'
import { calculateJwkThumbprint } from 'jose'
import { importKeyPair, serveProofs } from './contract.mjs'

const algorithms = ['ES256', 'ES384', 'ES512', 'EdDSA', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512']

await serveProofs(algorithms, async (request) => {
  const { method, url, alg, token, nonce } = request
  const keys = await importKeyPair(request)
  const session = await DpopSession.create({
    keyPair: { ...keys, alg, thumbprint: await calculateJwkThumbprint(keys.publicJwk) }
  })
  return session.buildProof({ htm: method, htu: url, accessToken: token, nonce })
})
