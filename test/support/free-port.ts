/** A free port outside the range from which the system assigns ports, so that no other process takes it meanwhile. */

import { once } from 'node:events'
import { createServer } from 'node:net'

const FIRST = 20_000
const COUNT = 10_000
const ATTEMPTS = 20

export async function findFreePort(): Promise<number> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) {
    const port = FIRST + Math.floor(Math.random() * COUNT)
    if (await isFree(port)) return port
  }
  throw new Error(`None of ${ATTEMPTS} ports was free`)
}

async function isFree(port: number): Promise<boolean> {
  const server = createServer().listen(port, '127.0.0.1')
  // It rejects with the error of the server.
  const isListening = await once(server, 'listening').then(Boolean, () => false)
  if (!isListening) return false
  server.close()
  await once(server, 'close')
  return true
}
