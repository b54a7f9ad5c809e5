/** Several instances of one API, each a process of its own, and a client that sends a request to any of them. */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { fileURLToPath } from 'node:url'

/** The public URL of the API, for all instances. */
export const API_URL = 'http://api.localhost'

const script = fileURLToPath(new URL('./api-instance.mjs', import.meta.url))

/** Starts one instance; `close` ends it. The types are in api-processes.d.mts. */
export async function startInstance(options) {
  const child = fork(script, { execArgv: ['--expose-gc'], serialization: 'advanced' })
  const close = () => void child.kill('SIGKILL')
  process.once('exit', close)
  child.once('exit', () => process.off('exit', close))
  child.send({ baseUrls: [API_URL], ...options })
  const [{ url }] = await Promise.race([once(child, 'message'), once(child, 'exit').then(() => failToStart())])
  const agent = new Agent({ keepAlive: true, maxSockets: 64 })

  return {
    async get(path, headers) {
      const sent = request(`${url}${path}`, { agent, headers: { ...headers, Host: new URL(API_URL).host } }).end()
      const [response] = await once(sent, 'response')
      let text = ''
      for await (const chunk of response.setEncoding('utf8')) text += chunk
      return { status: response.statusCode, code: /"code":"(\w+)"/.exec(text)?.[1], nonce: response.headers['dpop-nonce'] }
    },
    /** Its errors, and its memory. */
    async inspect() {
      child.send('inspect')
      const [said] = await once(child, 'message')
      return said
    },
    close() {
      agent.destroy()
      close()
    }
  }
}

function failToStart() {
  throw new Error('The instance did not start; was the package built?')
}
