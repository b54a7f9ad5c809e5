/** The authorization server, the MCP server, and a user with a browser, each on a free loopback port. @module */

import { createAuthorizationServer } from '../authorization-server.mjs'
import { openPort } from '../serve.mjs'
import { createUser } from '../user.mjs'
import { connectClient } from './client.mjs'
import { createNotesServer } from './server.mjs'

const alice = { name: 'alice', password: 'correct horse battery staple' }

/** @param {Partial<import('dpop-guard').VerifierOptions>} [options] further options of the MCP server */
export async function startWorld(options = {}) {
  const [issuerPort, serverPort, clientPort] = await Promise.all([openPort(), openPort(), openPort()])
  const server = createNotesServer({ issuer: issuerPort.url, baseUrl: serverPort.url, ...options })
  serverPort.setHandler(server.handler)
  const redirectUrl = `${clientPort.url}/callback`
  clientPort.setHandler((_request, response) => response.end('Signed in'))
  const client = { clientId: 'mcp-client', redirectUri: redirectUrl }
  const passwords = new Map([[alice.name, alice.password]])
  issuerPort.setHandler(await createAuthorizationServer({ issuer: issuerPort.url, client, apis: [server.resource], passwords }))
  const clients = []
  return {
    issuer: issuerPort.url,
    resource: server.resource,
    /** Connects a client, whose user signs in once and allows whatever it asks for. `asked` has the scopes of each question. */
    async connect(fetch = globalThis.fetch) {
      const user = createUser(globalThis.fetch)
      const asked = []
      const askUser = async (authorizationUrl) => {
        asked.push(authorizationUrl.searchParams.get('scope'))
        const page = await user.open(authorizationUrl)
        const consentPage = page.text.includes('<title>Sign in') ? await user.submit(page, alice) : page
        const { url } = await user.submit(consentPage, { answer: 'allow' })
        return url
      }
      const connected = await connectClient({ url: server.resource, clientId: client.clientId, redirectUrl, askUser, fetch })
      clients.push(connected)
      return { ...connected, asked }
    },
    async close() {
      await Promise.all(clients.map((one) => one.close()))
      await server.close()
      for (const port of [issuerPort, serverPort, clientPort]) port.close()
    }
  }
}
