/** An issuer that works, answers 500 or hangs, and rotates its keys, over HTTP on loopback. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { createTestIssuer } from 'dpop-guard/testing'

const METADATA = '/.well-known/oauth-authorization-server'

export async function startIssuer() {
  const server = createServer((request, response) => {
    if (self.mode === 'hang') return
    if (self.mode === 'fail') response.writeHead(500).end()
    else if (request.url === METADATA) response.end(JSON.stringify({ issuer: url, jwks_uri: `${url}/keys` }))
    else response.end(JSON.stringify({ keys: rings.flatMap(({ jwks }) => jwks.keys) }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}`
  const create = () => createTestIssuer({ issuer: url, audience: 'api', alg: 'ES256' })

  /** The keys that are published, the newest first: it signs. */
  const rings = [await create()]
  const forger = await create()
  /** Tokens of the newest key, by client. */
  const tokens = new Map()

  const self = {
    url,
    /** @type {'work' | 'fail' | 'hang'} */
    mode: 'work',
    async rotate() {
      rings.unshift(await create())
      tokens.clear()
    },
    /** A token that lives on until the keys rotate, as clients keep them. */
    async tokenFor(jkt) {
      if (!tokens.has(jkt)) tokens.set(jkt, rings[0].issue({ jkt }))
      return await tokens.get(jkt)
    },
    /** Signed by another key under the name of a good one. */
    forgedTokenFor: (jkt) => forger.issue({ jkt, header: { kid: rings.at(-1)?.jwks.keys[0].kid } }),
    expiredTokenFor: (jkt) => rings.at(-1)?.issue({ jkt, expiresInSeconds: -60 }),
    close() {
      server.close()
      server.closeAllConnections()
    }
  }
  return self
}
