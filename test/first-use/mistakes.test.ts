/**
 * Common mistakes of a first use, with the default logging of each framework: what is printed names the cause, the client does not
 * receive it, and nothing secret is printed. Each app is a process of its own, with the built package. Express makes every mistake; the
 * other frameworks make those whose output depends on the framework.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { createTestClient, createTestIssuer, type TestClient, type TestIssuer, type TokenSpec } from 'dpop-guard/testing'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'

const frameworks = ['express', 'fastify', 'koa', 'nestExpress', 'nestFastify', 'hono', 'fetch']
const BASE_URL = 'https://api.example'
const appFile = fileURLToPath(new URL('./app.mjs', import.meta.url))

let issuer: TestIssuer
let client: TestClient
beforeAll(async () => {
  issuer = await (await createTestIssuer()).listen()
  client = await createTestClient()
})
afterAll(() => issuer.close())

interface Mistake {
  /** Replaces the environment of a correct configuration. */
  readonly env?: () => Record<string, string>
  readonly token?: TokenSpec
  readonly proof?: { readonly url?: string; readonly claims?: Readonly<Record<string, unknown>> }
  /** The status of the response; undefined if the app does not start. */
  readonly status: number | undefined
  /** The cause that is printed; undefined if nothing is. */
  readonly printed: RegExp | undefined
  /** Whether the output depends on the framework: one mistake of each status, and those that an adapter detects. */
  readonly inEveryFramework?: boolean
}

const nowSeconds = () => Math.floor(Date.now() / 1000)

const mistakes: Record<string, Mistake> = {
  'a missing environment variable': {
    env: () => ({ DPOP_ISSUER: '' }),
    status: undefined,
    printed: /"DPOP_ISSUER" must be set in the environment/,
    inEveryFramework: true
  },
  'a base URL without a scheme': {
    env: () => ({ DPOP_BASE_URL: 'api.example' }),
    status: undefined,
    printed: /"baseUrl" must be an absolute URL/
  },
  'a base URL with another scheme than clients use': {
    proof: { url: 'http://api.example/notes' },
    status: 401,
    printed: /scheme differs \(http:\/\/ instead of https:\/\/\).*set baseUrl/
  },
  'a base URL without the prefix that a gateway removes': {
    proof: { url: `${BASE_URL}/v1/notes` },
    status: 401,
    printed: /path has the prefix "\/v1".*add it to baseUrl/
  },
  'a trailing slash in htu': {
    proof: { url: `${BASE_URL}/notes/` },
    status: 401,
    printed: /path differs by a trailing slash/,
    inEveryFramework: true
  },
  'a query in htu, which is allowed': {
    proof: { claims: { htu: `${BASE_URL}/notes?a=b` } },
    status: 200,
    printed: undefined,
    inEveryFramework: true
  },
  'a token for another audience': {
    token: { claims: { aud: 'https://other.example' } },
    status: 401,
    printed: /aud is "https:\/\/other\.example", expected one of \["https:\/\/api\.example"\]; the option audience sets it/
  },
  'an issuer with a trailing slash': {
    env: () => ({ DPOP_ISSUER: `${issuer.issuer}/` }),
    status: 401,
    printed: /iss is .* which is not a configured issuer; .* differs by a trailing slash/
  },
  'a token of an issuer that does not follow RFC 9068': {
    token: { header: { typ: 'JWT' } },
    status: 401,
    printed: /typ is "JWT", expected "at\+jwt".*token\.type: "any" accepts it/
  },
  'an issuer that is down': {
    env: () => ({ DPOP_ISSUER: 'http://127.0.0.1:9' }),
    token: { claims: { iss: 'http://127.0.0.1:9' } },
    status: 503,
    printed: /http:\/\/127\.0\.0\.1:9\/\.well-known\/.*(ECONNREFUSED|bad port)/s,
    inEveryFramework: true
  },
  'a clock that is ten minutes ahead': {
    proof: { claims: { iat: nowSeconds() - 600 } },
    status: 401,
    printed: /iat is \d+ seconds in the past/
  },
  'two guards with different options and one replay store': {
    env: () => ({ SECOND_GUARD: '1' }),
    status: 503,
    printed: /Two guards with different options and one replay store/,
    inEveryFramework: true
  }
}

interface Outcome {
  readonly status: number | undefined
  readonly response: string
  readonly output: string
  readonly secrets: readonly string[]
}

async function runApp(framework: string, { env, token: tokenSpec, proof, printed }: Mistake): Promise<Outcome> {
  const { NODE_ENV: _nodeEnv, VITEST: _vitest, ...inherited } = process.env
  const app = spawn(process.execPath, [appFile, framework], {
    env: { ...inherited, DPOP_ISSUER: issuer.issuer, DPOP_BASE_URL: BASE_URL, NO_COLOR: '1', ...env?.() },
    stdio: ['ignore', 'pipe', 'pipe', 'ipc']
  })
  let output = ''
  for (const stream of [app.stdout, app.stderr]) stream?.on('data', (chunk) => (output += chunk))
  const closed = once(app, 'close')
  const started = await Promise.race([once(app, 'message'), closed.then(() => undefined)])
  if (started === undefined) return { status: undefined, response: '', output, secrets: [] }
  const [{ port }] = started as [{ port: number }]
  const token = await issuer.issue({ jkt: client.jkt, ...tokenSpec, claims: { sub: 'alice', ...tokenSpec?.claims } })
  const headers = await client.headers({ url: `${BASE_URL}/notes`, token, ...proof })
  const response = await fetch(`http://127.0.0.1:${port}/notes`, { headers })
  const text = `${JSON.stringify([...response.headers])} ${await response.text()}`
  // The process writes it after the response, and `stop` does not wait.
  if (printed !== undefined) await vi.waitFor(() => expect(output).toMatch(printed), { timeout: 5000 })
  app.send('stop')
  await closed
  const secrets = [token, headers.DPoP].flatMap((jws) => jws.split('.'))
  return { status: response.status, response: text, output, secrets }
}

describe.each(frameworks)('%s', (framework) => {
  const made = Object.entries(mistakes).filter(([, { inEveryFramework }]) => inEveryFramework || framework === 'express')
  test.each(made)('%s', async (_name, mistake) => {
    const { status, response, output, secrets } = await runApp(framework, mistake)
    expect(status).toBe(mistake.status)
    if (mistake.printed === undefined) expect(output).not.toMatch(/DPoPGuardWarning|dpop-guard: /)
    else {
      expect(output).toMatch(mistake.printed)
      expect(response).not.toMatch(mistake.printed)
    }
    // A client's fault costs at most one line of the framework, without a stack.
    expect(output.match(/DPoPError: /g) ?? []).toHaveLength(framework === 'express' && status === 401 ? 1 : 0)
    if (status === 401) expect(output).not.toMatch(/^\s+at /m)
    for (const secret of [...secrets, 'alice']) expect(output).not.toContain(secret)
  })
})
