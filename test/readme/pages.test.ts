/** Every TypeScript program of the documentation compiles, and those of the pages of the site do what the pages say. */

import { execFile } from 'node:child_process'
import { once } from 'node:events'
import { readFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createTestClient, type TestIssuer } from 'dpop-guard/testing'
import { afterAll, afterEach, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { describeSharedRedis, sharedRedis } from '../support/redis.js'
import { freePort } from '../support/redis-server.mjs'
import { compilePrograms, pagesOfSite, programsOf } from './programs.js'
import { describeProxy, startProxy } from './proxies.js'
import { listeningIssuer, RunningPrograms } from './running-programs.js'

const pages = await pagesOfSite()
const documents = ['README.md', ...pages.map((name) => `docs/${name}`)]
const programs = await Promise.all(documents.map(async (document) => [...(await programsOf(document))]))
const migrating = await programsOf('docs/migrating.md')

let running: RunningPrograms
let issuer: TestIssuer

beforeAll(async () => {
  issuer = await listeningIssuer()
  // Middleware for Bearer tokens declares members of the request for all programs that are compiled with it.
  const others = programs.flat().filter(([name]) => !migrating.has(name))
  const [fileOfMigrating, fileOfOther] = [
    await compilePrograms(migrating, 'migrating'),
    await compilePrograms(new Map(others), 'pages')
  ]
  running = new RunningPrograms((name) => (migrating.has(name) ? fileOfMigrating : fileOfOther)(name), issuer)
}, 300_000)

afterEach(async () => await running.stop())
afterAll(async () => await issuer.close())

/** A client, a token that is bound to its key, and one that is not bound. */
async function newClient(scope = 'notes:read') {
  const client = await createTestClient()
  const [token, bearer] = await Promise.all([issuer.issue({ jkt: client.jkt, scope }), issuer.issue({ scope })])
  return { client, token, bearer }
}

const withBearer = (token: string) => ({ headers: { Authorization: `Bearer ${token}` } })

describe('the programs of all documents', () => {
  test('have unique names, so that each is compiled', () => {
    const names = programs.flat().map(([name]) => name)
    expect(names.filter((name, index) => names.indexOf(name) !== index)).toEqual([])
  })

  test.each(pages)('%s has an example, a table or a chart in its first forty lines', async (page) => {
    const lines = (await readFile(`docs/${page}`, 'utf8')).split('\n')
    expect(lines.slice(0, 40).some((line) => /^(```|\||!\[)/.test(line))).toBe(true)
  })

  test.each(pages)('%s has no TypeScript that is not compiled', async (page) => {
    const fences = (await readFile(`docs/${page}`, 'utf8')).match(/^ *(?:```|~~~) *(?:ts|typescript|tsx|mts|cts)\b.*$/gm) ?? []
    expect(fences.filter((fence) => !/^```ts \w+$/.test(fence))).toEqual([])
  })
})

describe('the programs of docs/quick-start', () => {
  const servers = ['quickExpress', 'quickFastify', 'quickKoa', 'quickNestjs', 'quickHono', 'quickNode']

  test.each(servers)('%s: protects /notes with a scope, responds with JSON, and leaves /health public', async (name) => {
    const { origin } = await running.start(name)
    const { client, token } = await newClient()
    const accepted = await client.fetch(`${origin}/notes`, token)
    expect([accepted.status, await accepted.json()]).toEqual([200, { owner: 'user' }])

    const stolen = await (await createTestClient()).fetch(`${origin}/notes`, token)
    expect(stolen.status).toBe(401)
    expect(stolen.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_token"/)
    expect(Object.keys((await stolen.json()) as object)).toContain(name === 'quickFastify' ? 'code' : 'error_description')

    const narrow = await newClient('other')
    expect((await narrow.client.fetch(`${origin}/notes`, narrow.token)).status).toBe(403)
    expect(await (await fetch(`${origin}/health`)).text()).toBe('ok')
  })

  test.each(servers)('quickTry with %s: the client is accepted, the attacker and the Bearer token are not', async (name) => {
    const output = await running.run('quickTry', [running.fileOf(name)], { PORT: String(await freePort()) })
    expect(output).toMatch(/^client: {3}200 \{"owner":"user"\}$/m)
    expect(output).toMatch(
      /^attacker: 401 DPoP error="invalid_token", error_description="The access token is bound to a different key/m
    )
    expect(output).toMatch(/^bearer: {3}401 DPoP error="invalid_token", error_description="The Bearer scheme is not accepted/m)
  })

  test.each(['quickFetch', 'quickFetchShared'])('%s: accepts the client only', async (name) => {
    const harness = fileURLToPath(new URL('./call-handler.mjs', import.meta.url))
    const { stdout } = await promisify(execFile)(process.execPath, [harness, running.fileOf(name)])
    expect(stdout.trim()).toBe('200 401 401')
  })
})

describe('the programs of docs/migrating.md', () => {
  const before = [
    'beforeOauth2JwtBearer',
    'beforeExpressJwt',
    'beforePassportJwt',
    'beforeFastifyJwt',
    'beforeKoaJwt',
    'beforeNestPassport'
  ]

  test.each(before)('%s: accepts a Bearer token, and rejects a request without one', async (name) => {
    const { origin } = await running.start(name)
    const response = await fetch(`${origin}/notes`, withBearer((await newClient()).bearer))
    expect([response.status, await response.json()]).toEqual([200, { owner: 'user' }])
    expect((await fetch(`${origin}/notes`)).status).toBe(401)
  })

  test.each(['afterExpress', 'afterFastify', 'afterKoa', 'afterNestjs'])(
    '%s: accepts Bearer tokens and bound tokens with proofs, and rejects bound tokens without',
    async (name) => {
      const { origin } = await running.start(name)
      const { client, token, bearer } = await newClient()
      for (const response of [await fetch(`${origin}/notes`, withBearer(bearer)), await client.fetch(`${origin}/notes`, token)])
        expect([response.status, await response.json()]).toEqual([200, { owner: 'user' }])
      const downgraded = await fetch(`${origin}/notes`, withBearer(token))
      expect(downgraded.status).toBe(401)
      expect(downgraded.headers.get('www-authenticate')).toMatch(/^Bearer realm="[^"]*", error="invalid_token"/)
    }
  )

  test('countSchemes: counts by scheme and client', async () => {
    const { origin } = await running.start('countSchemes')
    const { client, token, bearer } = await newClient()
    await fetch(`${origin}/requests`, withBearer(bearer))
    await fetch(`${origin}/requests`, withBearer(bearer))
    const counts = await client.fetch(`${origin}/requests`, token)
    expect(await counts.json()).toEqual({ 'Bearer client': 2, 'DPoP client': 1 })
  })
})

describe('the programs of docs/authorization.md, responses.md and resource-metadata.md', () => {
  test('policyRoutes: one of several scopes, a strong and recent authentication, and the decision of the application', async () => {
    const { origin } = await running.start('policyRoutes')
    const { client, token } = await newClient()
    expect((await client.fetch(`${origin}/notes/user`, token)).status).toBe(200)

    const statusOf = async (owner: string, claims: object) => {
      const written = await issuer.issue({ jkt: client.jkt, scope: 'notes:write', claims: { ...claims } })
      return (await client.fetch(`${origin}/notes/${owner}`, written, { method: 'DELETE' })).status
    }
    const recent = { acr: 'mfa', auth_time: Math.floor(Date.now() / 1000) }
    expect(await statusOf('user', recent)).toBe(204)
    expect(await statusOf('other', recent)).toBe(403)
    expect(await statusOf('user', { ...recent, acr: 'pwd' })).toBe(401)
  })

  test('rejectionOf: names the code', async () => {
    const { rejectionOf } = await import(running.fileOf('rejectionOf'))
    expect(await rejectionOf({ method: 'GET', target: '/', headers: {} })).toBe('401 ERR_DPOP_CREDENTIALS_MISSING')
  })

  test('metadataServer: serves the document of the page', async () => {
    const page = await readFile('docs/resource-metadata.md', 'utf8')
    const document = JSON.parse(page.match(/^```json\n(.*?)^```$/ms)?.[1] as string)
    const { origin } = await running.start('metadataServer')
    const response = await fetch(`${origin}/.well-known/oauth-protected-resource`)
    expect(await response.json()).toEqual({ ...document, resource: origin, authorization_servers: [issuer.issuer] })
  })
})

describe('the program of docs/options.md', () => {
  test('optionsExample: the options are valid', async () => {
    await running.run('optionsExample')
  })
})

describe('the program of docs/nonces.md', () => {
  const secret = 'a secret of thirty-two characters or more'

  test('requires a nonce, and provides one before the first protected request', async () => {
    const { origin } = await running.start('nonceServer', { NONCE_SECRET: secret })
    const { client, token } = await newClient()
    const url = `${origin}/notes`
    const first = await fetch(url, { headers: await client.headers({ url, token }) })
    expect([first.status, first.headers.get('cache-control')]).toEqual([401, 'no-store'])
    expect(first.headers.get('www-authenticate')).toMatch(/^DPoP error="use_dpop_nonce"/)

    const provided = await fetch(`${origin}/nonce`, { method: 'HEAD' })
    const nonce = provided.headers.get('dpop-nonce') as string
    expect(nonce).toBe(first.headers.get('dpop-nonce'))
    expect((await fetch(url, { headers: await client.headers({ url, token, nonce }) })).status).toBe(200)
  })

  test('does not start without a secret', async () => {
    const error = await running.run('nonceServer', [], { NONCE_SECRET: '' }).catch(({ stderr }) => stderr)
    expect(error).toContain('nonce.secrets')
  })
})

describe('the program of docs/opaque-tokens.md', () => {
  /** An authorization server with opaque tokens, which introspects them for the client `notes-api`. */
  async function introspectingServer(jkt: string) {
    const server = createServer((request, response) => {
      const { port } = server.address() as AddressInfo
      const url = `http://127.0.0.1:${port}`
      const isAuthenticated = request.headers.authorization === `Basic ${btoa('notes-api:secret')}`
      const token = {
        active: isAuthenticated,
        iss: url,
        aud: 'https://api.example',
        sub: 'user',
        token_type: 'DPoP',
        cnf: { jkt }
      }
      const body =
        request.method === 'POST' ? token : { issuer: url, introspection_endpoint: `${url}/introspect`, jwks_uri: `${url}/jwks` }
      response.setHeader('content-type', 'application/json').end(JSON.stringify(body))
    })
    await once(server.listen(0, '127.0.0.1'), 'listening')
    onTestFinished(() => void server.close().closeAllConnections())
    return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  }

  test('accepts an active bound token of the client that it is bound to', async () => {
    const { client } = await newClient()
    const environment = { DPOP_ISSUER: await introspectingServer(client.jkt), CLIENT_SECRET: 'secret' }
    const { origin } = await running.start('introspectionServer', environment)
    expect((await client.fetch(`${origin}/notes`, 'opaque')).status).toBe(200)
    expect((await (await createTestClient()).fetch(`${origin}/notes`, 'opaque')).status).toBe(401)
  })
})

describe('the programs of docs/instances.md', () => {
  describeSharedRedis('sharedStore', () => {
    /** The first response that is not 503: on a busy machine Redis may not reply within `timeoutMs`. */
    async function decided(send: () => Promise<Response>): Promise<number> {
      for (let attempt = 0; attempt < 50; attempt++) {
        const { status } = await send()
        if (status !== 503) return status
      }
      throw new Error('The replay store is unavailable')
    }

    test('rejects a replay to another instance', async () => {
      const environment = { REDIS_URL: await sharedRedis(), DPOP_BASE_URL: 'https://api.example' }
      const { client, token } = await newClient()
      let headers = {}
      const first = await running.start('sharedStore', environment)
      const accepted = await decided(async () => {
        headers = await client.headers({ url: 'https://api.example/notes', token })
        return await fetch(`${first.origin}/notes`, { headers })
      })
      await running.stop()
      const second = await running.start('sharedStore', environment)
      const replayed = await decided(() => fetch(`${second.origin}/notes`, { headers }))
      expect([accepted, replayed]).toEqual([200, 401])
    })
  })

  test('customStore: reserves a key once', async () => {
    const { sqlReplayStore } = await import(running.fileOf('customStore'))
    const rows = new Set<unknown>()
    const execute = async (_sql: string, [id]: unknown[]) => ({ changedRows: rows.has(id) ? 0 : rows.add(id) && 1 })
    const store = sqlReplayStore({ execute })
    expect([await store.reserve('a', 1), await store.reserve('a', 1), await store.reserve('b', 1)]).toEqual([true, false, true])
  })
})

describe.each([
  ['nginx', 'nginx'],
  ['caddy', 'text']
] as const)('the configuration for %s of docs/proxy.md', (program, language) => {
  describeProxy(program, () => {
    test('forwards what the guard verifies, so that the proof names the public URL', async () => {
      const { port } = await running.start('behindProxy')
      const proxy = await startProxy(program, language, port)
      const { client, token } = await newClient()
      const statusOf = async (path: string, htu: string) => {
        const response = await fetch(`${proxy}${path}`, { headers: await client.headers({ url: htu, token }) })
        return response.status
      }
      expect(await statusOf('/v1/notes/1?page=2', 'https://api.example/v1/notes/1')).toBe(200)
      expect(await statusOf('/v1/notes/1', `http://127.0.0.1:${port}/notes/1`)).toBe(401)
      const encoded = await statusOf('/v1/notes/a%2Fb', 'https://api.example/v1/notes/a%2Fb')
      expect(encoded).toBe(program === 'nginx' ? 401 : 200)
    })
  })
})
