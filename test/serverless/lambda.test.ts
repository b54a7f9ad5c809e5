/** The programs of docs/frameworks.md with the events of AWS Lambda, in the shapes that AWS documents. @module */

import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { createVerifier } from 'dpop-guard'
import { createTestClient, createTestIssuer, type TestClient, type TestIssuer } from 'dpop-guard/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { programsOf } from '../readme/programs.js'
import { verdictOf } from '../support/world.js'

/** An event as a program receives it. The members are those that the tests change. */
interface LambdaEvent {
  readonly headers: Record<string, string>
  /** Only in payload 1.0. */
  readonly multiValueHeaders?: Record<string, string[]>
  readonly rawPath: string
  readonly requestContext: { readonly stage: string; readonly http?: { method: string } }
  httpMethod?: string
}

interface LambdaResult {
  readonly statusCode: number
  readonly headers?: Record<string, string>
  readonly body: string
}

type Handler = (event: LambdaEvent) => Promise<LambdaResult>

/** A field line of a request: name and value. */
type Line = readonly [name: string, value: string]

interface Deployment {
  readonly program: 'lambdaHttpApi' | 'lambdaRestApi'
  /** The file of the event, a GET request. */
  readonly event: string
  /** The URL that the client sends the request to. */
  readonly url: string
  readonly baseUrl: string
}

const api = 'https://a1b2c3d4e5.execute-api.eu-west-1.amazonaws.com'
const functionUrl = 'https://a1b2c3d4e5f6g7h8.lambda-url.eu-west-1.on.aws'
const rest = { program: 'lambdaRestApi' } as const
const http = { program: 'lambdaHttpApi' } as const

const deployments: [name: string, deployment: Deployment][] = [
  ['a REST API', { ...rest, event: 'rest-api', url: `${api}/prod/notes`, baseUrl: api }],
  [
    'a REST API with a base path mapping',
    { ...rest, event: 'rest-api-base-path', url: 'https://api.example/v1/notes', baseUrl: 'https://api.example' }
  ],
  ['an HTTP API', { ...http, event: 'http-api', url: `${api}/notes`, baseUrl: api }],
  ['an HTTP API with a named stage', { ...http, event: 'http-api-stage', url: `${api}/prod/notes`, baseUrl: api }],
  [
    'an HTTP API with an API mapping',
    { ...http, event: 'http-api-mapping', url: 'https://api.example/v1/notes', baseUrl: 'https://api.example/v1' }
  ],
  ['a function URL', { ...http, event: 'function-url', url: `${functionUrl}/notes`, baseUrl: functionUrl }]
]

const folder = fileURLToPath(new URL('./.generated/', import.meta.url))
let issuer: TestIssuer
let client: TestClient
let attacker: TestClient

beforeAll(async () => {
  issuer = await (await createTestIssuer()).listen()
  ;[client, attacker] = await Promise.all([createTestClient(), createTestClient()])
  await mkdir(folder, { recursive: true })
  const programs = await programsOf('docs/frameworks.md')
  for (const { program } of [rest, http]) await writeFile(`${folder}${program}.ts`, programs.get(program) as string)
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await issuer.close()
})

/** A new instance of the function, with its own memory. */
async function startFunction(
  { program, baseUrl }: Pick<Deployment, 'program' | 'baseUrl'>,
  issuerUrl = issuer.issuer
): Promise<Handler> {
  vi.stubEnv('DPOP_ISSUER', issuerUrl)
  vi.stubEnv('DPOP_AUDIENCE', 'https://api.example')
  vi.stubEnv('DPOP_BASE_URL', baseUrl)
  vi.resetModules()
  return (await import(`${folder}${program}.ts`)).handler
}

/** The event of a request with these field lines. */
async function eventOf(file: string, lines: readonly Line[]): Promise<LambdaEvent> {
  const event: LambdaEvent = JSON.parse(await readFile(new URL(`./${file}.json`, import.meta.url), 'utf8'))
  for (const [name, value] of lines) addLine(event, name, value)
  return event
}

/** Payload 1.0 keeps the names, and has the last line in `headers` and all in `multiValueHeaders`; payload 2.0 joins lower-case names. */
function addLine({ headers, multiValueHeaders }: LambdaEvent, name: string, value: string): void {
  if (multiValueHeaders !== undefined) {
    headers[name] = value
    multiValueHeaders[name] = [...(multiValueHeaders[name] ?? []), value]
    return
  }
  const lower = name.toLowerCase()
  headers[lower] = headers[lower] === undefined ? value : `${headers[lower]},${value}`
}

/** The field lines of a valid request. */
async function linesFor(url: string, sender = client, from = issuer, scope = 'notes:read') {
  const token = await from.issue({ jkt: client.jkt, scope })
  const { Authorization, DPoP } = await sender.headers({ url, token })
  const lines: { readonly authorization: Line; readonly dpop: Line } = {
    authorization: ['Authorization', Authorization],
    dpop: ['DPoP', DPoP]
  }
  return { ...lines, token }
}

describe.each(deployments)('%s', (_name, deployment) => {
  const { event: file, url } = deployment
  let handle: Handler
  beforeAll(async () => {
    handle = await startFunction(deployment)
  })

  test('accepts a proof for the URL that the client uses once', async () => {
    const { authorization, dpop } = await linesFor(`${url}?page=2&tag=a&tag=b`)
    const event = await eventOf(file, [authorization, dpop])
    expect(await handle(event)).toEqual({ statusCode: 200, body: '{"owner":"user"}' })
    const replayed = await handle(event)
    expect(replayed.statusCode).toBe(401)
    expect(replayed.headers?.['www-authenticate']).toMatch(/^DPoP error="invalid_dpop_proof"/)
    expect(JSON.parse(replayed.body)).toMatchObject({ error: 'invalid_dpop_proof' })
  })

  test('rejects a proof for another path, another stage or another host', async () => {
    for (const other of [`${url}/7`, url.replace('/notes', '/test/notes'), url.replace('https://', 'https://evil.')]) {
      const { authorization, dpop } = await linesFor(other)
      const { statusCode, body } = await handle(await eventOf(file, [authorization, dpop]))
      expect([other, statusCode, JSON.parse(body).error]).toEqual([other, 401, 'invalid_dpop_proof'])
    }
  })

  test('rejects a proof for another method', async () => {
    const { authorization, dpop } = await linesFor(url)
    const event = await eventOf(file, [authorization, dpop])
    if (event.requestContext.http === undefined) event.httpMethod = 'DELETE'
    else event.requestContext.http.method = 'DELETE'
    expect((await handle(event)).statusCode).toBe(401)
  })

  test('RFC 9449 §4.3 check 1: rejects two proofs, each of which is valid', async () => {
    const { authorization, dpop, token } = await linesFor(url)
    const second: Line = ['DPoP', (await client.headers({ url, token })).DPoP]
    const { statusCode, body } = await handle(await eventOf(file, [authorization, dpop, second]))
    expect([statusCode, JSON.parse(body).error]).toEqual([401, 'invalid_dpop_proof'])
    const same = await handle(await eventOf(file, [authorization, dpop, dpop]))
    expect(same.statusCode).toBe(401)
    expect((await handle(await eventOf(file, [authorization, second]))).statusCode).toBe(200)
  })

  test('RFC 9449 §7.2: rejects two Authorization field lines', async () => {
    const { authorization, dpop } = await linesFor(url)
    for (const first of [authorization, ['Authorization', 'Bearer x'] as const]) {
      const { statusCode, body } = await handle(await eventOf(file, [first, authorization, dpop]))
      expect([statusCode, JSON.parse(body).error]).toEqual([400, 'invalid_request'])
    }
    expect((await handle(await eventOf(file, [authorization, dpop]))).statusCode).toBe(200)
  })

  test('field names are case-insensitive', async () => {
    const { authorization, dpop } = await linesFor(url)
    const event = await eventOf(file, [
      ['authorization', authorization[1]],
      ['dpop', dpop[1]]
    ])
    expect((await handle(event)).statusCode).toBe(200)
  })

  test('rejects a request without credentials, with the key of an attacker, and without the scope', async () => {
    const anonymous = await handle(await eventOf(file, []))
    expect(anonymous.statusCode).toBe(401)
    expect(anonymous.headers?.['www-authenticate']).toMatch(/^DPoP scope="notes:read", algs=/)
    const stolen = await linesFor(url, attacker)
    expect((await handle(await eventOf(file, [stolen.authorization, stolen.dpop]))).statusCode).toBe(401)
    const narrow = await linesFor(url, client, issuer, 'other')
    expect((await handle(await eventOf(file, [narrow.authorization, narrow.dpop]))).statusCode).toBe(403)
  })
})

test.each([rest, http])('$program: an unavailable issuer results in 503', async ({ program }) => {
  const [, { event: file, url, baseUrl }] = deployments.find(
    ([, other]) => other.program === program
  ) as (typeof deployments)[number]
  const down = await createTestIssuer({ issuer: 'http://127.0.0.1:9' })
  const handle = await startFunction({ program, baseUrl }, down.issuer)
  const { authorization, dpop } = await linesFor(url, client, down)
  const { statusCode, headers } = await handle(await eventOf(file, [authorization, dpop]))
  expect([statusCode, headers?.['retry-after']]).toEqual([503, '1'])
})

describe('the base URL', () => {
  test('the target of an event of a named stage behind an API mapping has no stage', async () => {
    const url = 'https://api.example/v1/notes'
    const { authorization, dpop } = await linesFor(url)
    const event = await eventOf('http-api-stage-mapping', [authorization, dpop])
    const verifier = createVerifier({
      issuer: issuer.options,
      audience: 'https://api.example',
      baseUrl: 'https://api.example/v1'
    })
    const request = { method: 'GET', headers: event.headers }
    expect(await verdictOf(verifier.verifyRequest({ ...request, target: event.rawPath }))).toBe('ERR_DPOP_PROOF_HTU')
    const target = event.rawPath.slice(event.requestContext.stage.length + 1)
    expect(await verdictOf(verifier.verifyRequest({ ...request, target }))).toBe('accepted')
  })

  test.each(['rest-api-base-path', 'http-api-mapping'])('of several, the Host of the event selects one: %s', async (file) => {
    const verifier = createVerifier({
      issuer: issuer.options,
      audience: 'https://api.example',
      baseUrl: ['https://api.example', 'https://other.example']
    })
    for (const [origin, verdict] of [
      ['https://other.example', 'ERR_DPOP_PROOF_HTU'],
      ['https://api.example', 'accepted']
    ]) {
      const { authorization, dpop } = await linesFor(`${origin}/notes`)
      const { headers, multiValueHeaders } = await eventOf(file, [authorization, dpop])
      const request = { method: 'GET', target: '/notes', headers: multiValueHeaders ?? headers }
      expect(await verdictOf(verifier.verifyRequest(request))).toBe(verdict)
    }
  })
})
