/** Starts all parts of the web demo: authorization server, the API in each framework, and the page. @module */

import { randomBytes } from 'node:crypto'
import { createVerifier } from 'dpop-guard'
import { createAuthorizationServer } from '../authorization-server.mjs'
import { frameworks } from '../frameworks.mjs'
import { openPort } from '../serve.mjs'
import { createInteractionLog } from './interaction-log.mjs'
import { createPageHandler } from './page.mjs'

const CLIENT_ID = 'notes-page'

const alice = { name: 'alice', password: 'correct horse battery staple' }

/**
 * @param {{ port: number }} settings the port of the page; 0 is a free one
 * @returns {Promise<{ url: string, close(): Promise<void> }>}
 */
export async function startWebDemo({ port }) {
  const page = await openPort(port)
  const [authorizationServer, ...apiPorts] = await Promise.all(['AS', ...frameworks].map(() => openPort()))
  const issuer = authorizationServer.url
  const nonces = { required: false }
  const interactions = createInteractionLog()

  authorizationServer.setHandler(
    await createAuthorizationServer({
      issuer,
      apis: apiPorts.map(({ url }) => url),
      client: { clientId: CLIENT_ID, redirectUri: `${page.url}/` },
      passwords: new Map([[alice.name, alice.password]]),
      demoUser: alice,
      observe: interactions.add,
      isNonceRequired: () => nonces.required
    })
  )
  const apis = await Promise.all(
    frameworks.map((framework, index) => startApi(framework, { apiPort: apiPorts[index], issuer, nonces, pageOrigin: page.url }))
  )
  page.setHandler(createPageHandler({ url: page.url, issuer, clientId: CLIENT_ID, apis, nonces, interactions }))

  return {
    url: page.url,
    async close() {
      for (const { close } of [page, authorizationServer, ...apiPorts]) close()
      await Promise.all(apis.map((api) => api.close()))
    }
  }
}

/**
 * The API has a verifier of its own, which the page also uses to show its checks. In production, whether a nonce is required is
 * constant: here the visitor may switch it.
 */
async function startApi({ id, name, load }, { apiPort, issuer, nonces, pageOrigin }) {
  const verifier = createVerifier({
    issuer,
    baseUrl: apiPort.url,
    nonce: { secrets: [randomBytes(32)], required: () => nonces.required }
  })
  const { createNotesApi } = await load()
  const { handler, close } = await createNotesApi(verifier, { pageOrigin })
  apiPort.setHandler(handler)
  return { id, name, url: apiPort.url, verifier, close }
}
