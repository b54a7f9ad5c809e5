/** dpop-guard, replay memory on. */

import { createVerifier } from 'dpop-guard'
import { api } from '../lib/fixtures.mjs'

export const facts = { name: 'dpop-guard', detectsReplays: true }

export function create({ issuer, jwks }, options = {}, create = createVerifier) {
  const verifier = create({ issuer: { issuer, jwks }, audience: api.audience, baseUrl: api.origin, ...options })
  return {
    /** The shape of Node's IncomingMessage: what every Node framework hands over. */
    prepare({ authorization, proof }) {
      const headers = { host: api.host, 'user-agent': 'benchmark', accept: '*/*', authorization, dpop: proof }
      return { method: api.method, url: api.target, rawHeaders: Object.entries(headers).flat(), headers }
    },
    verify: (request) => verifier.verifyRequest(request)
  }
}
