/** The HTTP client of the endurance test: ordinary requests, new connections, slow readers, and connections that break off. */

import { once } from 'node:events'
import { Agent, request as httpRequest } from 'node:http'
import { connect } from 'node:net'
import { setTimeout as after } from 'node:timers/promises'

const MAX_SOCKETS = 64
const TIMEOUT_MS = 30_000
/** A slow reader pauses after this number of bytes, of which sockets buffer less than eight times as many. */
const SLOW_STEP_BYTES = 2 ** 20
const SLOW_PAUSE_MS = 200

/** `host` is the authority that the server expects. */
export function createHttpClient(port, host) {
  // All connections stay in use: with one that was idle, a request and the timeout of the server may cross.
  const agent = new Agent({ keepAlive: true, maxSockets: MAX_SOCKETS, scheduling: 'fifo' })

  function open({ method = 'GET', path, headers, body, isNewConnection = false }) {
    const sent = httpRequest({
      host: '127.0.0.1',
      port,
      method,
      path,
      agent: isNewConnection ? false : agent,
      timeout: TIMEOUT_MS,
      headers: { ...headers, Host: host, ...(body && { 'Content-Type': 'application/json' }) }
    })
    sent.on('timeout', () => sent.destroy(new Error('The server did not respond in time')))
    return sent
  }

  async function respond(sent, read) {
    try {
      const [response] = await once(sent, 'response')
      const bytes = await read(response)
      const challenge = response.headers['www-authenticate'] ?? ''
      const error = /error="(\w+)"/.exec(challenge)?.[1]
      return { status: response.statusCode, error, nonce: response.headers['dpop-nonce'], bytes }
    } catch (error) {
      return { status: 0, error: `${error.code ?? error.message}`, bytes: 0 }
    }
  }

  return {
    send: (request) => respond(open(request).end(request.body), (response) => readAll(response)),
    /** Reads the response with pauses. */
    readSlowly: (request) => respond(open({ ...request, isNewConnection: true }).end(), readWithPauses),
    /** Reads a part of the response, and breaks off. */
    async stopReading(request) {
      const sent = open({ ...request, isNewConnection: true }).end()
      await respond(sent, async (response) => {
        await once(response, 'readable')
        response.destroy()
        return 0
      })
    },
    /** Sends a request, and breaks off before its response. */
    async abort(request) {
      const sent = open({ ...request, isNewConnection: true })
      sent.on('error', () => {})
      sent.end(request.body)
      await once(sent, 'finish')
      await after(Math.random() * 3)
      sent.destroy()
    },
    /** Sends the header section and less of the body than announced, and breaks off. */
    async abortBody(request) {
      const sent = open({ ...request, headers: { ...request.headers, 'Content-Length': '1000' }, isNewConnection: true })
      sent.on('error', () => {})
      sent.write('{"a":')
      await after(Math.random() * 20)
      sent.destroy()
    },
    /** Sends a part of a header section, and breaks off. */
    async abortHeaders({ path, headers }) {
      const socket = connect(port, '127.0.0.1')
      socket.on('error', () => {})
      await once(socket, 'connect')
      socket.write(
        `GET ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${headers.Authorization}\r\nDPoP: ${headers.DPoP.slice(0, 80)}`
      )
      await after(Math.random() * 20)
      socket.destroy()
    },
    close: () => agent.destroy()
  }
}

async function readAll(response) {
  let bytes = 0
  for await (const chunk of response) bytes += chunk.length
  return bytes
}

async function readWithPauses(response) {
  let bytes = 0
  let pausedAt = 0
  for await (const chunk of response) {
    bytes += chunk.length
    if (bytes - pausedAt < SLOW_STEP_BYTES) continue
    pausedAt = bytes
    await after(SLOW_PAUSE_MS)
  }
  return bytes
}
