/** createSolidTokenVerifier of `@solid/access-token-verifier`. */

import { api, url } from '../lib/fixtures.mjs'
import { importPeer } from '../lib/peers.mjs'

export const facts = {
  package: '@solid/access-token-verifier',
  name: '@solid/access-token-verifier',
  detectsReplays: true
}

export async function create() {
  const { createSolidTokenVerifier } = await importPeer('@solid/access-token-verifier')
  const verify = createSolidTokenVerifier()
  return {
    prepare: ({ authorization, proof }) => ({ authorization, dpop: { header: proof, method: api.method, url } }),
    verify: ({ authorization, dpop }) => verify(authorization, dpop)
  }
}
