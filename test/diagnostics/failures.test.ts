/** Prepared failures: the debug line and `explain` name the cause of each, and print neither secrets nor personal data. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import {
  createVerifier,
  type DPoPError,
  type PlainRequest,
  type RefusedEvent,
  type UnavailableEvent,
  type VerifierOptions,
  type VerifyOptions
} from 'dpop-guard'
import { createTestClient, createTestIssuer, type TestClient } from 'dpop-guard/testing'
import { beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { outageLine } from '../../src/diagnostics/outage-line.js'
import { refusalLine } from '../../src/diagnostics/refusal-line.js'
import { createWorld, NOW, NOW_MS, type RequestSpec, type World } from '../support/world.js'

let world: World
let other: TestClient
let rogue: Awaited<ReturnType<typeof createTestIssuer>>
beforeAll(async () => {
  world = await createWorld()
  other = await createTestClient({ clock: world.clock })
  rogue = await createTestIssuer({ clock: world.clock, alg: 'ES256' })
})
beforeEach(() => world.clock.set(NOW_MS))

/** The event that a failing verification publishes, and its error. */
async function eventOf(verify: () => Promise<unknown>): Promise<{ event: RefusedEvent | UnavailableEvent; error: DPoPError }> {
  const events: unknown[] = []
  const listen = (event: unknown) => void events.push(event)
  const channels = ['dpop-guard:refused', 'dpop-guard:unavailable']
  for (const name of channels) subscribe(name, listen)
  const error = (await verify().catch((reason: unknown) => reason)) as DPoPError
  for (const name of channels) unsubscribe(name, listen)
  expect(events).toHaveLength(1)
  return { event: events[0] as RefusedEvent, error }
}

interface Failure {
  readonly options?: Partial<VerifierOptions>
  readonly policy?: VerifyOptions
  /** Requests before the failing one. */
  readonly before?: 'same'
  request(): Promise<PlainRequest>
  readonly code: string
  /** The cause that both the debug line and the failed check of `explain` contain. */
  readonly cause: RegExp
}

const send =
  (spec: RequestSpec = {}) =>
  () =>
    world.request(spec)
const issue = (claims: object, header: object = {}) =>
  world.issuer.issue({ jkt: world.client.jkt, claims: { ...claims }, header: { ...header } })
const withToken = (token: () => Promise<string>) => async () => world.request({ token: await token() })

const failures: Record<string, Failure> = {
  'htu with another scheme': { request: send({ url: 'http://api.example/notes' }), code: 'PROOF_HTU', cause: /scheme differs/ },
  'htu with another port': {
    request: send({ url: 'https://api.example:8443/notes' }),
    code: 'PROOF_HTU',
    cause: /port differs \(8443 instead of default\)/
  },
  'htu with a prefix that a gateway removes': {
    request: send({ url: 'https://api.example/v1/notes' }),
    code: 'PROOF_HTU',
    cause: /prefix "\/v1"/
  },
  'htu without the prefix of baseUrl': {
    options: { baseUrl: 'https://api.example/v1', audience: 'https://api.example' },
    request: send(),
    code: 'PROOF_HTU',
    cause: /lacks the prefix "\/v1"/
  },
  'htu with a trailing slash': {
    request: send({ url: 'https://api.example/notes/' }),
    code: 'PROOF_HTU',
    cause: /trailing slash/
  },
  'htu with another host': {
    request: send({ url: 'https://internal/notes' }),
    code: 'PROOF_HTU',
    cause: /host differs \("internal" instead of "api\.example"\)/
  },
  'htu with another path': {
    request: send({ url: 'https://api.example/other' }),
    code: 'PROOF_HTU',
    cause: /path differs \("\/other" instead of "\/notes"\)/
  },
  'an htu with wss of a request that is no WebSocket upgrade': {
    request: send({ url: 'wss://api.example/notes' }),
    code: 'PROOF_HTU',
    cause: /only a GET request with "Upgrade: websocket"/
  },
  'an htu with wss and another path': {
    request: send({ url: 'wss://api.example/other' }),
    code: 'PROOF_HTU',
    cause: /path differs \("\/other" instead of "\/notes"\)/
  },
  'an htu that is not a URL': { request: send({ claims: { htu: '/notes' } }), code: 'PROOF_HTU', cause: /not an absolute URL/ },
  'a clock ten minutes behind': {
    request: send({ claims: { iat: NOW - 600 } }),
    code: 'PROOF_IAT',
    cause: /600 seconds in the past/
  },
  'a clock ten minutes ahead': {
    request: send({ claims: { iat: NOW + 600 } }),
    code: 'PROOF_IAT',
    cause: /600 seconds in the future/
  },
  'iat in milliseconds': { request: send({ claims: { iat: NOW_MS } }), code: 'PROOF_IAT', cause: /iat is in milliseconds/ },
  'a proof of another token': {
    request: send({ claims: { ath: 'x'.repeat(43) } }),
    code: 'PROOF_ATH',
    cause: /another access token/
  },
  'a proof of another key': {
    request: async () => {
      const token = await issue({})
      return { method: 'GET', target: '/notes', headers: await other.headers({ url: 'https://api.example/notes', token }) }
    },
    code: 'TOKEN_BINDING',
    cause: /cnf\.jkt is .*, the key of the proof has the thumbprint/
  },
  'a proof of another method': {
    request: send({ claims: { htm: 'POST' } }),
    code: 'PROOF_HTM',
    cause: /htm is "POST", the method is "GET"/
  },
  'a replayed proof': { before: 'same', request: send(), code: 'PROOF_REPLAYED', cause: /new proof for every request/ },
  'a token for another API': {
    request: withToken(() => issue({ aud: 'https://other.example' })),
    code: 'TOKEN_INVALID',
    cause: /aud is "https:\/\/other\.example", expected one of/
  },
  'an issuer with a trailing slash': {
    request: withToken(() => issue({ iss: 'https://issuer.example/' })),
    code: 'TOKEN_INVALID',
    cause: /differs by a trailing slash/
  },
  'an unknown issuer': {
    request: withToken(() => issue({ iss: 'https://idp.example' })),
    code: 'TOKEN_INVALID',
    cause: /iss is "https:\/\/idp\.example", which is not a configured issuer/
  },
  'a token with typ JWT': {
    request: withToken(() => issue({}, { typ: 'JWT' })),
    code: 'TOKEN_INVALID',
    cause: /typ is "JWT", expected "at\+jwt".*token\.type: "any"/
  },
  'a missing claim': {
    request: withToken(() => issue({ client_id: undefined })),
    code: 'TOKEN_INVALID',
    cause: /client_id is missing; token\.requiredClaims/
  },
  'an expired token': {
    request: withToken(() => issue({ exp: NOW - 60 })),
    code: 'TOKEN_EXPIRED',
    cause: /exp is 60 seconds in the past/
  },
  'an unknown kid': {
    request: withToken(() => issue({}, { kid: 'rotated' })),
    code: 'TOKEN_INVALID',
    cause: /kid is "rotated", and no key/
  },
  'a key set that cannot be fetched': {
    options: {
      issuer: { issuer: 'https://issuer.example', jwksUri: 'https://keys.example/jwks' },
      fetch: () =>
        Promise.reject(
          Object.assign(new TypeError('fetch failed'), {
            cause: Object.assign(new Error('connect to //user:pass@keys.example'), { code: 'ECONNREFUSED' })
          })
        )
    },
    request: send(),
    code: 'KEYS_UNAVAILABLE',
    cause: /fetch failed.*ECONNREFUSED/
  },
  'Bearer instead of DPoP': {
    request: async () => ({ method: 'GET', target: '/notes', headers: { authorization: `Bearer ${await issue({})}` } }),
    code: 'SCHEME_NOT_ALLOWED',
    cause: /allowBearer/
  },
  'two Authorization header fields': {
    request: async () => {
      const { headers } = await world.request()
      const lines = Object.entries(headers as Record<string, string>)
      return { method: 'GET', target: '/notes', headers: [...lines, lines[0] as [string, string]] }
    },
    code: 'AUTHORIZATION_MALFORMED',
    cause: /one Authorization header field/
  },
  'a missing proof': {
    request: async () => ({ method: 'GET', target: '/notes', headers: { authorization: `DPoP ${await issue({})}` } }),
    code: 'PROOF_MISSING',
    cause: /proxy may have removed it/
  },
  'no credentials': {
    request: async () => ({ method: 'GET', target: '/notes', headers: {} }),
    code: 'CREDENTIALS_MISSING',
    cause: /send "Authorization: DPoP/
  },
  'a preflight request that no CORS middleware answered': {
    request: async () => ({ method: 'OPTIONS', target: '/notes', headers: {} }),
    code: 'CREDENTIALS_MISSING',
    cause: /CORS preflight request; register the CORS middleware before the guard/
  },
  'a missing nonce': {
    options: { nonce: { secrets: ['x'.repeat(32)] } },
    request: send(),
    code: 'NONCE_REQUIRED',
    cause: /expected for the first request/
  },
  'an unknown nonce': {
    options: { nonce: { secrets: ['x'.repeat(32)] } },
    request: send({ nonce: 'old' }),
    code: 'NONCE_INVALID',
    cause: /different nonce\.secrets/
  },
  'a missing scope': {
    policy: { scopes: ['admin'] },
    request: send({ scope: 'read' }),
    code: 'SCOPE_INSUFFICIENT',
    cause: /scopes are \["read"\], required are all of \["admin"\]/
  },
  'an insufficient acr': {
    policy: { authentication: { acrValues: ['mfa'] } },
    request: withToken(() => issue({ acr: 'pwd' })),
    code: 'AUTHENTICATION_INSUFFICIENT',
    cause: /acr is "pwd", expected one of \["mfa"\]/
  },
  'a proof without ath': { request: send({ claims: { ath: undefined } }), code: 'PROOF_CLAIMS', cause: /ath is missing/ },
  'a proof with RS256': {
    request: async () => {
      const rsa = await createTestClient({ clock: world.clock, alg: 'RS256' })
      const token = await world.issuer.issue({ jkt: rsa.jkt })
      return { method: 'GET', target: '/notes', headers: await rsa.headers({ url: 'https://api.example/notes', token }) }
    },
    code: 'PROOF_ALG',
    cause: /alg is "RS256", proof\.algorithms are ES256/
  },
  'a token of another key with the same kid': {
    request: withToken(() => rogue.issue({ jkt: world.client.jkt, header: { kid: world.issuer.jwks.keys[0]?.['kid'] } })),
    code: 'TOKEN_INVALID',
    cause: /does not verify the signature/
  }
}

describe.each(Object.entries(failures))('%s', (_name, { options = {}, policy = {}, before, request, code, cause }) => {
  const errorCode = `ERR_DPOP_${code}`

  async function run() {
    const verifier = createVerifier({ ...world.options, ...options })
    const sent = await request()
    if (before === 'same') await verifier.verifyRequest(sent)
    const explained = await verifier.explain(sent, policy)
    const { event, error } = await eventOf(() => verifier.verifyRequest(sent, policy))
    return { sent, explained, event, error }
  }

  test('explain reports it as the first failed check, with its cause', async () => {
    const { explained } = await run()
    const failed = explained.find(({ outcome }) => outcome === 'fail')
    expect(failed?.code).toBe(errorCode)
    expect(`${failed?.received} ${failed?.hint}`).toMatch(cause)
  })

  test('the debug line names its cause', async () => {
    const { event } = await run()
    const line = 'detail' in event ? refusalLine(event.code, event.detail) : outageLine(event.code, event.cause)
    expect(line).toMatch(cause)
    expect(line).toContain(errorCode)
    expect(line).not.toContain('\n')
    for (const secret of ['eyJ', 'user:pass', '"user"']) expect(line).not.toContain(secret)
  })

  test('nothing secret or personal is printed, and the client receives only the constant description', async () => {
    const { sent, explained, error } = await run()
    const printed = JSON.stringify(explained)
    for (const secret of ['eyJ', 'user:pass', '"user"', world.client.publicJwk['x'] as string])
      expect(printed).not.toContain(secret)
    for (const value of Object.values(sent.headers as Record<string, string>))
      if (typeof value === 'string') expect(printed).not.toContain(value.slice(-40))
    expect(JSON.stringify(error)).not.toMatch(cause)
  })
})
