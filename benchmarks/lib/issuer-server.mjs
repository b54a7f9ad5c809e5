/** The issuer on loopback: metadata, keys, and the WebID document that Solid requires. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { newIssuer } from './fixtures.mjs'

/** Starts an issuer; `close` stops it. */
export async function startIssuer() {
  const pages = new Map()
  const server = createServer((request, response) => {
    const page = pages.get(request.url)
    if (page === undefined) response.writeHead(404).end()
    else response.writeHead(200, { 'content-type': page.type, connection: 'close' }).end(page.body)
  })
  await once(server.listen(0, 'localhost'), 'listening')
  const issuer = await newIssuer(`http://localhost:${server.address().port}`)
  const jwksUri = `${issuer.issuer}/jwks`
  const metadata = { issuer: issuer.issuer, jwks_uri: jwksUri, id_token_signing_alg_values_supported: ['RS256'] }
  pages.set('/.well-known/openid-configuration', json(metadata))
  pages.set('/.well-known/oauth-authorization-server', json(metadata))
  pages.set('/jwks', json(issuer.jwks))
  pages.set('/profile', {
    type: 'text/turtle',
    body: `<#me> <http://www.w3.org/ns/solid/terms#oidcIssuer> <${issuer.issuer}>.`
  })
  return { ...issuer, jwksUri, close: () => server.close() }
}

function json(value) {
  return { type: 'application/json', body: JSON.stringify(value) }
}
