/** Starts the authorization server, the API and the page, each on a loopback port of its own. */

import { once } from 'node:events'
import { createServer } from 'node:http'
import { createApi } from './api.js'
import { createAuthorizationServer } from './authorization-server.js'
import { createPage } from './page.js'

/** @returns the URL of the page and of the API, and `close` to end all three servers */
export async function startServers({ pagePort = 0 } = {}) {
  const [authorizationServer, api, page] = await Promise.all([listen(0), listen(0), listen(pagePort)])
  const urls = { issuer: authorizationServer.url, baseUrl: api.url, pageOrigin: page.url }
  authorizationServer.on('request', await createAuthorizationServer({ ...urls, api: api.url }))
  api.on('request', createApi(urls))
  page.on('request', await createPage({ issuer: authorizationServer.url, clientId: 'notes-page', api: api.url }))
  return {
    pageUrl: page.url,
    apiUrl: api.url,
    close() {
      for (const server of [authorizationServer, api, page]) {
        server.close()
        server.closeAllConnections()
      }
    }
  }
}

async function listen(port) {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  return Object.assign(server, { url: `http://127.0.0.1:${server.address().port}` })
}
