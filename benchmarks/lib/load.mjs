/** Load from this process on a server in another one: plain sockets, so that the load costs less than what it measures. */

import { once } from 'node:events'
import { connect } from 'node:net'
import { api } from './fixtures.mjs'
import { quantile } from './stats.mjs'
import { Tally } from './tally.mjs'

/** One request as it goes over the wire. */
export function toWire({ authorization, proof }) {
  const lines = [`${api.method} ${api.target} HTTP/1.1`, `Host: ${api.host}`, 'User-Agent: benchmark', 'Accept: */*']
  return `${lines.join('\r\n')}\r\nAuthorization: ${authorization}\r\nDPoP: ${proof}\r\n\r\n`
}

/** A connection with one request under way at most. */
class Connection {
  #socket
  #received = ''
  #answered

  constructor(socket) {
    this.#socket = socket.setEncoding('latin1').setNoDelay(true)
    socket.on('data', (chunk) => this.#read(chunk))
    socket.on('close', () => this.#settle(0))
    socket.on('error', () => {})
  }

  /** Sends a request, and calls back with the status of its response; 0 where the connection ended before. */
  send(text, answered) {
    this.#answered = answered
    this.#socket.write(text, 'latin1')
  }

  close() {
    this.#socket.destroy()
  }

  #read(chunk) {
    this.#received += chunk
    if (!isComplete(this.#received)) return
    const status = Number(this.#received.slice(9, 12))
    this.#received = ''
    this.#settle(status)
  }

  #settle(status) {
    const answered = this.#answered
    this.#answered = undefined
    answered?.(status)
  }
}

function isComplete(text) {
  const end = text.indexOf('\r\n\r\n')
  if (end < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(text)
  return length === null ? text.endsWith('\r\n0\r\n\r\n') : text.length >= end + 4 + Number(length[1])
}

/** Opens connections to a port of this machine. */
export async function openConnections(port, count) {
  return await Promise.all(
    Array.from({ length: count }, async () => {
      const socket = connect(port, '127.0.0.1')
      await once(socket, 'connect')
      return new Connection(socket)
    })
  )
}

/** Closed loop: every connection sends its next request after the last response. */
export async function closedLoop(connections, texts) {
  const tally = new Tally()
  let next = 0
  await Promise.all(
    connections.map(
      (connection) =>
        new Promise((resolve) => {
          const step = () => {
            if (next === texts.length) return resolve()
            const begin = performance.now()
            connection.send(texts[next++], (status) => {
              tally.add(status, performance.now() - begin)
              step()
            })
          }
          step()
        })
    )
  )
  return tally.result(texts.length)
}

/** Bursts: `size` requests at once, each on a connection of its own, then a pause. */
export async function bursts(connections, texts, { size, pauseMs }) {
  const tally = new Tally()
  const worst = []
  for (let first = 0; first < texts.length; first += size) {
    const begin = performance.now()
    const responses = connections.slice(0, size).map(
      (connection, i) =>
        new Promise((resolve) => {
          connection.send(texts[first + i], (status) => {
            tally.add(status, performance.now() - begin)
            resolve()
          })
        })
    )
    await Promise.all(responses)
    worst.push(performance.now() - begin)
    await new Promise((resolve) => setTimeout(resolve, pauseMs))
  }
  return { ...tally.result(texts.length), wholeBurstMs: quantile(worst, 0.5) }
}

/**
 * Open loop: requests arrive at a constant rate; those without a free connection wait for one.
 * Latency counts from the instant at which a request was to be sent. A timer of one millisecond sends what is due.
 */
export async function openLoop(connections, texts, { rate, graceMs = 10_000 }) {
  const tally = new Tally()
  const free = [...connections]
  const begin = performance.now()
  const dueAt = (i) => begin + (i * 1000) / rate
  let next = 0
  const sendDue = () => {
    const now = performance.now()
    while (next < texts.length && free.length > 0 && dueAt(next) <= now) send(next++)
  }
  const send = (i) => {
    const connection = free.pop()
    connection.send(texts[i], (status) => {
      tally.add(status, performance.now() - dueAt(i))
      free.push(connection)
      sendDue()
    })
  }
  const deadline = dueAt(texts.length) + graceMs
  while (tally.count < texts.length && performance.now() < deadline) {
    sendDue()
    await new Promise((resolve) => setTimeout(resolve, 1))
  }
  return tally.result(texts.length)
}
