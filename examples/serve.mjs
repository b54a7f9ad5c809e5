/** Opens a free loopback port before its handler exists, because the handler needs the URL. @module */

import { once } from 'node:events'
import { createServer } from 'node:http'

/** @typedef {import('node:http').RequestListener} RequestListener */

/** @returns {Promise<{ url: string, setHandler(handler: RequestListener): void, close(): void }>} */
export async function openPort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://127.0.0.1:${port}`,
    setHandler(handler) {
      server.on('request', handler)
    },
    close() {
      server.close()
      server.closeAllConnections()
    }
  }
}
