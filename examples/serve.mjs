/** Opens a loopback port that is free, before there is anything to answer on it: the URL goes into what answers. @module */

import { once } from 'node:events'
import { createServer } from 'node:http'

/** @typedef {import('node:http').RequestListener} RequestListener */

/** @returns {Promise<{ url: string, answerWith(handler: RequestListener): void, close(): void }>} */
export async function openPort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = /** @type {import('node:net').AddressInfo} */ (server.address())
  return {
    url: `http://127.0.0.1:${port}`,
    answerWith(handler) {
      server.on('request', handler)
    },
    close() {
      server.close()
      server.closeAllConnections()
    }
  }
}
