/** Server-sent events are verified once, when the request arrives, and end when the access token expires. */

import { createServer } from 'node:http'
import { memoryReplayStore } from 'dpop-guard'
import { dpop } from 'dpop-guard/express'
import { createTickets, onExpiry } from 'dpop-guard/ticket'
import express, { type Response as ExpressResponse } from 'express'
import { beforeAll, beforeEach, expect, onTestFinished, test } from 'vitest'
import { createWorld, NOW, NOW_MS, type RequestSpec, type World } from '../support/world.js'
import { closeServer, listen } from './contract.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(() => world.clock.set(NOW_MS))

/** Events for requests with a proof at `/events`, and with a ticket at `/ticket-events`. */
async function start(): Promise<string> {
  const tickets = createTickets({
    secrets: ['a secret of thirty-two characters or more'],
    replay: memoryReplayStore(),
    clock: world.clock
  })
  const stream = (response: ExpressResponse, sub: string | undefined, expiresAt: number | undefined) => {
    response.writeHead(200, { 'Content-Type': 'text/event-stream', 'Cache-Control': 'no-store' }).write(`data: ${sub}\n\n`)
    response.on(
      'close',
      onExpiry(expiresAt, () => response.end('event: expired\ndata:\n\n'), world.clock)
    )
  }
  const guard = dpop(world.options)
  const app = express()
  app.get('/events', guard, ({ dpop: auth }, response) => stream(response, auth?.claims.sub, auth?.claims.exp as number))
  app.post('/tickets', guard, async ({ dpop: auth }, response) => {
    if (auth) response.set('Cache-Control', 'no-store').json({ ticket: await tickets.issue(auth, '/ticket-events') })
  })
  app.get('/ticket-events', async ({ query, path }, response) => {
    const { sub, expiresAt } = await tickets.redeem(query['ticket'], path)
    stream(response, sub, expiresAt)
  })
  const server = createServer(app)
  const port = await listen(server)
  onTestFinished(() => {
    server.closeAllConnections()
    return closeServer(server)
  })
  return `http://127.0.0.1:${port}`
}

const headersOf = async (spec: RequestSpec) => (await world.request(spec)).headers as Record<string, string>
/** Reads the first event, lets the access token expire, and reads the rest. */
async function readUntilExpiry(response: Response): Promise<string[]> {
  const reader = (response.body as ReadableStream<Uint8Array>).getReader()
  const { value: first } = await reader.read()
  world.clock.advance(0.1)
  let rest = ''
  for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) rest += Buffer.from(chunk.value)
  return [Buffer.from(first as Uint8Array).toString(), rest]
}
const expiring = { tokenSpec: { claims: { exp: NOW + 0.1 } } }
const events = ['data: user\n\n', 'event: expired\ndata:\n\n']

test('a stream is verified at its start, and ends when the access token expires [AMB-28]', async () => {
  const origin = await start()
  const headers = await headersOf({ target: '/events', ...expiring })
  const response = await fetch(`${origin}/events`, { headers })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  expect(await readUntilExpiry(response)).toEqual(events)
})

test('a stream with a replayed proof, or without credentials, is not started [AMB-28]', async () => {
  const origin = await start()
  const headers = await headersOf({ target: '/events' })
  await (await fetch(`${origin}/events`, { headers })).body?.cancel()
  for (const sent of [headers, {}]) {
    const response = await fetch(`${origin}/events`, { headers: sent })
    expect([response.status, response.headers.get('www-authenticate')]).toEqual([401, expect.stringMatching(/^DPoP /)])
  }
})

test('an EventSource, which cannot set header fields, opens one stream with a ticket [AMB-32]', async () => {
  const origin = await start()
  const headers = await headersOf({ method: 'POST', target: '/tickets', ...expiring })
  const { ticket } = (await (await fetch(`${origin}/tickets`, { method: 'POST', headers })).json()) as { ticket: string }
  const url = `${origin}/ticket-events?ticket=${ticket}`
  const response = await fetch(url)
  expect(response.status).toBe(200)
  const again = await fetch(url)
  expect([again.status, again.headers.get('www-authenticate')]).toEqual([403, null])
  expect((await fetch(`${url}&ticket=${ticket}`)).status).toBe(403)
  expect(await readUntilExpiry(response)).toEqual(events)
})
