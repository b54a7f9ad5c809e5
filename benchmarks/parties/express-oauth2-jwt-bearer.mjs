/** The middleware of express-oauth2-jwt-bearer, called without a server. */

import { api } from '../lib/fixtures.mjs'
import { importPeer } from '../lib/peers.mjs'

export const facts = { package: 'express-oauth2-jwt-bearer', name: 'express-oauth2-jwt-bearer', detectsReplays: false }

/** The middleware as its documentation sets it up. */
export async function middleware(issuer) {
  const { auth } = await importPeer('express-oauth2-jwt-bearer')
  return auth({ issuerBaseURL: issuer, audience: api.audience, dpop: { enabled: true, required: true } })
}

/** What the middleware reads of Express's request. */
class ExpressRequest {
  method = api.method
  url = api.target
  originalUrl = api.target
  protocol = 'http'
  query = {}
  body = undefined

  constructor(headers) {
    this.headers = headers
  }

  get(name) {
    return this.headers[name.toLowerCase()]
  }

  is() {
    return false
  }
}

export async function create({ issuer }) {
  const handler = await middleware(issuer)
  return {
    prepare: ({ authorization, proof }) => new ExpressRequest({ host: api.host, authorization, dpop: proof }),
    verify: (request) =>
      new Promise((resolve, reject) => {
        handler(request, {}, (error) => (error === undefined ? resolve(request.auth) : reject(error)))
      })
  }
}
