/** Opens a loopback port before its handler exists, because the handler needs the URL. @module */

import { once } from 'node:events'
import { createServer } from 'node:http'

/** @typedef {import('node:http').RequestListener} RequestListener */

/**
 * @param {number} [port] a free one by default
 * @returns {Promise<{ url: string, setHandler(handler: RequestListener): void, close(): void }>}
 */
export async function openPort(port = 0) {
  const server = createServer().listen(port, '127.0.0.1')
  await once(server, 'listening')
  const address = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://127.0.0.1:${address.port}`,
    setHandler(handler) {
      server.on('request', handler)
    },
    close() {
      server.close()
      server.closeAllConnections()
    }
  }
}
