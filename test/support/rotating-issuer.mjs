/** An issuer on loopback that responds normally, with 500 or never, rotates its keys, and introspects opaque tokens. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { createTestIssuer } from 'dpop-guard/testing'

const METADATA = '/.well-known/oauth-authorization-server'

/** The newest key signs. Those before it stay published while their tokens are in use. */
const PUBLISHED_KEYS = 3

export async function startIssuer() {
  const server = createServer((request, response) => {
    if (self.mode === 'hang') return
    if (self.mode === 'fail') response.writeHead(500).end()
    else if (request.url === METADATA) response.end(JSON.stringify(metadata))
    else if (request.url === '/introspect') introspect(request, response)
    else response.end(JSON.stringify({ keys: rings.flatMap(({ jwks }) => jwks.keys) }))
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const url = `http://127.0.0.1:${server.address().port}`
  const metadata = { issuer: url, jwks_uri: `${url}/keys`, introspection_endpoint: `${url}/introspect` }
  const create = () => createTestIssuer({ issuer: url, audience: 'api', alg: 'ES256' })

  /** The keys that are published, the newest first: it signs. */
  const rings = [await create()]
  const forger = await create()
  /** Tokens of the newest key, by client. */
  const tokens = new Map()
  /** Opaque tokens, and the client of each. */
  const opaque = new Map()

  /** RFC 7662 §2.2 */
  async function introspect(request, response) {
    const jkt = opaque.get(new URLSearchParams(await text(request)).get('token'))
    response.end(JSON.stringify(jkt === undefined ? { active: false } : { active: true, token_type: 'DPoP', cnf: { jkt } }))
  }

  const self = {
    url,
    /** @type {'work' | 'fail' | 'hang'} */
    mode: 'work',
    async rotate() {
      rings.unshift(await create())
      rings.splice(PUBLISHED_KEYS)
      tokens.clear()
    },
    /** A token that a client uses until the keys rotate. */
    async tokenFor(jkt) {
      if (!tokens.has(jkt)) tokens.set(jkt, rings[0].issue({ jkt }))
      return await tokens.get(jkt)
    },
    opaqueTokenFor(jkt) {
      const token = `opaque-of-${jkt}`
      opaque.set(token, jkt)
      return token
    },
    /** Signed by another key with the kid of a valid one. */
    forgedTokenFor: (jkt) => forger.issue({ jkt, header: { kid: rings.at(-1)?.jwks.keys[0].kid } }),
    expiredTokenFor: (jkt) => rings.at(-1)?.issue({ jkt, expiresInSeconds: -60 }),
    close() {
      server.close()
      server.closeAllConnections()
    }
  }
  return self
}
