/** The contract of all adapters: one suite that runs over real sockets in every framework. */

import { createServer } from 'node:http'
import {
  createVerifier,
  ReplayQuotaError,
  type ReplayStore,
  type VerifiedRequest,
  type Verifier,
  type VerifierOptions,
  type VerifyOptions
} from 'dpop-guard'
import {
  createTestClient,
  createTestIssuer,
  fakeClock,
  type ProofSpec,
  type TestClient,
  type TokenSpec
} from 'dpop-guard/testing'
import { afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { VerifiedRequest as VerifiedRequestClass } from '../../src/verified-request.js'
import { type Challenge, parseChallenges } from '../support/challenge-parser.js'
import { type HeaderLine, type RawResponse, type Send, sendHttp1, sendHttp2 } from './raw-http.js'

export const BASE_URL = 'https://api.example'
const NOW_MS = 1_800_000_000_000

/** The app that uses the adapter under test. */
export interface AppSpec {
  /** Options, a verifier, or undefined for the environment. */
  readonly guard?: VerifierOptions | Verifier<VerifiedRequest | undefined> | undefined
  /** Adds the same guard a second time, closer to the route. */
  readonly isGuardedTwice?: boolean
  /** Omits the guard, so that requireScopes runs first. */
  readonly isUnguarded?: boolean
  /** Adds an error handler of the application that responds with `{ code }` and the status of the error, and copies no header fields. */
  readonly hasErrorHandler?: boolean
  /** Called by every handler with the verified request. */
  readonly onHandled: (auth: VerifiedRequest | undefined) => void
}

export interface RunningApp {
  readonly port: number
  close(): Promise<unknown>
}

/**
 * A framework with its adapter. `start` creates an app whose responses already have `Vary: Origin` and the challenge
 * {@link otherChallenge}, with these routes, which respond with {@link show} of the result: `/notes` (GET, and POST, which adds its
 * body as `body`), `/admin`, which needs the scope `admin`, and `/api/notes` in a mounted router or a prefix.
 */
export interface Framework {
  readonly name: string
  start(spec: AppSpec): Promise<RunningApp>
  readonly isHttp2?: boolean
  /** Header fields and URLs are those of Fetch, which joins field lines and has no raw target. */
  readonly isFetch?: boolean
  /** Its error handler never responds to HEAD over HTTP/2. */
  readonly hangsOnErrorsOfHead?: boolean
  /** Scopes are part of the guard: there is no requireScopes that could run without it. */
  readonly requireScopesNeedsNoOrder?: boolean
  /** The status of a request without credentials for an unknown URL. @defaultValue 401 */
  readonly unknownRouteStatus?: number
  /** It has no error handler, no router and no second guard. */
  readonly isHandlerOnly?: boolean
}

/** The response body of the handlers. */
export function show(auth: VerifiedRequest | undefined | null, body?: string): object {
  if (!auth) return { anonymous: true }
  return { scheme: auth.scheme, sub: auth.claims.sub, scopes: auth.scopes, jkt: auth.proof?.jkt, ...(body && { body }) }
}

export interface CallSpec {
  readonly method?: string
  readonly target?: string
  readonly body?: string
  /** Replaces the header fields of `token` and `proof`. */
  readonly headers?: readonly HeaderLine[]
  /** False for a request without token. */
  readonly token?: string | false
  readonly scope?: string
  /** False for a request without proof. */
  readonly proof?: string | false | Partial<ProofSpec>
  readonly scheme?: string
}

/** Apps under test with their issuer and client, and the requests that their handlers received. */
export class Bench {
  readonly clock = fakeClock(NOW_MS)
  readonly handled = vi.fn<AppSpec['onHandled']>()
  issuer!: Awaited<ReturnType<typeof createTestIssuer>>
  client!: TestClient
  attacker!: TestClient
  readonly #secrets: string[] = []
  readonly #apps: RunningApp[] = []
  readonly #framework: Framework
  readonly #send: Send

  constructor(framework: Framework) {
    this.#framework = framework
    this.#send = framework.isHttp2 ? sendHttp2 : sendHttp1
  }

  async init(): Promise<void> {
    const { clock } = this
    this.issuer = await createTestIssuer({ clock, alg: 'ES256' })
    ;[this.client, this.attacker] = await Promise.all([createTestClient({ clock }), createTestClient({ clock })])
  }

  options(more: Partial<VerifierOptions> = {}): VerifierOptions {
    return { issuer: this.issuer.options, audience: BASE_URL, baseUrl: BASE_URL, clock: this.clock, ...more }
  }

  async start(spec: Partial<AppSpec> = {}): Promise<RunningApp> {
    const app = await this.#framework.start({ guard: this.options(), onHandled: this.handled, ...spec })
    this.#apps.push(app)
    return app
  }

  async stop(): Promise<void> {
    this.handled.mockClear()
    await Promise.all(this.#apps.splice(0).map((app) => app.close()))
  }

  async token(spec: TokenSpec = {}): Promise<string> {
    const token = await this.issuer.issue({ jkt: this.client.jkt, scope: 'notes:read', ...spec })
    this.#secrets.push(token)
    return token
  }

  async proof(spec: ProofSpec, client = this.client): Promise<string> {
    const proof = await client.proof(spec)
    this.#secrets.push(proof)
    return proof
  }

  /** The credentials of a valid request, unless the specification changes them. */
  async credentials(spec: CallSpec = {}): Promise<HeaderLine[]> {
    const { method = 'GET', target = '/notes', scheme = 'DPoP', scope } = spec
    const token = spec.token ?? (await this.token(scope === undefined ? {} : { scope }))
    const bound = token === false ? {} : { token }
    const url = `${BASE_URL}${target}`
    const proof =
      typeof spec.proof === 'string' || spec.proof === false
        ? spec.proof
        : await this.proof({ method, url, ...bound, ...spec.proof })
    const lines: HeaderLine[] = []
    if (token !== false) lines.push(['Authorization', `${scheme} ${token}`])
    if (proof !== false) lines.push(['DPoP', proof])
    return lines
  }

  /** Sends a request to an app and asserts that the response contains no token and no proof. */
  async call(app: RunningApp, spec: CallSpec = {}): Promise<RawResponse> {
    const { method = 'GET', target = '/notes', body } = spec
    const credentials = spec.headers ?? (await this.credentials(spec))
    const type: HeaderLine[] = body === undefined ? [] : [['Content-Type', 'text/plain']]
    const headers: HeaderLine[] = [['Host', 'api.example'], ...type, ...credentials]
    const response = await this.#send({ port: app.port, method, target, headers, ...(body !== undefined && { body }) })
    for (const secret of this.#secrets) expect(response.text).not.toContain(secret)
    return response
  }

  /** Sends the same header fields in concurrent requests. */
  async callAtOnce(app: RunningApp, times: number): Promise<RawResponse[]> {
    const headers = await this.credentials()
    return await Promise.all(Array.from({ length: times }, () => this.call(app, { headers })))
  }
}

/** A challenge that the app sets on every response before the adapter runs. */
export const otherChallenge = 'Other realm="app"'

/** The challenges of a response, without {@link otherChallenge}. */
export function challengesOf(response: RawResponse): Challenge[] {
  return response
    .lines('WWW-Authenticate')
    .flatMap(parseChallenges)
    .filter(({ scheme }) => scheme !== 'Other')
}

/** The scheme and the error of each challenge: `DPoP invalid_token`, `Bearer -`. */
function errorsOf(response: RawResponse): string[] {
  return challengesOf(response).map(({ scheme, params }) => `${scheme} ${params['error'] ?? '-'}`)
}

/** Runs the suite through a framework. */
export function describeAdapter(framework: Framework): void {
  describe(framework.name, () => {
    const bench = new Bench(framework)
    beforeAll(() => bench.init())
    afterEach(() => bench.stop())

    async function expectRefused(response: RawResponse, status: number, errors: string[]): Promise<void> {
      expect({ status: response.status, errors: errorsOf(response) }).toEqual({ status, errors })
      expect(bench.handled).not.toHaveBeenCalled()
    }

    describe('a valid request', () => {
      let app: RunningApp
      beforeEach(async () => {
        app = await bench.start()
      })

      test('reaches its handler, which receives the verified request (RFC 9449 §7.1)', async () => {
        const response = await bench.call(app)
        expect(response.status).toBe(200)
        expect(JSON.parse(response.body)).toEqual({
          scheme: 'DPoP',
          sub: 'user',
          scopes: ['notes:read'],
          jkt: bench.client.jkt
        })
        expect(challengesOf(response)).toEqual([])
        expect(bench.handled).toHaveBeenCalledOnce()
      })

      test('may have the scheme in any case (RFC 9110 §11.1)', async () => {
        expect((await bench.call(app, { scheme: 'dPOP' })).status).toBe(200)
      })

      test('keeps its body (RFC 9449 §11.7: the proof does not cover it)', async () => {
        const response = await bench.call(app, { method: 'POST', body: 'a note' })
        expect(response.status).toBe(200)
        expect(JSON.parse(response.body)).toMatchObject({ body: 'a note' })
      })

      test('may have a query, which htu does not have (RFC 9449 §4.3 check 9)', async () => {
        const response = await bench.call(app, { target: '/notes?page=2', proof: { url: `${BASE_URL}/notes` } })
        expect(response.status).toBe(200)
      })

      test('with the method HEAD has htm HEAD (RFC 9449 §4.3 check 8, RFC 9110 §9.3.2)', async () => {
        const response = await bench.call(app, { method: 'HEAD' })
        expect(response.status).toBe(200)
        expect(response.body).toBe('')
      })

      if (!framework.isHandlerOnly)
        test('to a mounted router has the full path in htu (RFC 9449 §4.2)', async () => {
          expect((await bench.call(app, { target: '/api/notes' })).status).toBe(200)
        })

      if (!framework.isHttp2)
        test('may have a target in absolute form with the authority of the API (RFC 9112 §3.2.2)', async () => {
          const headers = await bench.credentials()
          expect((await bench.call(app, { headers, target: `${BASE_URL}/notes`.replace('https', 'http') })).status).toBe(200)
        })
    })

    describe('is rejected, and its handler is not called:', () => {
      type Case = [title: string, status: number, error: string, make: () => Promise<CallSpec> | CallSpec]
      const cases: Case[] = [
        ['no credentials (RFC 6750 §3.1: no error code)', 401, '-', () => ({ token: false, proof: false })],
        ['a proof without a token (RFC 9449 §7.1)', 401, '-', () => ({ token: false })],
        ['another scheme (RFC 6750 §3.1)', 401, '-', () => ({ headers: [['Authorization', 'Basic dTpw']] })],
        ['a scheme without a token (RFC 6750 §3.1)', 400, 'invalid_request', () => ({ headers: [['Authorization', 'DPoP']] })],
        [
          'two tokens in a field line (RFC 6750 §2.1)',
          400,
          'invalid_request',
          async () => ({ token: `${await bench.token()} other` })
        ],
        ['no proof (RFC 9449 §7.1)', 401, 'invalid_dpop_proof', () => ({ proof: false })],
        ['a proof that is not a JWT (RFC 9449 §4.3 check 2)', 401, 'invalid_dpop_proof', () => ({ proof: 'x.y.z' })],
        ['two proofs in a field line (RFC 9449 §4.3 check 1)', 401, 'invalid_dpop_proof', () => ({ proof: 'a.b.c, a.b.c' })],
        ['another method (RFC 9449 §4.3 check 8)', 401, 'invalid_dpop_proof', () => ({ proof: { method: 'POST' } })],
        ['GET for HEAD (RFC 9449 §4.3 check 8)', 401, 'invalid_dpop_proof', () => ({ method: 'HEAD', proof: { method: 'GET' } })],
        ['another path (RFC 9449 §4.3 check 9)', 401, 'invalid_dpop_proof', () => ({ proof: { url: `${BASE_URL}/other` } })],
        [
          'another host (RFC 9449 §4.3 check 9)',
          401,
          'invalid_dpop_proof',
          () => ({ proof: { url: 'https://evil.example/notes' } })
        ],
        ['another token (RFC 9449 §4.3 check 12)', 401, 'invalid_dpop_proof', () => ({ proof: { token: 'another' } })],
        ['no ath (RFC 9449 §4.3 check 12)', 401, 'invalid_dpop_proof', () => ({ proof: { claims: { ath: undefined } } })],
        [
          'an old proof (RFC 9449 §4.3 check 11)',
          401,
          'invalid_dpop_proof',
          () => ({ proof: { claims: { iat: NOW_MS / 1000 - 301 } } })
        ],
        [
          'a proof with a future iat (RFC 9449 §11.1)',
          401,
          'invalid_dpop_proof',
          () => ({ proof: { claims: { iat: NOW_MS / 1000 + 31 } } })
        ],
        [
          'the key of another client (RFC 9449 §4.3 check 12)',
          401,
          'invalid_token',
          async () => {
            const token = await bench.token()
            return { token, proof: await bench.proof({ url: `${BASE_URL}/notes`, token }, bench.attacker) }
          }
        ],
        [
          'a token that is not bound (RFC 9449 §6)',
          401,
          'invalid_token',
          async () => ({ token: await bench.token({ claims: { cnf: undefined } }) })
        ],
        [
          'an expired token (RFC 9068 §4)',
          401,
          'invalid_token',
          async () => ({ token: await bench.token({ expiresInSeconds: -60 }) })
        ],
        ['a bound token as Bearer (RFC 9449 §7.2)', 401, 'invalid_token', () => ({ scheme: 'Bearer' })]
      ]
      const possible = cases.filter(([title]) => !(framework.hangsOnErrorsOfHead && title.startsWith('GET for HEAD')))
      test.each(possible)('%s: %i %s', async (_title, status, error, make) => {
        const app = await bench.start()
        const response = await bench.call(app, await make())
        await expectRefused(response, status, [`DPoP ${error}`])
        expect(challengesOf(response)[0]?.params['algs']).toContain('ES256')
      })

      test('a replayed proof (RFC 9449 §11.1)', async () => {
        const app = await bench.start()
        const headers = await bench.credentials()
        expect((await bench.call(app, { headers })).status).toBe(200)
        bench.handled.mockClear()
        await expectRefused(await bench.call(app, { headers }), 401, ['DPoP invalid_dpop_proof'])
      })

      test('each of several concurrent copies of a request but one (RFC 9449 §11.1)', async () => {
        const responses = await bench.callAtOnce(await bench.start(), 8)
        expect(responses.map(({ status }) => status).sort()).toEqual([200, 401, 401, 401, 401, 401, 401, 401])
        expect(bench.handled).toHaveBeenCalledOnce()
      })

      test('two equal DPoP field lines (RFC 9449 §4.3 check 1)', async () => {
        const headers = await bench.credentials()
        const response = await bench.call(await bench.start(), { headers: [...headers, headers[1] as HeaderLine] })
        await expectRefused(response, 401, ['DPoP invalid_dpop_proof'])
      })

      if (!framework.isHttp2)
        test('two Authorization field lines, even if the first is valid (RFC 6750 §3.1)', async () => {
          const headers: HeaderLine[] = [...(await bench.credentials()), ['authorization', 'Bearer other']]
          const response = await bench.call(await bench.start(), { headers })
          expect(response.status).toBe(400)
          expect(errorsOf(response)).toEqual(['DPoP invalid_request'])
          expect(bench.handled).not.toHaveBeenCalled()
        })

      if (!framework.isHandlerOnly)
        test('a path without the prefix of its router in htu (RFC 9449 §4.2)', async () => {
          const response = await bench.call(await bench.start(), { target: '/api/notes', proof: { url: `${BASE_URL}/notes` } })
          await expectRefused(response, 401, ['DPoP invalid_dpop_proof'])
        })

      test('a request without credentials for a URL without a route, so that it does not reveal which routes exist', async () => {
        const response = await bench.call(await bench.start(), { target: '/none', headers: [] })
        expect(response.status).toBe(framework.unknownRouteStatus ?? 401)
      })

      const proofForNotes = { url: `${BASE_URL}/notes` }
      if (!framework.isHttp2)
        test.each<[title: string, spec: CallSpec]>([
          [
            'a proof for another server in absolute form',
            { target: 'http://evil.example/notes', proof: { url: 'http://evil.example/notes' } }
          ],
          [
            'a target that starts with two slashes and another host',
            { target: '//evil.example/notes', proof: { url: 'https://evil.example/notes' } }
          ],
          ['an empty first segment', { target: '//notes', proof: proofForNotes }],
          ['the asterisk', { method: 'OPTIONS', target: '*', proof: { method: 'OPTIONS', url: BASE_URL } }],
          ['dot segments that lead to a route', { target: '/api/../admin', proof: { url: `${BASE_URL}/api/notes` } }],
          ['encoded dot segments', { target: '/api/%2e%2e/admin', proof: { url: `${BASE_URL}/api/notes` } }],
          ['a backslash', { target: '/notes\\', proof: proofForNotes }],
          ['bytes that are invalid in a URI', { target: '/n\u00f6tes', proof: proofForNotes }],
          ['an invalid percent-encoding', { target: '/%zz', proof: proofForNotes }],
          ['a method in lower case', { method: 'get', proof: { method: 'GET' } }]
        ])('%s (RFC 9449 §4.3 check 9, RFC 9112 §3.2)', async (_title, spec) => {
          const response = await bench.call(await bench.start(), spec)
          expect([400, 401, 404]).toContain(response.status)
          expect(bench.handled).not.toHaveBeenCalled()
        })

      if (!framework.isHttp2 && !framework.isFetch)
        test('another server in absolute form, with a proof for the API (RFC 9112 §3.2.2)', async () => {
          const headers = await bench.credentials()
          const response = await bench.call(await bench.start(), { headers, target: 'http://evil.example/notes' })
          await expectRefused(response, 401, ['DPoP invalid_dpop_proof'])
        })
    })

    describe('with allowBearer', () => {
      let app: RunningApp
      beforeEach(async () => {
        app = await bench.start({ guard: bench.options({ allowBearer: true }) })
      })
      const bearer = async (): Promise<CallSpec> => ({
        scheme: 'Bearer',
        proof: false,
        token: await bench.token({ claims: { cnf: undefined } })
      })

      test('a token that is not bound is accepted as Bearer (RFC 9449 §7.2)', async () => {
        const response = await bench.call(app, await bearer())
        expect(response.status).toBe(200)
        expect(JSON.parse(response.body)).toEqual({ scheme: 'Bearer', sub: 'user', scopes: ['notes:read'] })
      })

      test('a request without credentials results in one challenge per scheme, each in its own field line if the framework supports it (RFC 9110 §11.6.1)', async () => {
        const response = await bench.call(app, { token: false, proof: false })
        await expectRefused(response, 401, ['Bearer -', 'DPoP -'])
        const ours = response.lines('WWW-Authenticate').filter((line) => line !== otherChallenge)
        expect(ours).toHaveLength(framework.isFetch ? 1 : 2)
      })

      test.each<[title: string, status: number, errors: string[], make: () => Promise<CallSpec> | CallSpec]>([
        ['a bound token as Bearer (RFC 9449 §7.2)', 401, ['Bearer invalid_token', 'DPoP -'], () => ({ scheme: 'Bearer' })],
        ['an invalid proof (RFC 9449 §7.1)', 401, ['Bearer -', 'DPoP invalid_dpop_proof'], () => ({ proof: 'x' })],
        [
          'no Bearer token (RFC 6750 §3.1)',
          400,
          ['Bearer invalid_request', 'DPoP -'],
          () => ({ headers: [['Authorization', 'Bearer']] })
        ]
      ])('%s results in %i, and only the challenge of its scheme has the error', async (_title, status, errors, make) => {
        await expectRefused(await bench.call(app, await make()), status, errors)
      })

      test('requireScopes rejects a Bearer request with a Bearer challenge (RFC 6750 §3.1)', async () => {
        const response = await bench.call(app, { ...(await bearer()), target: '/admin' })
        await expectRefused(response, 403, ['Bearer insufficient_scope'])
        expect(challengesOf(response)[0]?.params['scope']).toBe('admin')
      })
    })

    describe('with optional', () => {
      let app: RunningApp
      beforeEach(async () => {
        app = await bench.start({ guard: bench.options({ optional: true }) })
      })

      test('a request without credentials is anonymous', async () => {
        const response = await bench.call(app, { token: false, proof: false })
        expect(response.status).toBe(200)
        expect(JSON.parse(response.body)).toEqual({ anonymous: true })
      })

      test('valid credentials are verified', async () => {
        expect(JSON.parse((await bench.call(app)).body)).toMatchObject({ scheme: 'DPoP' })
      })

      test.each<[title: string, errors: string[], spec: CallSpec]>([
        ['an invalid token', ['DPoP invalid_token'], { token: 'invalid', proof: { token: 'invalid' } }],
        ['a proof without a token', ['DPoP -'], { token: false }],
        ['a token without a proof', ['DPoP invalid_dpop_proof'], { proof: false }],
        ['another scheme', ['DPoP -'], { headers: [['Authorization', 'Basic dTpw']] }]
      ])('%s is rejected, not treated as anonymous', async (_title, errors, spec) => {
        await expectRefused(await bench.call(app, spec), 401, errors)
      })

      test('an anonymous request to a route with scopes is rejected with 401 without an error code (RFC 6750 §3.1)', async () => {
        const response = await bench.call(app, { target: '/admin', token: false, proof: false })
        await expectRefused(response, 401, ['DPoP -'])
      })
    })

    describe('a route with scopes', () => {
      test('accepts a token that has them (RFC 6750 §3.1)', async () => {
        const response = await bench.call(await bench.start(), { target: '/admin', scope: 'notes:read admin' })
        expect(response.status).toBe(200)
      })

      test('rejects a token without the scope with 403 insufficient_scope in the scheme of the request, with the scope (RFC 6750 §3.1)', async () => {
        const response = await bench.call(await bench.start(), { target: '/admin' })
        await expectRefused(response, 403, ['DPoP insufficient_scope'])
        expect(challengesOf(response)[0]?.params['scope']).toBe('admin')
      })

      if (!framework.isHandlerOnly)
        test('checks them also if another guard ran before', async () => {
          const app = await bench.start({ isGuardedTwice: true })
          expect((await bench.call(app, { target: '/admin', scope: 'admin' })).status).toBe(200)
          bench.handled.mockClear()
          await expectRefused(await bench.call(app, { target: '/admin' }), 403, ['DPoP insufficient_scope'])
        })
    })

    describe('a response', () => {
      if (!framework.isHandlerOnly)
        test('of an error handler of the application has the challenge (RFC 9110 §15.5.2)', async () => {
          const app = await bench.start({ hasErrorHandler: true, guard: bench.options({ allowBearer: true }) })
          const response = await bench.call(app, { proof: false })
          await expectRefused(response, 401, ['Bearer -', 'DPoP invalid_dpop_proof'])
          expect(JSON.parse(response.body)).toEqual({ code: 'ERR_DPOP_PROOF_MISSING' })
          expect(
            response
              .lines('WWW-Authenticate')
              .flatMap(parseChallenges)
              .map(({ scheme }) => scheme)
          ).toContain('Other')
        })

      test('is 503 with Retry-After and without challenge when the replay store fails (RFC 9110 §15.6.4)', async () => {
        const replay: ReplayStore = {
          reserve() {
            throw new Error('not available')
          }
        }
        for (const hasErrorHandler of [false, !framework.isHandlerOnly]) {
          const app = await bench.start({ guard: bench.options({ replay }), hasErrorHandler })
          const response = await bench.call(app)
          await expectRefused(response, 503, [])
          expect(response.lines('Retry-After')).toEqual(['1'])
          expect(response.text).not.toContain('not available')
        }
      })

      test('is 429 with Retry-After and without challenge for a client above its quota (RFC 6585 §4)', async () => {
        const replay: ReplayStore = {
          reserve() {
            throw new ReplayQuotaError(6.2)
          }
        }
        for (const hasErrorHandler of [false, !framework.isHandlerOnly]) {
          const app = await bench.start({ guard: bench.options({ replay }), hasErrorHandler })
          const response = await bench.call(app)
          await expectRefused(response, 429, [])
          expect(response.lines('Retry-After')).toEqual(['7'])
        }
      })

      test('with use_dpop_nonce has one valid DPoP-Nonce and no-store (RFC 9449 §9, §8.2)', async () => {
        const app = await bench.start({ guard: bench.options({ nonce: { secrets: ['a secret of the instances: 32 bytes'] } }) })
        const response = await bench.call(app)
        await expectRefused(response, 401, ['DPoP use_dpop_nonce'])
        expect(response.lines('Cache-Control')).toEqual(['no-store'])
        const [nonce = '', ...others] = response.lines('DPoP-Nonce')
        expect([nonce, others]).toEqual([expect.stringMatching(/./), []])
        expect((await bench.call(app, { proof: { nonce } })).status).toBe(200)
      })

      test('has the responseHeaders of the verified request (RFC 9449 §8.2)', async () => {
        const app = await bench.start({ guard: withResponseHeaders(createVerifier(bench.options())) })
        const response = await bench.call(app)
        expect(response.status).toBe(200)
        expect(response.lines('DPoP-Nonce')).toEqual(['next'])
        expect(response.lines('Cache-Control')).toEqual(['no-store'])
        expect(response.lines('Vary').join(', ')).toBe('Origin, Authorization, DPoP')
      })
    })

    describe('the guard', () => {
      if (!framework.isHandlerOnly)
        test('that runs twice for a request accepts its proof once (RFC 9449 §11.1)', async () => {
          const app = await bench.start({ isGuardedTwice: true })
          const headers = await bench.credentials()
          expect((await bench.call(app, { headers })).status).toBe(200)
          expect(bench.handled).toHaveBeenCalledOnce()
          expect((await bench.call(app, { headers })).status).toBe(401)
        })

      test('accepts a verifier instead of options', async () => {
        const verifier = createVerifier(bench.options())
        const headers = await bench.credentials()
        expect((await bench.call(await bench.start({ guard: verifier }), { headers })).status).toBe(200)
        expect((await bench.call(await bench.start({ guard: verifier }), { headers })).status).toBe(401)
      })

      test('without options reads DPOP_ISSUER, DPOP_AUDIENCE and DPOP_BASE_URL', async () => {
        const authority = await startAuthority()
        vi.stubEnv('DPOP_ISSUER', authority.issuer.issuer)
        vi.stubEnv('DPOP_AUDIENCE', 'urn:api')
        vi.stubEnv('DPOP_BASE_URL', BASE_URL)
        try {
          const app = await bench.start({ guard: undefined })
          const client = await createTestClient()
          const token = await authority.issuer.issue({ jkt: client.jkt })
          const { Authorization, DPoP } = await client.headers({ url: `${BASE_URL}/notes`, token })
          const headers: HeaderLine[] = [
            ['Authorization', Authorization],
            ['DPoP', DPoP]
          ]
          expect((await bench.call(app, { headers })).status).toBe(200)
          expect((await bench.call(app, { headers })).status).toBe(401)
        } finally {
          vi.unstubAllEnvs()
          await authority.close()
        }
      })

      test('is not created with an invalid option, or without variables in the environment', async () => {
        await expect(bench.start({ guard: bench.options({ baseUrl: 'nowhere' }) })).rejects.toThrow(TypeError)
        await expect(bench.start({ guard: { ...bench.options(), audiance: 'x' } as VerifierOptions })).rejects.toThrow(
          '"audience"'
        )
        await expect(bench.start({ guard: undefined })).rejects.toThrow('"DPOP_ISSUER"')
      })

      if (!framework.isHandlerOnly && !framework.requireScopesNeedsNoOrder)
        test('that is missing results in 500 from requireScopes, not 200 and not 403', async () => {
          // Hono's default error handler prints the error.
          const print = vi.spyOn(console, 'error').mockImplementation(() => {})
          const app = await bench.start({ isUnguarded: true })
          const response = await bench.call(app, { target: '/admin', scope: 'admin' })
          print.mockRestore()
          expect(response.status).toBe(500)
          expect(bench.handled).not.toHaveBeenCalled()
        })
    })
  })
}

/** A verifier whose results have response header fields, as with nonces. */
function withResponseHeaders(verifier: Verifier<VerifiedRequest | undefined>): Verifier {
  const responseHeaders = { 'DPoP-Nonce': 'next', 'Cache-Control': 'no-store', Vary: ['Authorization', 'DPoP'] }
  const wrapped: Pick<Verifier, 'verifyRequest' | 'requireScopes'> = {
    async verifyRequest(request, options?: VerifyOptions) {
      const auth = await verifier.verifyRequest(request, options)
      verifier.requireScopes(auth, [])
      return new VerifiedRequestClass({ ...auth, responseHeaders }, auth.token, auth.proof)
    },
    requireScopes: (auth, scopes) => verifier.requireScopes(auth, scopes)
  }
  return wrapped as Verifier
}

/** An issuer with metadata and keys at its own URL (RFC 8414). */
async function startAuthority() {
  const server = createServer((request, response) => {
    const isMetadata = request.url?.startsWith('/.well-known/')
    const body = isMetadata ? { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` } : issuer.jwks
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(body))
  })
  const port = await listen(server)
  const issuer = await createTestIssuer({ issuer: `http://127.0.0.1:${port}`, audience: 'urn:api', alg: 'ES256' })
  return { issuer, close: () => closeServer(server) }
}

interface AnyServer {
  listen(port: number, host: string, listening: () => void): unknown
  address(): unknown
  close(closed: () => void): unknown
}

/** Starts a server on a free loopback port. */
export async function listen(server: AnyServer): Promise<number> {
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve))
  return (server.address() as { port: number }).port
}

export function closeServer(server: AnyServer): Promise<void> {
  return new Promise((resolve) => void server.close(resolve))
}
