/** WebSocket clients and handshakes over real sockets, for tests of long-lived connections. */

import { once } from 'node:events'
import type { IncomingMessage } from 'node:http'
import { onTestFinished } from 'vitest'
import { WebSocket } from 'ws'

/** An open connection, and what its server sends. */
export interface OpenSocket {
  readonly socket: WebSocket
  /** The next message as a string. */
  next(): Promise<string>
  /** The close code. */
  readonly closed: Promise<number>
}

/** Opens a connection; resolves with the response if the server rejects the handshake. */
async function openSocket(url: string, headers: object = {}, protocols: string[] = []): Promise<OpenSocket | IncomingMessage> {
  const socket = new WebSocket(url, protocols, { headers: { ...headers } })
  onTestFinished(() => socket.terminate())
  const messages: string[] = []
  const waiting: ((message: string) => void)[] = []
  socket.on('message', (data) => {
    const next = waiting.shift()
    if (next === undefined) messages.push(String(data))
    else next(String(data))
  })
  socket.on('error', () => {})
  const closed = new Promise<number>((resolve) => void socket.on('close', resolve))
  const next = () =>
    new Promise<string>((resolve) => {
      const message = messages.shift()
      if (message === undefined) waiting.push(resolve)
      else resolve(message)
    })
  const rejected = once(socket, 'unexpected-response').then(([, response]) => response as IncomingMessage)
  const opened = once(socket, 'open').then(() => ({ socket, next, closed }))
  return await Promise.race([opened, rejected])
}

/** Opens a connection that the server accepts. */
export async function acceptedSocket(url: string, headers: object = {}, protocols: string[] = []): Promise<OpenSocket> {
  const opened = await openSocket(url, headers, protocols)
  if ('socket' in opened && 'next' in opened) return opened
  throw new Error(`The server rejected the handshake with ${(opened as IncomingMessage).statusCode}`)
}

/** Status and challenge of a handshake that the server rejects. */
export async function rejectionOf(url: string, headers: object = {}): Promise<{ status: number; challenge: string | undefined }> {
  const response = await openSocket(url, headers)
  if (!('statusCode' in response)) throw new Error('The server accepted the handshake')
  response.destroy()
  return { status: response.statusCode as number, challenge: response.headers['www-authenticate'] }
}
