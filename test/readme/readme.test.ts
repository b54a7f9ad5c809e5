import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { createTestClient, type TestIssuer } from 'dpop-guard/testing'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { acceptedSocket, rejectionOf } from '../support/sockets.js'
import { compilePrograms, programsOf } from './programs.js'
import { listeningIssuer, RunningPrograms } from './running-programs.js'

const programs = await programsOf('README.md')
const operations = await programsOf('docs/operations.md')
const debugging = await programsOf('docs/debugging.md')
const telemetry = await programsOf('docs/telemetry.md')
const testing = await programsOf('docs/testing.md')
const frameworks = await programsOf('docs/frameworks.md')
const browsers = await programsOf('docs/browsers.md')
const mcp = await programsOf('docs/mcp.md')
const webSockets = await programsOf('docs/websockets.md')
const identityProviders = await programsOf('docs/identity-providers.md')
const servers = ['express', 'fastify', 'koa', 'nestjs', 'hono', 'standalone']

let running: RunningPrograms
let issuer: TestIssuer
let fileOf: (name: string) => string

/** Starts a program, waits until it responds, and returns its origin. */
const start = async (name: string): Promise<string> => (await running.start(name)).origin

beforeAll(async () => {
  issuer = await listeningIssuer()
  fileOf = await compilePrograms(
    new Map(
      [programs, operations, debugging, telemetry, testing, frameworks, browsers, mcp, webSockets, identityProviders].flatMap(
        (all) => [...all]
      )
    )
  )
  running = new RunningPrograms(fileOf, issuer)
}, 60_000)

afterEach(async () => await running.stop())
afterAll(async () => await issuer.close())

describe('the programs of the README', () => {
  test('exist', () => {
    expect([...programs.keys()]).toEqual(['express', 'fastify', 'koa', 'nestjs', 'hono', 'fetchHandler', 'standalone'])
  })

  test.each(servers)(
    '%s: accepts a bound token with its proof, rejects it from an attacker, and leaves /health unprotected where documented',
    async (name) => {
      const origin = await start(name)
      const url = `${origin}/notes`
      const client = await createTestClient()
      const attacker = await createTestClient()
      const token = await issuer.issue({ jkt: client.jkt, scope: 'notes:read' })

      const answer = await client.fetch(url, token)
      expect(answer.status).toBe(200)
      expect(await answer.json()).toEqual({ owner: 'user' })

      const stolen = await attacker.fetch(url, token)
      expect(stolen.status).toBe(401)
      expect(stolen.headers.get('www-authenticate')).toMatch(/^DPoP error="invalid_token"/)

      const narrow = await client.fetch(url, await issuer.issue({ jkt: client.jkt, scope: 'other' }))
      expect(narrow.status).toBe(403)

      const open = await fetch(`${origin}/health`)
      expect(open.status).toBe(name === 'standalone' ? 401 : 200)
    }
  )

  test.each(servers)('%s: a missing option ends the program, which prints its name', async (name) => {
    const env = { ...process.env, DPOP_ISSUER: '' }
    const { code, stdout, stderr } = await promisify(execFile)(process.execPath, [fileOf(name)], { env }).catch((error) => error)
    expect(code).toBe(1)
    expect(`${stdout}${stderr}`).toContain('"DPOP_ISSUER" must be set in the environment')
  })

  test('fetchHandler: runs', async () => {
    await promisify(execFile)(process.execPath, [fileOf('fetchHandler')])
  })
})

describe('the programs of docs/operations.md', () => {
  test('exist, with names that differ from those of the README', () => {
    expect([...operations.keys()]).toEqual(['probes', 'nodeRedis', 'ioredis', 'outages'])
    expect([...operations.keys()].filter((name) => programs.has(name))).toEqual([])
  })

  test('outages: runs', async () => {
    await promisify(execFile)(process.execPath, [fileOf('outages')])
  })

  test('probes: responds once the issuer does', async () => {
    const origin = await start('probes')
    expect(await (await fetch(origin)).text()).toBe('ok')
  })
})

describe('the programs of docs/telemetry.md', () => {
  /** The output of a program while a request is accepted, one is rejected, and the replay store is down. */
  async function outputOf(name: string): Promise<string> {
    const harness = new URL('./cause-events.mjs', import.meta.url)
    const { stdout, stderr } = await promisify(execFile)(process.execPath, [fileURLToPath(harness), fileOf(name)])
    expect(stderr).toBe('')
    return stdout
  }

  test('exist', () => {
    expect([...telemetry.keys()]).toEqual(['openTelemetry', 'pino', 'promClient'])
  })

  test('openTelemetry: runs without a registered SDK', async () => {
    expect(await outputOf('openTelemetry')).toBe('')
  })

  test('pino: logs a rejection with its reason, and an outage with its cause', async () => {
    const lines = (await outputOf('pino')).trim().split('\n')
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { level: 30, code: 'ERR_DPOP_PROOF_HTM', reason: 'htm is "GET", the method is "PUT"', msg: 'request rejected' },
      { level: 50, code: 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE', err: { message: 'connection lost' }, msg: 'verifier unavailable' }
    ])
  })

  test('prom-client: counts verifications and measures the replay store', async () => {
    const metrics = await outputOf('promClient')
    expect(metrics).toContain('dpop_guard_verifications_total{outcome="accepted",code=""} 1')
    expect(metrics).toContain('dpop_guard_verifications_total{outcome="rejected",code="ERR_DPOP_PROOF_HTM"} 1')
    expect(metrics).toContain('dpop_guard_verifications_total{outcome="unavailable",code="ERR_DPOP_REPLAY_STORE_UNAVAILABLE"} 1')
    expect(metrics).toContain('dpop_guard_replay_store_seconds_count{outcome="first-use"} 1')
    expect(metrics).toContain('dpop_guard_replay_store_seconds_count{outcome="unavailable"} 1')
  })
})

describe('the programs of docs/testing.md', () => {
  test('exist', () => {
    expect([...testing.keys()]).toEqual(['routeTest', 'testing', 'environmentTest', 'providerToken'])
  })

  test('testing: prints the scopes of the verified request', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [fileOf('testing')])
    expect(stdout).toContain('notes:read')
  })

  test('routeTest: passes', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [fileOf('routeTest')])
    expect(stdout).toMatch(/^# pass 1$/m)
    expect(stdout).toMatch(/^# fail 0$/m)
  })

  test('environmentTest: the request is accepted', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [fileOf('environmentTest')])
    expect(stdout).toBe('200\n')
  })

  test('providerToken: the token has the claims of the provider, and no client_id', async () => {
    const { token } = (await import(fileOf('providerToken'))) as { token: string }
    const [header = '', payload = ''] = token.split('.').map((part) => Buffer.from(part, 'base64url').toString())
    expect(JSON.parse(header)).toMatchObject({ typ: 'JWT' })
    expect(JSON.parse(payload)).toMatchObject({ aud: ['notes-api', 'account'], azp: 'spa', cnf: { jkt: expect.any(String) } })
    expect(JSON.parse(payload)).not.toHaveProperty('client_id')
  })
})

describe('the programs of docs/mcp.md', () => {
  /** The status and the challenge of a request without credentials, in a process that runs `expression`. */
  async function challengeOf(expression: string): Promise<string> {
    const script = `const response = ${expression}; console.log(response.status, response.headers.get('www-authenticate')); process.exit()`
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script])
    return stdout.trim()
  }
  const metadata = 'resource_metadata="https://mcp.example/.well-known/oauth-protected-resource/mcp"'

  test('exist', () => {
    expect([...mcp.keys()]).toEqual(['mcpServer', 'mcpFetch', 'mcpServer1', 'mcpClient', 'mcpStream', 'mcpCors'])
  })

  test.each(['mcpServer', 'mcpServer1'])('%s: announces the metadata and the scopes', async (name) => {
    const file = JSON.stringify(fileOf(name))
    const challenge = await challengeOf(`await (async () => {
      const { server } = await import(${file})
      await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
      return await fetch('http://127.0.0.1:' + server.address().port + '/mcp', { method: 'POST' })
    })()`)
    expect(challenge).toMatch(/^401 DPoP /)
    expect(challenge).toContain('scope="notes"')
    expect(challenge).toContain(metadata)
  })

  test.each(['mcpServer', 'mcpServer1', 'mcpFetch'])('%s: starts without a warning', async (name) => {
    const { stderr } = await promisify(execFile)(process.execPath, ['-e', `import(${JSON.stringify(fileOf(name))})`])
    expect(stderr).toBe('')
  })

  test.each(['mcpClient', 'mcpStream', 'mcpCors'])('%s: runs', async (name) => {
    await promisify(execFile)(process.execPath, [fileOf(name)])
  })

  test('mcpFetch: announces the metadata', async () => {
    const file = JSON.stringify(fileOf('mcpFetch'))
    const challenge = await challengeOf(
      `await (await import(${file})).fetch(new Request('https://mcp.example/mcp', { method: 'POST' }))`
    )
    expect(challenge).toMatch(/^401 DPoP /)
    expect(challenge).toContain(metadata)
  })
})

describe('the programs of docs/frameworks.md', () => {
  const apps: [name: string, publicPath: string | undefined, protectedPaths: string[]][] = [
    ['fastifyScopes', '/docs', ['/notes']],
    ['fastifyRoutes', '/docs', ['/notes', '/files']],
    ['koaState', undefined, ['/notes']],
    ['honoVariables', '/docs', ['/notes']],
    ['nestAsync', '/docs', ['/notes']]
  ]
  /** With an event, without credentials, of test/serverless. */
  const functions = [
    ['lambdaHttpApi', 'http-api'],
    ['lambdaRestApi', 'rest-api']
  ] as const

  test('exist', () => {
    expect([...frameworks.keys()]).toEqual([...apps.map(([name]) => name), 'nestTest', ...functions.map(([name]) => name)])
  })

  test.each(apps)('%s: accepts a bound token on its protected routes only', async (name, publicPath, protectedPaths) => {
    const origin = await start(name)
    const client = await createTestClient()
    for (const path of protectedPaths) {
      const response = await client.fetch(`${origin}${path}`, await issuer.issue({ jkt: client.jkt }))
      expect([response.status, await response.json()]).toEqual([200, { owner: 'user' }])
      expect((await fetch(`${origin}${path}`)).status).toBe(401)
    }
    if (publicPath !== undefined) expect(await (await fetch(`${origin}${publicPath}`)).text()).toBe('public')
  })

  test.each(functions)('%s: rejects an event without credentials', async (name, event) => {
    const text = await readFile(new URL(`../serverless/${event}.json`, import.meta.url), 'utf8')
    const script = `console.log(JSON.stringify(await (await import(${JSON.stringify(fileOf(name))})).handler(${text})))`
    const env = { ...process.env, DPOP_ISSUER: issuer.issuer, DPOP_BASE_URL: 'https://api.example' }
    const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '-e', script], { env })
    const { statusCode, headers } = JSON.parse(stdout)
    expect([statusCode, headers['www-authenticate']]).toEqual([401, expect.stringMatching(/^DPoP /)])
  })

  test('nestTest: the guard runs with the verifier of the test', async () => {
    const { stdout } = await promisify(execFile)(process.execPath, [fileOf('nestTest')])
    expect(stdout).toMatch(/^200 notes$/m)
  })
})

describe('the programs of docs/browsers.md', () => {
  const apps = ['expressCors', 'fastifyCors', 'koaCors', 'nestCors', 'honoCors']
  const page = { Origin: 'https://app.example' }

  test('exist', () => {
    expect([...browsers.keys()]).toEqual([...apps, 'browserClient'])
  })

  test.each(apps)('%s: responds to the preflight, and exposes the fields on accepted and rejected requests', async (name) => {
    const origin = await start(name)
    const asks = { 'Access-Control-Request-Method': 'GET', 'Access-Control-Request-Headers': 'authorization,dpop' }
    const preflight = await fetch(`${origin}/notes`, { method: 'OPTIONS', headers: { ...page, ...asks } })
    expect([preflight.status, preflight.headers.get('access-control-allow-origin')]).toEqual([204, page.Origin])
    expect(preflight.headers.get('access-control-allow-headers')).toMatch(/^Authorization, ?DPoP, ?Content-Type$/)
    expect(preflight.headers.get('access-control-max-age')).toBe('7200')

    const client = await createTestClient()
    const token = await issuer.issue({ jkt: client.jkt })
    const accepted = await client.fetch(`${origin}/notes`, token, { headers: page })
    const rejected = await fetch(`${origin}/notes`, { headers: page })
    expect([accepted.status, rejected.status]).toEqual([200, 401])
    for (const { headers } of [accepted, rejected]) {
      expect(headers.get('access-control-allow-origin')).toBe(page.Origin)
      expect(headers.get('access-control-expose-headers')).toBe('X-Total, WWW-Authenticate, DPoP-Nonce')
    }
    const elsewhere = await fetch(`${origin}/notes`, { headers: { Origin: 'https://other.example' } })
    expect(elsewhere.headers.get('access-control-allow-origin')).toBeNull()
  })
})

describe('the programs of docs/websockets.md', () => {
  const socketUrl = (origin: string, path: string) => `${origin.replace('http', 'ws')}${path}`
  /** A client with a token of the issuer. */
  async function newClient() {
    const client = await createTestClient()
    return { client, token: await issuer.issue({ jkt: client.jkt, scope: 'notes:read' }) }
  }

  test('exist', () => {
    expect([...webSockets.keys()]).toEqual([
      'webSocket',
      'fastifyWebSocket',
      'nestGateway',
      'tickets',
      'serverSentEvents',
      'graphqlYoga',
      'nestGraphql',
      'graphqlWs'
    ])
  })

  test.each([
    ['webSocket', 'hello', 'user: hello'],
    ['fastifyWebSocket', 'hello', 'user: hello'],
    ['nestGateway', '{"event":"echo","data":"hello"}', '{"event":"echo","data":"hello"}']
  ])('%s: verifies the upgrade', async (name, message, reply) => {
    const url = socketUrl(await start(name), '/socket')
    const { client, token } = await newClient()
    const { socket, next } = await acceptedSocket(url, await client.headers({ url, token }))
    socket.send(message)
    expect(await next()).toBe(reply)
    expect(await rejectionOf(url)).toEqual({ status: 401, challenge: expect.stringMatching(/^DPoP /) })
  })

  test('tickets: opens one WebSocket and one stream with a ticket each', async () => {
    const origin = await start('tickets')
    const { client, token } = await newClient()
    const ticketOf = async (query = '') => {
      const response = await client.fetch(`${origin}/tickets${query}`, token, { method: 'POST' })
      return ((await response.json()) as { ticket: string }).ticket
    }
    const url = `${socketUrl(origin, '/notes/live')}?ticket=${await ticketOf()}`
    expect(await (await acceptedSocket(url)).next()).toBe('user')
    expect((await rejectionOf(url)).status).toBe(403)
    expect((await fetch(`${origin}/tickets`, { method: 'POST' })).status).toBe(401)

    const events = `${origin}/notes/events?ticket=${await ticketOf('?for=events')}`
    expect(await firstEventOf(await fetch(events))).toBe('data: user\n\n')
    expect((await fetch(events)).status).toBe(403)
  })

  test('serverSentEvents: verifies the request', async () => {
    const origin = await start('serverSentEvents')
    const { client, token } = await newClient()
    expect(await firstEventOf(await client.fetch(`${origin}/events`, token))).toBe('data: user\n\n')
    expect((await fetch(`${origin}/events`)).status).toBe(401)
  })

  test('graphqlYoga: verifies the request', async () => {
    const origin = await start('graphqlYoga')
    const { client, token } = await newClient()
    const init = { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: '{"query":"{ owner }"}' }
    const response = await client.fetch(`${origin}/graphql`, token, init)
    expect(await response.json()).toEqual({ data: { owner: 'user' } })
    expect((await fetch(`${origin}/graphql`, init)).status).toBe(401)
  })

  test('graphqlWs: authenticates the connection with a ticket', async () => {
    const origin = await start('graphqlWs')
    const { client, token } = await newClient()
    const response = await client.fetch(`${origin}/tickets`, token, { method: 'POST' })
    const { ticket } = (await response.json()) as { ticket: string }
    const connect = async () => {
      const connection = await acceptedSocket(socketUrl(origin, '/graphql'), {}, ['graphql-transport-ws'])
      connection.socket.send(JSON.stringify({ type: 'connection_init', payload: { ticket } }))
      return connection
    }
    const { socket, next } = await connect()
    expect(await next()).toBe('{"type":"connection_ack"}')
    socket.send(JSON.stringify({ id: '1', type: 'subscribe', payload: { query: '{ owner }' } }))
    expect(JSON.parse(await next())).toEqual({ id: '1', type: 'next', payload: { data: { owner: 'user' } } })
    expect(await (await connect()).closed).toBe(4403)
  })

  /** The first event of a stream, which is then canceled. */
  async function firstEventOf(response: Response): Promise<string> {
    const reader = (response.body as ReadableStream<Uint8Array>).getReader()
    const { value = new Uint8Array() } = await reader.read()
    await reader.cancel()
    return Buffer.from(value).toString()
  }
})
