/** A server of `http-server.mjs` in a process of its own, and what it says of itself. */

import { fork } from 'node:child_process'
import { once } from 'node:events'

/** Starts a server; `settings` are described in `http-server.mjs`. */
export async function startServer(settings) {
  const child = fork(new URL('../http-server.mjs', import.meta.url), [JSON.stringify(settings)])
  const ask = async (question) => {
    child.send(question)
    const [response] = await once(child, 'message')
    return response
  }
  const [{ port }] = await Promise.race([
    once(child, 'message'),
    once(child, 'exit').then(([code]) => {
      throw new Error(`The server ${JSON.stringify(settings.guard)} ended with code ${code}`)
    })
  ])
  return {
    port,
    /** Resets what is counted. */
    begin: () => ask('begin'),
    /** CPU in microseconds, and the delay of the event loop in milliseconds, since `begin`. */
    end: () => ask('end'),
    async stop() {
      const gone = once(child, 'exit')
      child.kill()
      await gone
    }
  }
}
