/** WebSocket connections are verified once, at the upgrade, and end when the access token expires. */

import 'reflect-metadata'
import { createServer, type IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import websocket from '@fastify/websocket'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { WsAdapter } from '@nestjs/platform-ws'
import { type OnGatewayConnection, SubscribeMessage, WebSocketGateway } from '@nestjs/websockets'
import {
  createVerifier,
  isDPoPError,
  isDPoPUnavailableError,
  memoryReplayStore,
  type VerifiedRequest,
  type Verifier
} from 'dpop-guard'
import { dpop } from 'dpop-guard/fastify'
import { createTickets, onExpiry, type Tickets } from 'dpop-guard/ticket'
import fastify from 'fastify'
import { createClient } from 'graphql-ws'
import { useServer } from 'graphql-ws/use/ws'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { WebSocket, WebSocketServer } from 'ws'
import { acceptedSocket, rejectionOf } from '../support/sockets.js'
import { BASE_URL, createWorld, NOW, NOW_MS, type RequestSpec, type World } from '../support/world.js'
import { closeServer, listen } from './contract.js'
import { execute, notesSchema, subscribe } from './graphql-schema.js'

let world: World
let verifier: Verifier
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(() => {
  world.clock.set(NOW_MS)
  verifier = createVerifier(world.options)
})

/** Header fields of an upgrade of `/socket`. */
const credentials = async (spec: RequestSpec = {}) => (await world.request({ target: '/socket', ...spec })).headers
const endWith = (
  socket: { close(code: number, reason: string): void; on(name: 'close', listener: () => void): unknown },
  exp: number | undefined
) =>
  void socket.on(
    'close',
    onExpiry(exp, () => socket.close(4401, 'token expired'), world.clock)
  )

/** The response to an upgrade that is rejected, as docs/websockets.md has it. */
function reject(socket: Duplex, error: unknown): void {
  if (!isDPoPError(error) && !isDPoPUnavailableError(error)) throw error
  const lines = Object.entries(error.headers).flatMap(([name, value]) => [value].flat().map((one) => `${name}: ${one}\r\n`))
  socket.end(`HTTP/1.1 ${error.status} \r\nConnection: close\r\nContent-Length: 0\r\n${lines.join('')}\r\n`)
}

async function startWs(): Promise<string> {
  const server = createServer()
  const sockets = new WebSocketServer({ noServer: true })
  server.on('upgrade', async (request, socket, head) => {
    try {
      const auth = await verifier.verifyRequest(request)
      sockets.handleUpgrade(request, socket, head, (connection) => {
        endWith(connection, auth.claims.exp)
        connection.on('message', (data) => connection.send(`${auth.claims.sub}: ${data}`))
      })
    } catch (error) {
      reject(socket, error)
    }
  })
  const port = await listen(server)
  onTestFinished(() => closeServer(server))
  return `ws://127.0.0.1:${port}`
}

async function startFastify(): Promise<string> {
  const app = fastify()
  await app.register(websocket)
  await app.register(dpop, { verifier })
  app.get('/socket', { websocket: true }, (connection, { dpop: auth }) => {
    endWith(connection, auth?.claims.exp as number)
    connection.on('message', (data) => connection.send(`${auth?.claims.sub}: ${data}`))
  })
  await app.listen({ port: 0, host: '127.0.0.1' })
  onTestFinished(() => app.close())
  return app.listeningOrigin.replace('http', 'ws')
}

async function startNest(): Promise<string> {
  type Upgrade = IncomingMessage & { dpop?: VerifiedRequest }
  type Done = (isAccepted: boolean, status?: number, message?: string, headers?: object) => void

  @WebSocketGateway({
    path: '/socket',
    verifyClient: ({ req }: { req: Upgrade }, done: Done) => {
      verifier.verifyRequest(req).then(
        (auth) => {
          req.dpop = auth
          done(true)
        },
        ({ status, description, headers }) => done(false, status, description, headers)
      )
    }
  })
  class NotesGateway implements OnGatewayConnection {
    readonly #subjects = new Map<WebSocket, string | undefined>()

    handleConnection(connection: WebSocket, { dpop: auth }: Upgrade): void {
      this.#subjects.set(connection, auth?.claims.sub)
      endWith(connection, auth?.claims.exp as number)
    }

    @SubscribeMessage('echo')
    echo(connection: WebSocket, data: string): void {
      connection.send(`${this.#subjects.get(connection)}: ${data}`)
    }
  }
  class AppModule {}
  Module({ providers: [NotesGateway] })(AppModule)
  const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false })
  app.useWebSocketAdapter(new WsAdapter(app))
  await app.listen(0, '127.0.0.1')
  onTestFinished(() => app.close())
  return (await app.getUrl()).replace('http', 'ws')
}

const servers: [name: string, start: () => Promise<string>, message: string][] = [
  ['ws', startWs, 'hello'],
  ['@fastify/websocket', startFastify, 'hello'],
  ['a NestJS gateway', startNest, JSON.stringify({ event: 'echo', data: 'hello' })]
]

describe.each(servers)('%s', (_name, start, message) => {
  test.each(['https', 'wss'])(
    'accepts an upgrade whose proof has htu with %s, and its messages [AMB-28 AMB-31]',
    async (scheme) => {
      const url = `${BASE_URL.replace('https', scheme)}/socket`
      const connection = await acceptedSocket(`${await start()}/socket`, await credentials({ url }))
      connection.socket.send(message)
      expect(await connection.next()).toBe('user: hello')
    }
  )

  test('rejects an upgrade without credentials with 401 and a challenge (RFC 9449 §7.1) [AMB-28 D-42]', async () => {
    expect(await rejectionOf(`${await start()}/socket`)).toEqual({ status: 401, challenge: expect.stringMatching(/^DPoP algs=/) })
  })

  test.each<[title: string, spec: () => RequestSpec]>([
    ['of another key', () => ({ client: world.attacker, tokenSpec: { jkt: world.client.jkt } })],
    ['for another path', () => ({ url: 'wss://api.example/other' })],
    ['for another host', () => ({ url: 'wss://other.example/socket' })],
    ['with the scheme ws instead of wss', () => ({ url: 'ws://api.example/socket' })]
  ])('rejects an upgrade with a proof %s (§4.3) [AMB-28 AMB-31]', async (_title, spec) => {
    const rejection = await rejectionOf(`${await start()}/socket`, await credentials(spec()))
    expect(rejection).toEqual({ status: 401, challenge: expect.stringMatching(/^DPoP error="invalid_(token|dpop_proof)"/) })
  })

  test('rejects a replayed upgrade (§11.1) [AMB-28]', async () => {
    const url = `${await start()}/socket`
    const headers = await credentials()
    await acceptedSocket(url, headers)
    expect(await rejectionOf(url, headers)).toEqual({ status: 401, challenge: expect.stringContaining('already been used') })
  })

  test('closes the connection when the access token expires [AMB-28]', async () => {
    const headers = await credentials({ tokenSpec: { claims: { exp: NOW + 0.1 } } })
    const connection = await acceptedSocket(`${await start()}/socket`, headers)
    connection.socket.send(message)
    expect(await connection.next()).toBe('user: hello')
    world.clock.advance(0.1)
    expect(await connection.closed).toBe(4401)
  })
})

/** The tickets of an application with the clock of the test. */
function newTickets(): Tickets {
  const secrets = ['a secret of thirty-two characters or more']
  return createTickets({ secrets, replay: memoryReplayStore(), clock: world.clock })
}

describe('a client that cannot set header fields', () => {
  /** A server that redeems the ticket in the query of an upgrade, and the tickets of the application. */
  async function startWithTickets(): Promise<{ url: string; tickets: Tickets }> {
    const tickets = newTickets()
    const server = createServer()
    const sockets = new WebSocketServer({ noServer: true })
    server.on('upgrade', async (request, socket, head) => {
      const { pathname, searchParams } = new URL(request.url as string, BASE_URL)
      try {
        const identity = await tickets.redeem(searchParams.get('ticket'), pathname)
        sockets.handleUpgrade(request, socket, head, (connection) => {
          endWith(connection, identity.expiresAt)
          connection.send(`${identity.sub} ${identity.scopes}`)
        })
      } catch (error) {
        reject(socket, error)
      }
    })
    const port = await listen(server)
    onTestFinished(() => closeServer(server))
    return { url: `ws://127.0.0.1:${port}`, tickets }
  }
  const verified = async (spec: RequestSpec = {}) =>
    await verifier.verifyRequest(await world.request({ method: 'POST', target: '/tickets', ...spec }))

  test('opens one connection with a ticket, for its path [AMB-32]', async () => {
    const { url, tickets } = await startWithTickets()
    const ticket = await tickets.issue(await verified({ scope: 'notes:read' }), '/socket')
    expect(await rejectionOf(`${url}/other?ticket=${ticket}`)).toEqual({ status: 403, challenge: undefined })
    const connection = await acceptedSocket(`${url}/socket?ticket=${ticket}`)
    expect(await connection.next()).toBe('user notes:read')
    expect((await rejectionOf(`${url}/socket?ticket=${ticket}`)).status).toBe(403)
    expect((await rejectionOf(`${url}/socket`)).status).toBe(403)
  })

  test('its connection closes when the access token of the ticket expires [AMB-32 AMB-28]', async () => {
    const { url, tickets } = await startWithTickets()
    const ticket = await tickets.issue(await verified({ tokenSpec: { claims: { exp: NOW + 0.1 } } }), '/socket')
    const connection = await acceptedSocket(`${url}/socket?ticket=${ticket}`)
    world.clock.advance(0.1)
    expect(await connection.closed).toBe(4401)
  })
})

describe('graphql-ws', () => {
  const query = '{ owner }'

  /** Subscriptions and queries over WebSocket; the connection is authenticated by its upgrade or by a ticket in connection_init. */
  async function startGraphql(): Promise<{ url: string; tickets: Tickets }> {
    const tickets = newTickets()
    const server = createServer()
    const sockets = new WebSocketServer({ noServer: true })
    useServer<{ ticket?: string }, { sub?: string | undefined; request: IncomingMessage & { dpop?: VerifiedRequest } }>(
      {
        schema: notesSchema,
        execute,
        subscribe,
        onConnect: async ({ connectionParams, extra }) => {
          const { dpop: auth } = extra.request
          try {
            const identity = auth
              ? { sub: auth.claims.sub, expiresAt: auth.claims.exp }
              : await tickets.redeem(connectionParams?.ticket, '/graphql')
            extra.sub = identity.sub
            endWith((extra as unknown as { socket: WebSocket }).socket, identity.expiresAt)
            return true
          } catch {
            return false
          }
        },
        context: ({ extra }) => ({ auth: { claims: { sub: extra.sub } } })
      },
      sockets
    )
    server.on('upgrade', async (request, socket, head) => {
      try {
        if (request.headers.authorization !== undefined) Object.assign(request, { dpop: await verifier.verifyRequest(request) })
        sockets.handleUpgrade(request, socket, head, (connection) => void sockets.emit('connection', connection, request))
      } catch (error) {
        reject(socket, error)
      }
    })
    const port = await listen(server)
    onTestFinished(() => closeServer(server))
    return { url: `ws://127.0.0.1:${port}/graphql`, tickets }
  }

  /** The first result of an operation, and a promise of the close code. */
  async function run(
    url: string,
    headers: object,
    connectionParams: Record<string, unknown>
  ): Promise<{ result: unknown; closed: Promise<unknown> }> {
    class SocketWithHeaders extends WebSocket {
      constructor(address: string, protocols: string[]) {
        super(address, protocols, { headers: { ...headers } })
      }
    }
    const client = createClient({
      url,
      webSocketImpl: SocketWithHeaders,
      connectionParams,
      retryAttempts: 0,
      lazy: false,
      onNonLazyError: () => {}
    })
    onTestFinished(() => void client.dispose())
    const closed = new Promise((resolve) => void client.on('closed', (event) => resolve((event as { code: number }).code)))
    const { value } = await client.iterate({ query }).next()
    return { result: value, closed }
  }

  test('the context has the identity of the verified upgrade [AMB-28 AMB-31]', async () => {
    const { url } = await startGraphql()
    const headers = await credentials({ target: '/graphql', url: 'wss://api.example/graphql' })
    expect((await run(url, headers, {})).result).toEqual({ data: { owner: 'user' } })
    await expect(run(url, headers, {})).rejects.toBeDefined()
  })

  test('a ticket in connection_init authenticates the connection, once [AMB-32]', async () => {
    const { url, tickets } = await startGraphql()
    const auth = await verifier.verifyRequest(await world.request({ tokenSpec: { claims: { exp: NOW + 0.1 } } }))
    const ticket = await tickets.issue(auth, '/graphql')
    const { result, closed } = await run(url, {}, { ticket })
    expect(result).toEqual({ data: { owner: 'user' } })
    for (const params of [{ ticket }, {}, { ticket: 'x' }])
      await expect(run(url, {}, params)).rejects.toMatchObject({ code: 4403 })
    world.clock.advance(0.1)
    expect(await closed).toBe(4401)
  })
})
