/** `dpop-guard/mcp` with the official server and client of the Model Context Protocol, over real sockets. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createServer, type IncomingMessage, request } from 'node:http'
import { serve } from '@hono/node-server'
import { Client, DpopSession, StreamableHTTPClientTransport, withDpop } from '@modelcontextprotocol/client'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { type AuthInfo, createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import cors from 'cors'
import { createVerifier, toVerifier, type VerifierOptions } from 'dpop-guard'
import { resourceMetadata } from 'dpop-guard/express'
import { resourceMetadata as fetchMetadata } from 'dpop-guard/fetch'
import { type McpOptions, mcpAuth, toAuthInfo, withMcpAuth } from 'dpop-guard/mcp'
import { createTestClient, createTestIssuer, type TestIssuer } from 'dpop-guard/testing'
import express from 'express'
import { afterEach, beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import { closeServer, listen } from './contract.js'

let issuer: TestIssuer
beforeAll(async () => {
  issuer = await createTestIssuer({ alg: 'ES256' })
})
const closing: (() => Promise<unknown>)[] = []
afterEach(() => Promise.all(closing.splice(0).map((close) => close())))

/** That of the test issuer. */
const AUDIENCE = 'https://api.example'
const REVISION = '2026-07-28'
const settings: McpOptions = {
  scopes: ['notes'],
  toolScopes: { delete: ['notes:delete', 'notes'], größe: ['notes:size'] },
  allowedOrigins: ['https://app.example']
}

/** The `authInfo` of each call of a tool, in order. */
const seen: (AuthInfo | undefined)[] = []

function createTools(): McpServer {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  for (const name of ['list', 'delete']) {
    server.registerTool(name, { description: name }, async (context) => {
      seen.push(context.http?.authInfo)
      return { content: [{ type: 'text', text: `${name} done` }] }
    })
  }
  return server
}

/** Options of a server at a port, whose resource is its MCP endpoint. */
function optionsOf(port: number, more: Partial<VerifierOptions>): VerifierOptions {
  const baseUrl = `http://127.0.0.1:${port}`
  return { issuer: issuer.options, baseUrl, audience: AUDIENCE, metadata: { resources: [`${baseUrl}/mcp`] }, ...more }
}

type Start = (more?: Partial<VerifierOptions>, mcp?: McpOptions) => Promise<string>

const hosts: [name: string, start: Start][] = [
  [
    'an Express host',
    async (more = {}, mcp = settings) => {
      const app = express().set('env', 'test')
      const server = createServer(app)
      const port = await listen(server)
      const verifier = createVerifier(optionsOf(port, more))
      app.use(resourceMetadata(verifier))
      app.all(
        '/mcp',
        mcpAuth(verifier as never, { ...mcp, resource: `http://127.0.0.1:${port}/mcp` }) as never,
        toNodeHandler(createMcpHandler(createTools)) as never
      )
      closing.push(() => closeServer(server))
      return `http://127.0.0.1:${port}/mcp`
    }
  ],
  [
    'a Fetch host',
    async (more = {}, mcp = settings) => {
      let fetch: (request: Request) => Response | Promise<Response> = () => new Response()
      const port = await new Promise<number>((resolve) => {
        const server = serve({ fetch: (request) => fetch(request), port: 0, hostname: '127.0.0.1' }, (info) => resolve(info.port))
        closing.push(() => closeServer(server))
      })
      const verifier = createVerifier(optionsOf(port, more))
      const tools = createMcpHandler(createTools)
      const guarded = withMcpAuth(
        verifier as never,
        (request, authInfo) => tools.fetch(request, { authInfo: authInfo as AuthInfo }),
        { ...mcp, resource: `http://127.0.0.1:${port}/mcp` }
      )
      const metadata = fetchMetadata(verifier)
      fetch = async (request) => metadata(request) ?? (await guarded(request))
      return `http://127.0.0.1:${port}/mcp`
    }
  ]
]

/** The official client with its own DPoP session. */
async function connect(
  url: string,
  mode: 'auto' | 'legacy' = 'auto'
): Promise<{ client: Client; session: DpopSession; token: string }> {
  const session = await DpopSession.create()
  const token = await issuer.issue({ jkt: session.thumbprint, scope: 'notes' })
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode } })
  const fetch = withDpop(session, () => token)(globalThis.fetch) as typeof globalThis.fetch
  await client.connect(new StreamableHTTPClientTransport(new URL(url), { fetch }))
  closing.push(() => client.close())
  return { client, session, token }
}

const called = (name: string) => ({
  'mcp-protocol-version': REVISION,
  'mcp-method': 'tools/call',
  'mcp-name': name
})

/** What a body of the current revision has about its client. */
const ENVELOPE = { 'io.modelcontextprotocol/protocolVersion': REVISION, 'io.modelcontextprotocol/clientCapabilities': {} }

async function send(url: string, headers: Record<string, string>, body: unknown, method = 'POST'): Promise<Response> {
  return await fetch(url, {
    method,
    headers: { 'content-type': 'application/json', accept: 'application/json, text/event-stream', ...headers },
    ...(method === 'POST' && { body: JSON.stringify(body) })
  })
}

/** Sends a call of a tool. */
async function post(url: string, headers: Record<string, string>, method = 'POST', tool = 'list'): Promise<Response> {
  const params = { name: tool, arguments: {}, _meta: ENVELOPE }
  return await send(url, headers, { jsonrpc: '2.0', id: 1, method: 'tools/call', params }, method)
}

/** The header fields of a request by a client with these scopes. */
async function credentials(url: string, scope: string, method = 'POST'): Promise<Record<string, string>> {
  const client = await createTestClient()
  const token = await issuer.issue({ jkt: client.jkt, scope })
  return { ...(await client.headers({ method, url, token })) }
}

describe.each(hosts)('%s', (_, start) => {
  it('serves the official client, each of whose requests has a proof [P-M19]', async () => {
    const url = await start()
    const { client, session, token } = await connect(url)
    seen.length = 0
    expect(await client.callTool({ name: 'list', arguments: {} })).toMatchObject({ content: [{ text: 'list done' }] })
    expect(await client.callTool({ name: 'list', arguments: {} })).toMatchObject({ content: [{ text: 'list done' }] })
    expect(seen.at(-1)).toMatchObject({
      token,
      scopes: ['notes'],
      resource: new URL(url),
      extra: { jkt: session.thumbprint, issuer: issuer.options.issuer }
    })
  })

  it('passes the expiry of the token to the host, for streams that last longer [P-M23]', async () => {
    const { client } = await connect(await start())
    seen.length = 0
    await client.callTool({ name: 'list', arguments: {} })
    expect(seen.at(-1)?.expiresAt).toBeGreaterThan(Date.now() / 1000)
  })

  it('repeats a request of the official client with a nonce', async () => {
    const url = await start({ nonce: { secrets: ['a secret of at least 32 random bytes'] } })
    const { client } = await connect(url)
    expect(await client.callTool({ name: 'list', arguments: {} })).toMatchObject({ content: [{ text: 'list done' }] })
  })

  it('announces the metadata and the scopes to a client without credentials, without an error [P-M1 P-M12 P-M24]', async () => {
    const url = await start()
    const response = await post(url, called('list'))
    const challenge = response.headers.get('www-authenticate') ?? ''
    expect(response.status).toBe(401)
    expect(challenge).toContain('scope="notes"')
    expect(challenge).not.toContain('error=')
    const document = /resource_metadata="([^"]+)"/.exec(challenge)?.[1] as string
    expect(document).toBe(url.replace('/mcp', '/.well-known/oauth-protected-resource/mcp'))
    expect(await (await fetch(document)).json()).toMatchObject({ resource: url, authorization_servers: [issuer.options.issuer] })
  })

  it('serves metadata at the path and at the root [P-M16 P-M17]', async () => {
    const url = await start()
    for (const path of ['/.well-known/oauth-protected-resource/mcp', '/.well-known/oauth-protected-resource']) {
      const response = await fetch(url.replace('/mcp', path))
      expect(await response.json()).toMatchObject({ resource: url, authorization_servers: [issuer.options.issuer] })
    }
  })

  it('rejects a stolen token', async () => {
    const url = await start()
    const { token } = await connect(url)
    const attacker = await createTestClient()
    const stolen = await post(url, { ...called('list'), ...(await attacker.headers({ method: 'POST', url, token })) })
    expect(stolen.status).toBe(401)
    expect((await post(url, { ...called('list'), authorization: `Bearer ${token}` })).status).toBe(401)
  })

  it('names all scopes of a tool in one challenge [P-M13]', async () => {
    const url = await start()
    const response = await post(url, { ...called('delete'), ...(await credentials(url, 'notes')) }, 'POST', 'delete')
    expect(response.status).toBe(403)
    const challenge = response.headers.get('www-authenticate')
    expect(challenge).toContain('error="insufficient_scope"')
    expect(challenge).toContain('scope="notes notes:delete"')
    expect(challenge).toContain('resource_metadata=')
    const granted = await credentials(url, 'notes notes:delete')
    expect((await post(url, { ...called('delete'), ...granted }, 'POST', 'delete')).status).toBe(200)
  })

  it('accounts for scope hierarchies [P-M15]', async () => {
    const token = { scopeSatisfies: (granted: string, required: string) => required.startsWith(granted) }
    const url = await start({ token })
    const response = await post(url, { ...called('delete'), ...(await credentials(url, 'notes')) }, 'POST', 'delete')
    expect(response.status).toBe(200)
  })

  it('requires the scopes of a tool whose name is sent in Base64 [P-M21]', async () => {
    const url = await start()
    const encoded = `=?base64?${Buffer.from('größe').toString('base64')}?=`
    expect((await post(url, { ...called(encoded), ...(await credentials(url, 'notes')) })).status).toBe(403)
  })

  it.each(['=?base64?*?=', '=?base64?ZGVs ZXRl?=', '=?base64?ZGVsZXRlMQ?=', '=?base64?/w==?='])(
    'rejects a name that is not canonical Base64 of UTF-8: %s [P-M21]',
    async (name) => {
      const url = await start()
      const response = await post(url, { ...called(name), ...(await credentials(url, 'notes')) })
      expect(response.status).toBe(400)
      expect(await response.json()).toMatchObject({
        error: { code: -32_020, message: expect.stringMatching(/^MCP-Protocol-Version/) }
      })
    }
  )

  it('never calls a tool if the header fields name another tool or method [P-M21]', async () => {
    const url = await start()
    seen.length = 0
    const forged = await post(url, { ...called('list'), ...(await credentials(url, 'notes')) }, 'POST', 'delete')
    expect(forged.status).toBe(400)
    const listing = { ...called('list'), 'mcp-method': 'tools/list' }
    expect((await post(url, { ...listing, ...(await credentials(url, 'notes')) }, 'POST', 'delete')).status).toBe(400)
    expect(seen).toEqual([])
  })

  it('never calls a tool whose scopes the token lacks, for any header fields and body [P-M21]', async () => {
    const url = await start()
    seen.length = 0
    const envelope = (version: string) => ({ _meta: { ...ENVELOPE, 'io.modelcontextprotocol/protocolVersion': version } })
    const call = (more: object = {}) => ({
      jsonrpc: '2.0',
      id: 1,
      method: 'tools/call',
      params: { name: 'delete', arguments: {}, ...more }
    })
    const bodies = [call(), [call()], [call(envelope(REVISION))], call(envelope('2025-11-25')), call(envelope('2099-01-01'))]
    for (const version of [REVISION, '2099-01-01']) {
      for (const [method, name] of [
        ['tools/list', 'list'],
        ['tools/call', 'list'],
        ['initialize', 'list'],
        ['tools/call', '"delete"']
      ]) {
        for (const body of bodies) {
          const headers = { 'mcp-protocol-version': version, 'mcp-method': `${method}`, 'mcp-name': `${name}` }
          expect((await send(url, { ...headers, ...(await credentials(url, 'notes')) }, body)).status).toBe(400)
        }
      }
    }
    expect(seen).toEqual([])
  })

  it.each([
    ['MCP-Protocol-Version', { 'mcp-method': 'tools/call', 'mcp-name': 'list' }],
    ['a recent MCP-Protocol-Version', { ...called('list'), 'mcp-protocol-version': '2025-11-25' }],
    ['a valid MCP-Protocol-Version', { ...called('list'), 'mcp-protocol-version': 'z' }],
    ['Mcp-Method', { 'mcp-protocol-version': REVISION, 'mcp-name': 'list' }],
    ['Mcp-Name', { 'mcp-protocol-version': REVISION, 'mcp-method': 'tools/call' }]
  ])('rejects a request without %s [P-M21]', async (_name, headers) => {
    const url = await start()
    seen.length = 0
    const response = await post(url, { ...headers, ...(await credentials(url, 'notes')) } as Record<string, string>)
    expect(response.status).toBe(400)
    // The message of the guard, whose decision does not depend on the transport.
    expect(await response.json()).toMatchObject({
      error: { code: -32_020, message: expect.stringMatching(/^MCP-Protocol-Version/) }
    })
    expect(seen).toEqual([])
  })

  it('leaves requests without these fields to the transport if no tool has scopes', async () => {
    const url = await start({}, {})
    expect((await post(url, { 'mcp-protocol-version': REVISION, ...(await credentials(url, '')) })).status).toBe(400)
    const { client } = await connect(url, 'legacy')
    expect(await client.callTool({ name: 'delete', arguments: {} })).toMatchObject({ content: [{ text: 'delete done' }] })
  })

  it('rejects an Origin that is not allowed, also with valid credentials [P-M20]', async () => {
    const url = await start()
    for (const origin of ['https://evil.example', 'null'])
      expect((await post(url, { ...called('list'), origin, ...(await credentials(url, 'notes')) })).status).toBe(403)
    const allowed = await post(url, { ...called('list'), origin: 'https://app.example', ...(await credentials(url, 'notes')) })
    expect(allowed.status).toBe(200)
  })

  it('accepts an audience whose scheme and host are in upper case [P-M18]', async () => {
    const url = await start({ audience: 'https://mcp.example/mcp' })
    const statusOf = async (aud: string) => {
      const client = await createTestClient()
      const token = await issuer.issue({ jkt: client.jkt, scope: 'notes', claims: { aud } })
      const headers = { ...called('list'), ...(await client.headers({ method: 'POST', url, token })) }
      return (await post(url, headers)).status
    }
    expect(await statusOf('HTTPS://MCP.example/mcp')).toBe(200)
    for (const aud of ['https://MCP.example/MCP', 'https://MCP.example/mcp/', 'https://other.example/mcp'])
      expect(await statusOf(aud)).toBe(401)
  })

  it.each([
    ['Origin', 403, []],
    ['MCP-Protocol-Version', 400, []],
    ['Mcp-Method', 400, []],
    ['Mcp-Name', 400, []]
  ])('rejects two %s header fields [P-M20 P-M21]', async (name, status, calls) => {
    const url = await start()
    seen.length = 0
    const headers = { ...called('list'), origin: 'https://app.example', ...(await credentials(url, 'notes')) }
    const own = Object.entries(headers).find(([field]) => field === name.toLowerCase()) as [string, string]
    const lines = [...Object.entries(headers), own].flat()
    const params = { name: 'list', arguments: {}, _meta: ENVELOPE }
    const body = JSON.stringify({ jsonrpc: '2.0', id: 1, method: 'tools/call', params })
    const type = ['content-type', 'application/json', 'accept', 'application/json, text/event-stream']
    const response = await new Promise<IncomingMessage>((resolve, reject) => {
      request(url, { method: 'POST', headers: ['host', new URL(url).host, ...lines, ...type] as never }, resolve)
        .on('error', reject)
        .end(body)
    })
    response.resume()
    expect(response.statusCode).toBe(status)
    expect(seen).toEqual(calls)
  })

  it.each(['GET', 'DELETE'])('never accepts %s [P-M22]', async (method) => {
    const url = await start()
    expect((await post(url, called('list'), method)).status).toBe(401)
    expect((await post(url, { ...called('list'), ...(await credentials(url, 'notes', method)) }, method)).status).toBe(405)
  })

  it('requires credentials also with the option optional', async () => {
    const url = await start({ optional: true }, {})
    expect((await post(url, called('list'))).status).toBe(401)
  })
})

describe('the options', () => {
  const options = { issuer: 'https://issuer.example', baseUrl: 'https://mcp.example/mcp', metadata: {} }
  it.each<[what: string, source: VerifierOptions, mcp: object, message: string]>([
    ['no metadata', { ...options, metadata: undefined } as never, {}, '"metadata" must be set'],
    ['an unknown key', options, { scope: ['a'] }, '"scope" is not an option; did you mean "scopes"?'],
    ['scopes with a space', options, { scopes: ['a b'] }, '"scopes" must be one or more scope names without spaces'],
    ['offline_access [P-M14]', options, { scopes: ['offline_access'] }, '"scopes" must not contain offline_access'],
    [
      'offline_access of a tool [P-M14]',
      options,
      { toolScopes: { list: ['offline_access'] } },
      '"toolScopes.list" must not contain offline_access'
    ],
    [
      'offline_access in the metadata [P-M14]',
      { ...options, metadata: { scopesSupported: ['offline_access'] } },
      {},
      '"metadata.scopesSupported" must not contain offline_access'
    ],
    ['no source', undefined as never, {}, '"DPOP_ISSUER" must be set in the environment if no options are given'],
    [
      'toolScopes as a Map',
      options,
      { toolScopes: new Map([['list', ['a']]]) },
      '"toolScopes" must be an object of scopes by tool name'
    ],
    ['toolScopes as a list', options, { toolScopes: [] }, '"toolScopes" must be an object of scopes by tool name'],
    [
      'an origin with a path',
      options,
      { allowedOrigins: ['https://a.example/'] },
      '"allowedOrigins" must contain only origins, such as https://app.example'
    ],
    [
      'a resource without metadata',
      options,
      { resource: 'https://mcp.example/other' },
      '"resource" must be one of "metadata.resources", by default the base URLs'
    ]
  ])('rejects %s', (_, source, mcp, message) => {
    expect(() => mcpAuth(source as never, mcp)).toThrow(new TypeError(message))
    expect(() => withMcpAuth(source as never, () => new Response(), mcp)).toThrow(new TypeError(message))
  })

  it('a function that returns options without metadata results in 503, which is logged, and the proof is not consumed', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue(undefined)
    onTestFinished(() => log.mockRestore())
    const reserve = vi.fn(() => true)
    const baseUrl = 'https://mcp.example/mcp'
    const client = await createTestClient()
    const token = await issuer.issue({ jkt: client.jkt })
    const lazy = () => ({ issuer: issuer.options, baseUrl: new URL(baseUrl).origin, audience: AUDIENCE, replay: { reserve } })
    const headers = async () => ({ ...(await client.headers({ method: 'POST', url: baseUrl, token })) })
    const response = await withMcpAuth(
      lazy as never,
      () => new Response()
    )(new Request(baseUrl, { method: 'POST', headers: await headers() }))
    expect(response.status).toBe(503)
    const server = createServer((req, res) => mcpAuth(lazy as never)(req, res, () => res.end()))
    const port = await listen(server)
    closing.push(() => closeServer(server))
    const overNode = await fetch(`http://127.0.0.1:${port}/mcp`, { method: 'POST', headers: await headers() })
    expect(overNode.status).toBe(503)
    for (const { headers } of [response, overNode]) expect(headers.get('retry-after')).toBe('1')
    expect(log.mock.calls.flat()).toEqual([expect.stringContaining('metadata\\" must be set')])
    expect(reserve).not.toHaveBeenCalled()
  })

  it('a function is not called before the first request, also as the verifier of dpop()', () => {
    const create = vi.fn(() => ({ ...options, metadata: {} }))
    mcpAuth(toVerifier(create) as never, { scopes: ['a'] })
    expect(create).not.toHaveBeenCalled()
  })

  it('a function that fails results in 503', async () => {
    const log = vi.spyOn(console, 'error').mockReturnValue(undefined)
    onTestFinished(() => log.mockRestore())
    const failing = () => {
      throw new Error('no environment')
    }
    const request = new Request('https://mcp.example/mcp', { method: 'POST' })
    expect((await withMcpAuth(failing, () => new Response())(request)).status).toBe(503)
    expect(log.mock.calls.flat()).toEqual([expect.stringContaining('no environment')])
  })
})

it('passes an error of the host to next()', async () => {
  const client = await createTestClient()
  const options = { issuer: issuer.options, baseUrl: 'https://mcp.example', audience: AUDIENCE, metadata: {} }
  const token = await issuer.issue({ jkt: client.jkt })
  const headers = await client.headers({ method: 'POST', url: 'https://mcp.example/', token })
  const req = {
    method: 'POST',
    url: '/',
    originalUrl: '/',
    httpVersionMajor: 1,
    headers,
    headersDistinct: {},
    rawHeaders: Object.entries(headers).flat()
  }
  Object.defineProperty(req, 'auth', { get: () => undefined })
  const res = { getHeader: () => undefined, setHeader() {} }
  const error = await new Promise((resolve) => mcpAuth(options)(req as never, res as never, resolve))
  expect(error).toBeInstanceOf(TypeError)
})

it('rejects a token for another of the published resources (RFC 8707 §2) [R-01]', async () => {
  const baseUrl = 'https://mcp.example'
  const [a, b] = [`${baseUrl}/a`, `${baseUrl}/b`]
  const client = await createTestClient()
  const verifier = createVerifier({
    issuer: issuer.options,
    baseUrl,
    audience: [a, b, 'api://b'],
    metadata: { resources: [a, b] }
  })
  const statusOf = async (aud: unknown, at: string) => {
    const token = await issuer.issue({ jkt: client.jkt, claims: { aud } })
    const headers = await client.headers({ method: 'POST', url: at, token })
    const guarded = withMcpAuth(verifier, (_request, { resource }) => new Response(resource?.href), { resource: at })
    return (await guarded(new Request(at, { method: 'POST', headers }))).status
  }
  expect([await statusOf(a, a), await statusOf(b, b), await statusOf([a, b], b), await statusOf('api://b', b)]).toEqual([
    200, 200, 200, 200
  ])
  expect([await statusOf(a, b), await statusOf(b, a), await statusOf('https://MCP.example/a', b)]).toEqual([401, 401, 401])
})

describe('an Origin that is not allowed', () => {
  it('is published on the diagnostics channel of rejections', async () => {
    const events: unknown[] = []
    const keep = (event: unknown) => void events.push(event)
    subscribe('dpop-guard:refused', keep)
    const options = { issuer: issuer.options, baseUrl: 'https://mcp.example', metadata: {} }
    const request = new Request('https://mcp.example/', { method: 'POST', headers: { origin: 'https://evil.example' } })
    expect((await withMcpAuth(options, () => new Response())(request)).status).toBe(403)
    unsubscribe('dpop-guard:refused', keep)
    const reason = 'Origin is "https://evil.example", which is not in allowedOrigins'
    expect(events).toEqual([{ code: 'ERR_DPOP_ACCESS_DENIED', detail: { reason }, method: undefined, route: undefined }])
  })
})

describe('mcpAuth', () => {
  const baseUrl = 'https://mcp.example'

  it('after CORS middleware, serves pages whose requests have the header fields of the protocol [K-08]', async () => {
    const origin = 'https://app.example'
    const allowedHeaders = ['authorization', 'dpop', 'content-type', 'mcp-protocol-version', 'mcp-method', 'mcp-name']
    const app = express().set('env', 'test')
    const server = createServer(app)
    const port = await listen(server)
    closing.push(() => closeServer(server))
    const guard = mcpAuth({ ...optionsOf(port, {}), baseUrl: `http://127.0.0.1:${port}`, metadata: {} } as never, settings)
    app.use(cors({ origin, allowedHeaders }))
    app.all('/mcp', guard, (_req, res) => void res.end('called'))
    const url = `http://127.0.0.1:${port}/mcp`
    const requested = { 'access-control-request-method': 'POST', 'access-control-request-headers': allowedHeaders.join(',') }
    const preflight = await fetch(url, { method: 'OPTIONS', headers: { origin, ...requested } })
    expect(preflight.status).toBe(204)
    expect(preflight.headers.get('access-control-allow-headers')).toBe(allowedHeaders.join(','))
    for (const [headers, status] of [
      [called('list'), 401],
      [{ ...called('list'), ...(await credentials(url, 'notes')) }, 200]
    ] as const) {
      const response = await fetch(url, { method: 'POST', headers: { origin, ...headers } as HeadersInit })
      expect(response.status).toBe(status)
      expect(response.headers.get('access-control-allow-origin')).toBe(origin)
      expect(response.headers.get('access-control-expose-headers')).toBe('WWW-Authenticate, DPoP-Nonce')
    }
  })

  it('does not respond again if the host has responded, for example by a timeout', async () => {
    const guard = mcpAuth({ issuer: issuer.options, baseUrl, metadata: {} })
    const server = createServer((req, res) => {
      guard(req, res, () => {})
      res.end('timeout')
    })
    const port = await listen(server)
    closing.push(() => closeServer(server))
    expect(await (await fetch(`http://127.0.0.1:${port}/`)).text()).toBe('timeout')
  })

  it('passes an error of the host to next()', async () => {
    const guard = mcpAuth({ issuer: issuer.options, baseUrl, metadata: {} })
    const failure = new Error('The response cannot have header fields')
    const fail = () => {
      throw failure
    }
    const request = { method: 'POST', url: '/', headers: {}, rawHeaders: [] }
    const passed = await new Promise((resolve) => guard(request as never, { getHeader: fail } as never, resolve))
    expect(passed).toBe(failure)
  })
})

describe('toAuthInfo', () => {
  it.each([
    [{ client_id: 'a', azp: 'b' }, 'a'],
    [{ azp: 'b', cid: 'c' }, 'b'],
    [{ cid: 'c' }, 'c'],
    [{}, '']
  ])('reads the client of %j', (claims, clientId) => {
    const auth = { claims, issuer: 'https://issuer.example', scopes: [], token: 't', proof: undefined }
    expect(toAuthInfo(auth as never)).toEqual({
      token: 't',
      clientId,
      scopes: [],
      extra: { jkt: undefined, issuer: 'https://issuer.example', sub: undefined }
    })
  })
})
