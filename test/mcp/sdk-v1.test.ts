/** `dpop-guard/mcp` with server and client of the official SDK 1, which implement earlier revisions of the protocol. */

import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { serve } from '@hono/node-server'
import { discoverOAuthProtectedResourceMetadata } from '@modelcontextprotocol/sdk/client/auth.js'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport, StreamableHTTPError } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import type { AuthInfo } from '@modelcontextprotocol/sdk/server/auth/types.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { WebStandardStreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/webStandardStreamableHttp.js'
import { ToolListChangedNotificationSchema } from '@modelcontextprotocol/sdk/types.js'
import { createVerifier, type Verifier, type VerifierOptions } from 'dpop-guard'
import { resourceMetadata } from 'dpop-guard/express'
import { resourceMetadata as fetchMetadata } from 'dpop-guard/fetch'
import { mcpAuth, withMcpAuth } from 'dpop-guard/mcp'
import { createTestClient, createTestIssuer, type TestIssuer } from 'dpop-guard/testing'
import express from 'express'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { closeServer, listen } from '../adapters/contract.js'

let issuer: TestIssuer
/** That of the issuer. */
const AUDIENCE = 'https://api.example'
beforeAll(async () => {
  issuer = await createTestIssuer({ alg: 'ES256' })
})

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** The tool responds with the `authInfo` that it has. */
function createTools(): McpServer {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool('whoami', { description: 'Your access token' }, ({ authInfo }) => ({
    content: [{ type: 'text', text: JSON.stringify(authInfo) }]
  }))
  return server
}

type Start = (more?: Partial<VerifierOptions>) => Promise<string>

function verifierAt(port: number, more: Partial<VerifierOptions>): { verifier: Verifier; resource: string } {
  const baseUrl = `http://127.0.0.1:${port}`
  const resource = `${baseUrl}/mcp`
  const options = { issuer: issuer.options, baseUrl, audience: AUDIENCE, metadata: { resources: [resource] }, ...more }
  return { verifier: createVerifier(options) as Verifier, resource }
}

/** An Express host, whose endpoint `handle` implements. */
async function startExpress(more: Partial<VerifierOptions>, handle: express.RequestHandler): Promise<string> {
  const app = express().set('env', 'test')
  const server = createServer(app)
  const { verifier, resource } = verifierAt(await listen(server), more)
  app.use(resourceMetadata(verifier))
  app.all('/mcp', mcpAuth(verifier, { resource, scopes: ['notes'] }), handle)
  closing.push(async () => {
    server.closeAllConnections()
    await closeServer(server)
  })
  return resource
}

const stateless: Start = (more = {}) =>
  startExpress(more, async (req, res) => {
    if (req.method !== 'POST') return void res.status(405).end()
    const server = createTools()
    const transport = new StreamableHTTPServerTransport({})
    res.on('close', () => void server.close())
    await server.connect(transport)
    await transport.handleRequest(req, res)
  })

/** The servers of sessions, in order of creation. */
const sessionServers: McpServer[] = []

/** Sessions belong to the subject of the token that started them. */
const sessions: Start = (more = {}) => {
  const transports = new Map<string, { owner: unknown; transport: StreamableHTTPServerTransport }>()
  return startExpress(more, async (req, res) => {
    const owner = (req as { auth?: AuthInfo }).auth?.extra?.['sub']
    const id = req.get('mcp-session-id')
    const known = transports.get(id ?? '')
    if (id !== undefined && known?.owner !== owner) return void res.status(404).end()
    const transport =
      known?.transport ??
      new StreamableHTTPServerTransport({
        sessionIdGenerator: randomUUID,
        onsessioninitialized: (created) => void transports.set(created, { owner, transport })
      })
    if (known === undefined) {
      const server = createTools()
      sessionServers.push(server)
      closing.push(() => server.close())
      await server.connect(transport)
    }
    await transport.handleRequest(req, res)
  })
}

const overFetch: Start = async (more = {}) => {
  let fetch: (request: Request) => Response | Promise<Response> = () => new Response()
  const port = await new Promise<number>((resolve) => {
    const server = serve({ fetch: (request) => fetch(request), port: 0, hostname: '127.0.0.1' }, (info) => resolve(info.port))
    closing.push(() => closeServer(server))
  })
  const { verifier, resource } = verifierAt(port, more)
  const metadata = fetchMetadata(verifier)
  const guarded = withMcpAuth(
    verifier,
    async (request, authInfo) => {
      if (request.method !== 'POST') return new Response(null, { status: 405 })
      const transport = new WebStandardStreamableHTTPServerTransport({ enableJsonResponse: true })
      await createTools().connect(transport)
      return await transport.handleRequest(request, { authInfo })
    },
    { resource, scopes: ['notes'] }
  )
  fetch = async (request) => metadata(request) ?? (await guarded(request))
  return resource
}

/** The client of the SDK; its requests have the proofs of a test client. */
async function connect(url: string, claims: object = {}) {
  const key = await createTestClient()
  const token = await issuer.issue({ jkt: key.jkt, scope: 'notes', claims: { ...claims } })
  const sent: { method: string; headers: Headers }[] = []
  const fetch = async (input: string | URL, init: RequestInit = {}) => {
    const response = await key.fetch(`${input}`, token, init)
    sent.push({ method: init.method ?? 'GET', headers: new Headers(init.headers) })
    return response
  }
  const client = new Client({ name: 'test', version: '1.0.0' })
  const transport = new StreamableHTTPClientTransport(new URL(url), { fetch })
  return { client, transport, key, token, sent }
}

async function whoami(client: Client): Promise<AuthInfo> {
  const { content } = await client.callTool({ name: 'whoami', arguments: {} })
  return JSON.parse((content as [{ text: string }])[0].text)
}

const initialize = {
  jsonrpc: '2.0',
  id: 1,
  method: 'initialize',
  params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo: { name: 'test', version: '1.0.0' } }
}

describe.each<[name: string, start: Start]>([
  ['an Express host without sessions', stateless],
  ['an Express host with sessions', sessions],
  ['a Fetch host', overFetch]
])('SDK 1: %s', (_, start) => {
  it('passes authInfo to the tools of the official client', async () => {
    const url = await start()
    const { client, transport, key, token } = await connect(url)
    closing.push(() => client.close())
    await client.connect(transport)
    expect(await whoami(client)).toEqual({
      token,
      clientId: 'client',
      scopes: ['notes'],
      expiresAt: expect.any(Number),
      resource: url,
      extra: { jkt: key.jkt, issuer: issuer.options.issuer, sub: 'user' }
    })
  })

  it('serves a client that has to use a nonce', async () => {
    const { client, transport } = await connect(await start({ nonce: { secrets: ['a secret of at least 32 random bytes'] } }))
    closing.push(() => client.close())
    await client.connect(transport)
    expect((await whoami(client)).scopes).toEqual(['notes'])
  })

  it('rejects a stolen token before the transport', async () => {
    const url = await start()
    const { key, token } = await connect(url)
    const attacker = await createTestClient()
    const proof = await key.headers({ method: 'POST', url, token })
    const statuses: number[] = []
    for (const headers of [
      {},
      { Authorization: `Bearer ${token}` },
      await attacker.headers({ method: 'POST', url, token }),
      proof,
      proof
    ]) {
      const sent = { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers }
      const response = await fetch(url, { method: 'POST', headers: sent as HeadersInit, body: JSON.stringify(initialize) })
      statuses.push(response.status)
      await response.body?.cancel()
    }
    expect(statuses).toEqual([401, 401, 401, 200, 401])
  })

  it('fails to connect a client whose token lacks the scope', async () => {
    const { client, transport } = await connect(await start(), { scope: 'other' })
    await expect(client.connect(transport)).rejects.toMatchObject({ constructor: StreamableHTTPError, code: 403 })
  })

  it('publishes metadata at a URL that the client requests', async () => {
    const url = await start()
    expect(await discoverOAuthProtectedResourceMetadata(url)).toMatchObject({
      resource: url,
      authorization_servers: [issuer.options.issuer]
    })
  })
})

describe('SDK 1: the GET stream of a session', () => {
  it('requires a proof for GET', async () => {
    const url = await sessions()
    const { client, transport, sent } = await connect(url)
    closing.push(() => client.close())
    const notified = new Promise<void>((resolve) =>
      client.setNotificationHandler(ToolListChangedNotificationSchema, () => resolve())
    )
    await client.connect(transport)
    await vi.waitFor(() => expect(sent.map(({ method }) => method)).toContain('GET'))
    sessionServers.at(-1)?.sendToolListChanged()
    await notified
    const response = await fetch(url, { headers: { accept: 'text/event-stream', 'mcp-session-id': `${transport.sessionId}` } })
    expect(response.status).toBe(401)
  })

  it('rejects another user with a valid token and proof', async () => {
    const url = await sessions()
    const { client, transport } = await connect(url)
    closing.push(() => client.close())
    await client.connect(transport)
    const other = await connect(url, { sub: 'mallory' })
    const headers = { accept: 'text/event-stream', 'mcp-session-id': `${transport.sessionId}` }
    expect((await other.key.fetch(url, other.token, { headers })).status).toBe(404)
  })
})
