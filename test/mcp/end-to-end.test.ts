/** The official client and server of MCP 2026-07-28 with oidc-provider: discovery, sign-in, tools, streams and a stolen token. */

import { createServer } from 'node:http'
import { Client, DpopSession, type Progress, StreamableHTTPClientTransport, withDpop } from '@modelcontextprotocol/client'
import type { VerifierOptions } from 'dpop-guard'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { decodeJwt } from 'jose'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { closeServer, listen } from '../adapters/contract.js'
import { createNotesServer, startWorld, type World } from './world.mjs'

/** A request of the client and the response. */
interface Exchange {
  readonly method: string
  readonly url: string
  readonly headers: Headers
  readonly body: unknown
  readonly status: number
  readonly response: Headers
}

/** A fetch that records what was sent. */
function createWire() {
  const exchanges: Exchange[] = []
  const fetch: typeof globalThis.fetch = async (input, init) => {
    const response = await globalThis.fetch(input, init)
    const { method = 'GET', headers, body } = init ?? {}
    exchanges.push({
      method,
      url: `${input}`,
      headers: new Headers(headers),
      body,
      status: response.status,
      response: response.headers
    })
    return response
  }
  return { exchanges, fetch }
}

/** A world with a client that has signed in, and what it sent to sign in and after. */
async function signIn(options: Partial<VerifierOptions> = {}, onEnd: (close: World['close']) => void = onTestFinished) {
  const world = await startWorld(options)
  onEnd(() => world.close())
  const { exchanges, fetch } = createWire()
  const client = await world.connect(fetch)
  const signingIn = exchanges.splice(0)
  const proofs = () =>
    exchanges.filter(({ url }) => url === world.resource).map(({ headers }) => decodeJwt(headers.get('dpop') ?? ''))
  return { world, client, signingIn, exchanges, proofs }
}

const texts = (...lines: string[]) => ({ content: lines.map((text) => ({ type: 'text', text })) })

describe('discovery and authorization', () => {
  it('fetches the metadata that the 401 response names and that of the authorization server (RFC 9728 §5, RFC 8414 §3) [P-M1 P-M16 P-M17]', async () => {
    const { world, signingIn } = await signIn()
    const [first, ...others] = signingIn
    const named = /resource_metadata="([^"]+)"/.exec(first?.response.get('www-authenticate') ?? '')?.[1]
    expect(signingIn.map(({ method, status, url }) => `${method} ${url} ${status}`)).toEqual([
      `POST ${world.resource} 401`,
      `GET ${named} 200`,
      `GET ${world.issuer}/.well-known/oauth-authorization-server 200`,
      `POST ${world.issuer}/token 200`,
      `POST ${world.resource} 200`
    ])
    expect(others.every(({ url }) => url.startsWith('http://127.0.0.1:'))).toBe(true)
  })

  it('requests the scopes of the challenge and the resource of the metadata, with PKCE [P-M12]', async () => {
    const { world, client } = await signIn()
    expect(client.asked).toEqual(['notes:read'])
    expect(Object.fromEntries(client.session.authorizationUrl.searchParams)).toMatchObject({
      response_type: 'code',
      resource: world.resource,
      scope: 'notes:read',
      code_challenge_method: 'S256',
      code_challenge: expect.stringMatching(/^[\w-]{43}$/)
    })
  })

  it('results in a token that is bound to the key of the client and restricted to the resource [P-M5 P-M9]', async () => {
    const { world, client, signingIn } = await signIn()
    const request = signingIn.find(({ url }) => url === `${world.issuer}/token`)
    expect(request?.headers.has('dpop')).toBe(true)
    expect(client.session.tokens.token_type).toBe('DPoP')
    expect(decodeJwt(client.session.tokens.access_token)).toMatchObject({
      iss: world.issuer,
      sub: 'alice',
      aud: world.resource,
      scope: 'notes:read',
      cnf: { jkt: client.dpop.thumbprint }
    })
  })
})

describe('tools', () => {
  it('read authInfo, and each call has its own proof and the header fields of the revision [P-M19 P-M21]', async () => {
    const { client, exchanges, proofs } = await signIn()
    for (let call = 0; call < 3; call++) expect(await client.callTool('list')).toMatchObject(texts('Water the plants'))
    expect(new Set(proofs().map(({ jti }) => jti)).size).toBe(3)
    for (const { method, headers } of exchanges) {
      expect(method).toBe('POST')
      expect(headers.get('authorization')).toBe(`DPoP ${client.session.tokens.access_token}`)
      expect([headers.get('mcp-method'), headers.get('mcp-name')]).toEqual(['tools/call', 'list'])
    }
  })

  it('respond with a stream of notifications to one POST', async () => {
    const { client, exchanges } = await signIn()
    const received: (string | undefined)[] = []
    const adding: Promise<unknown>[] = []
    const onprogress = ({ progress, message }: Progress) => {
      received.push(message)
      if (progress < 2) adding.push(client.callTool('add', { text: `note ${progress}` }))
    }
    expect(await client.callTool('follow', { count: 2 }, { onprogress })).toMatchObject(texts('note 0', 'note 1'))
    await Promise.all(adding)
    expect(received).toEqual(['following', 'note 0', 'note 1'])
    const stream = exchanges.find(({ headers }) => headers.get('mcp-name') === 'follow')
    expect(stream).toMatchObject({ method: 'POST', status: 200 })
    expect(stream?.response.get('content-type')).toBe('text/event-stream')
  })

  it('with further scopes make the client request them from its user, and keep the granted ones [P-M13]', async () => {
    const { client, exchanges } = await signIn()
    expect(await client.callTool('add', { text: 'Buy milk' })).toMatchObject(texts('Water the plants', 'Buy milk'))
    expect(client.asked).toEqual(['notes:read', 'notes:read notes:write'])
    const [rejected] = exchanges
    expect(rejected?.status).toBe(403)
    expect(rejected?.response.get('www-authenticate')).toMatch(
      /^DPoP error="insufficient_scope".* scope="notes:read notes:write".* resource_metadata="/
    )
    expect(client.session.tokens.scope).toBe('notes:read notes:write')
    expect(await client.callTool('add', { text: 'Call Bob' })).toMatchObject(texts('Water the plants', 'Buy milk', 'Call Bob'))
    expect(client.asked).toHaveLength(2)
  })

  it('are called once if the client has to repeat the request with a nonce (RFC 9449 §9)', async () => {
    const { client, signingIn, proofs } = await signIn({ nonce: { secrets: ['a secret of at least 32 random bytes'] } })
    const [, , , , withoutNonce, withNonce] = signingIn
    expect([withoutNonce?.status, withNonce?.status]).toEqual([401, 200])
    expect(withoutNonce?.response.get('www-authenticate')).toContain('error="use_dpop_nonce"')
    const nonce = withoutNonce?.response.get('dpop-nonce')
    expect(decodeJwt(withNonce?.headers.get('dpop') ?? '')).toMatchObject({ nonce })
    expect(await client.callTool('list')).toMatchObject(texts('Water the plants'))
    expect(proofs()).toMatchObject([{ nonce }])
  })

  it('end a stream when the access token expires [P-M23]', async () => {
    const server = createServer()
    const baseUrl = `http://127.0.0.1:${await listen(server)}`
    const issuer = await createTestIssuer({ alg: 'ES256', audience: `${baseUrl}/mcp` })
    const notes = createNotesServer({ issuer: issuer.options, baseUrl })
    server.on('request', notes.handler)
    const session = await DpopSession.create()
    const token = await issuer.issue({ jkt: session.thumbprint, scope: 'notes:read', expiresInSeconds: 1 })
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
    onTestFinished(async () => {
      await client.close()
      await notes.close()
      await closeServer(server)
    })
    const fetch = withDpop(session, () => token)(globalThis.fetch) as typeof globalThis.fetch
    await client.connect(new StreamableHTTPClientTransport(new URL(notes.resource), { fetch }))
    const { exp } = decodeJwt(token)
    const result = await client.callTool({ name: 'follow', arguments: { count: 1 } }, { onprogress: () => {}, timeout: 5000 })
    expect(result).toMatchObject(texts())
    expect(Date.now() / 1000).toBeGreaterThanOrEqual(exp as number)
  })
})

describe('a stolen token', () => {
  let victim: Awaited<ReturnType<typeof signIn>>
  const closing: (() => Promise<void>)[] = []
  beforeAll(async () => {
    victim = await signIn({}, (close) => void closing.push(close))
  })
  afterAll(() => Promise.all(closing.map((close) => close())))

  /** The response to a request of an attacker who has read the last request of the client, which is still served afterwards. */
  async function attack(forge: (stolen: { token: string; url: string }) => Promise<HeadersInit>): Promise<string> {
    const { world, client, exchanges } = victim
    const { content } = await client.callTool('add', { text: 'Buy milk' })
    const { headers, body } = exchanges.at(-1) as Exchange
    const forged = new Headers(headers)
    const stolen = { token: client.session.tokens.access_token, url: world.resource }
    for (const [name, value] of new Headers(await forge(stolen))) forged.set(name, value)
    const response = await fetch(world.resource, { method: 'POST', headers: forged, body: body as string })
    expect(await client.callTool('list')).toMatchObject({ content })
    return `${response.status} ${/error="\w+"/.exec(response.headers.get('www-authenticate') ?? '')?.[0]}`
  }

  it('with a proof of another key calls no tool (RFC 9449 §4.3 #12)', async () => {
    const attacker = await createTestClient()
    expect(await attack(({ token, url }) => attacker.headers({ method: 'POST', url, token }))).toBe('401 error="invalid_token"')
  })

  it('with a replayed proof calls no tool (RFC 9449 §11.1)', async () => {
    expect(await attack(async () => ({}))).toBe('401 error="invalid_dpop_proof"')
  })

  it('as Bearer calls no tool (RFC 9449 §7.2)', async () => {
    expect(await attack(async ({ token }) => ({ Authorization: `Bearer ${token}` }))).toBe('401 error="invalid_token"')
  })
})
