/** Proofs of the npm package dpop. */

import { generateProof } from 'dpop'
import { importKeyPair, serveProofs } from './contract.mjs'

await serveProofs(['ES256', 'Ed25519', 'PS256', 'RS256'], async (request) => {
  const { method, url, token, nonce } = request
  return generateProof(await importKeyPair(request), url, method, nonce, token)
})
