import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { createVerifier, type UnavailableEvent } from 'dpop-guard'
import { createTestClient, createTestIssuer, fakeClock } from 'dpop-guard/testing'
import { describe, expect, it, onTestFinished } from 'vitest'
import { resolveOptions, type VerifierConfig } from '../../src/config/config.js'
import type { IssuerConfig } from '../../src/config/issuers.js'
import type { Fetch, VerifierOptions } from '../../src/options.js'
import { createIssuerKeys, type IssuerKeys } from '../../src/token/issuer-keys.js'
import { IssuerMetadata } from '../../src/token/metadata.js'
import { type IssuerServer, startIssuerServer } from '../support/issuer-server.js'
import { holdTimeouts } from '../support/timeouts.js'
import { BASE_URL, eventOf, NOW_MS, verdictOf } from '../support/world.js'

const METADATA = '/.well-known/oauth-authorization-server'
const MINUTE = 60

/** An authorization server with keys that a test can rotate or remove, and a verifier that fetches them. */
async function createRemoteWorld(options: Partial<VerifierOptions> = {}) {
  const clock = fakeClock(NOW_MS)
  const server: IssuerServer = await startIssuerServer()
  const issuerOf = () => createTestIssuer({ issuer: server.origin, clock, alg: 'ES256' })
  const [issuer, rotated, client] = await Promise.all([issuerOf(), issuerOf(), createTestClient({ clock })])
  const metadata = { issuer: server.origin, jwks_uri: `${server.origin}/keys` }
  Object.assign(server.responses, { [METADATA]: metadata, '/keys': issuer.jwks })
  const verifier = createVerifier({ issuer: server.origin, audience: BASE_URL, baseUrl: BASE_URL, clock, ...options })

  const issue = (from = issuer) => from.issue({ jkt: client.jkt, expiresInSeconds: 86_400 })
  const verify = async (token: string) =>
    await verdictOf(
      verifier.verifyRequest({ method: 'GET', target: '/', headers: await client.headers({ url: `${BASE_URL}/`, token }) })
    )
  /** Waits for a background fetch. */
  const settled = async () => {
    const count = server.requested.length
    while (server.requested.length === count) await new Promise((resolve) => setImmediate(resolve))
    await verify(await issue())
  }
  const keyFetches = () => server.requested.filter((path) => path === '/keys').length
  return { clock, server, issuer, rotated, client, verifier, issue, verify, settled, keyFetches }
}

/** The keys of the first configured issuer. */
function createKeys(config: VerifierConfig): IssuerKeys {
  const [issuer] = config.issuers as [IssuerConfig]
  return createIssuerKeys(issuer, new IssuerMetadata(issuer.issuer, config), config)
}

describe('the keys of an issuer', () => {
  it('are discovered once, and fetched once for any number of requests', async () => {
    const { server, issue, verify } = await createRemoteWorld()
    const tokens = await Promise.all(Array.from({ length: 50 }, () => issue()))
    const verdicts = await Promise.all(tokens.map(verify))
    expect(new Set(verdicts)).toEqual(new Set(['accepted']))
    expect(server.requested).toEqual([METADATA, '/keys'])
  })

  it('are fetched without discovery with the option jwksUri', async () => {
    const world = await createRemoteWorld()
    const { server, clock, client } = world
    const issuer = { issuer: server.origin, jwksUri: `${server.origin}/keys` }
    const verifier = createVerifier({ issuer, baseUrl: BASE_URL, clock })
    const headers = await client.headers({ url: `${BASE_URL}/`, token: await world.issue() })
    expect(await verdictOf(verifier.verifyRequest({ method: 'GET', target: '/', headers }))).toBe('accepted')
    expect(server.requested).toEqual(['/keys'])
  })

  it('are not fetched for a token of an unknown issuer', async () => {
    const { server, verify, client, clock } = await createRemoteWorld()
    const attacker = await createTestIssuer({ issuer: 'https://evil.example', clock, alg: 'ES256' })
    expect(await verify(await attacker.issue({ jkt: client.jkt }))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(server.requested).toEqual([])
  })

  it('that are configured are never fetched, also for a kid that they lack', async () => {
    const { server, issuer, rotated, clock, client, issue } = await createRemoteWorld()
    const verifier = createVerifier({ issuer: { issuer: server.origin, jwks: issuer.jwks }, baseUrl: BASE_URL, clock })
    const headers = await client.headers({ url: `${BASE_URL}/`, token: await issue(rotated) })
    expect(await verdictOf(verifier.verifyRequest({ method: 'GET', target: '/', headers }))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(server.requested).toEqual([])
  })

  it('that are configured are the same object at any time, so that a cached token stays cached', async () => {
    const { issuer, clock } = await createRemoteWorld()
    const config = resolveOptions({ issuer: issuer.options, baseUrl: BASE_URL, clock })
    const keys = createKeys(config)
    expect(keys.present(0)).toBe(await keys.current())
    expect(keys.present(NOW_MS)).toBe(await keys.current())
  })

  it('that are configured must be JSON values, otherwise createVerifier() throws a TypeError', () => {
    const jwks = { keys: [{ kty: () => 'EC' }] }
    expect(() => createVerifier({ issuer: { issuer: 'https://issuer.example', jwks }, baseUrl: BASE_URL })).toThrow(
      new TypeError('"issuer.jwks" must contain only JSON values')
    )
  })
})

describe('rotation', () => {
  it('an unknown kid refreshes the key set', async () => {
    const { server, issuer, rotated, issue, verify, keyFetches } = await createRemoteWorld()
    expect(await verify(await issue())).toBe('accepted')
    server.responses['/keys'] = { keys: [...issuer.jwks.keys, ...rotated.jwks.keys] }
    expect(await verify(await issue(rotated))).toBe('accepted')
    expect(await verify(await issue())).toBe('accepted')
    expect(keyFetches()).toBe(2)
  })

  it('a token without a kid that no key verifies refreshes the key set (RFC 9068 §5)', async () => {
    const { server, issuer, rotated, client, verify, keyFetches } = await createRemoteWorld()
    const withoutKid = (from: typeof issuer) => from.issue({ jkt: client.jkt, header: { kid: undefined } })
    expect(await verify(await withoutKid(issuer))).toBe('accepted')
    server.responses['/keys'] = rotated.jwks
    expect(await verify(await withoutKid(rotated))).toBe('accepted')
    expect(await verify(await withoutKid(issuer))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(keyFetches()).toBe(2)
  })

  it('a kid that the refreshed key set lacks as well is rejected', async () => {
    const { server, rotated, client, clock, issue, verify, keyFetches } = await createRemoteWorld()
    expect(await verify(await issue())).toBe('accepted')
    server.responses['/keys'] = rotated.jwks
    const rogue = await createTestIssuer({ issuer: server.origin, clock, alg: 'ES256' })
    expect(await verify(await rogue.issue({ jkt: client.jkt }))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(keyFetches()).toBe(2)
  })

  it('an invalid signature with a known kid fetches nothing', async () => {
    const { issuer, rotated, client, issue, verify, keyFetches } = await createRemoteWorld()
    expect(await verify(await issue())).toBe('accepted')
    const header = { kid: issuer.jwks.keys[0]?.['kid'] }
    expect(await verify(await rotated.issue({ jkt: client.jkt, header }))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(keyFetches()).toBe(1)
  })

  it('the same unknown kid refreshes at most once in 5 seconds', async () => {
    const { clock, rotated, issue, verify, keyFetches } = await createRemoteWorld()
    await verify(await issue())
    expect(await verify(await issue(rotated))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(keyFetches()).toBe(2)
    clock.advance(4)
    expect(await verify(await issue(rotated))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(keyFetches()).toBe(2)
    clock.advance(1)
    expect(await verify(await issue(rotated))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(keyFetches()).toBe(3)
  })

  it('a newly published key is accepted within 5 seconds while other clients send unknown kids', async () => {
    const { clock, server, issuer, rotated, issue, verify, keyFetches } = await createRemoteWorld()
    await verify(await issue())
    const sendUnknown = async (count: number) => {
      for (let i = 0; i < count; i++)
        expect(await verify(await issuer.issue({ header: { kid: `${clock()}-${i}` } }))).toBe('ERR_DPOP_TOKEN_INVALID')
    }
    await sendUnknown(3)
    expect(await verify(await issue(rotated))).toBe('ERR_DPOP_TOKEN_INVALID')
    server.responses['/keys'] = { keys: [...issuer.jwks.keys, ...rotated.jwks.keys] }
    for (let second = 0; second < 4; second++) {
      clock.advance(1)
      await sendUnknown(3)
    }
    expect(await verify(await issue(rotated))).toBe('accepted')
    // The first request, and the unknown kids at 0 and 3 seconds.
    expect(keyFetches()).toBe(3)
  })

  it('a key that was looked up before it was published is accepted 5 seconds later', async () => {
    const { clock, server, rotated, issue, verify } = await createRemoteWorld()
    await verify(await issue())
    expect(await verify(await issue(rotated))).toBe('ERR_DPOP_TOKEN_INVALID')
    server.responses['/keys'] = rotated.jwks
    clock.advance(5)
    expect(await verify(await issue(rotated))).toBe('accepted')
  })

  it('fifty concurrent unknown kids share one fetch', async () => {
    const { rotated, issue, verify, keyFetches } = await createRemoteWorld()
    await verify(await issue())
    const tokens = await Promise.all(Array.from({ length: 50 }, () => issue(rotated)))
    expect(new Set(await Promise.all(tokens.map(verify)))).toEqual(new Set(['ERR_DPOP_TOKEN_INVALID']))
    expect(keyFetches()).toBe(2)
  })

  it('a token with an unknown kid results in 503 while the issuer is unavailable', async () => {
    const { clock, server, rotated, issue, verify } = await createRemoteWorld()
    await verify(await issue())
    delete server.responses['/keys']
    expect(await verify(await issue(rotated))).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    expect(await verify(await issue(rotated))).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    expect(await verify(await issue())).toBe('accepted')
    server.responses['/keys'] = rotated.jwks
    clock.advance(1)
    expect(await verify(await issue(rotated))).toBe('accepted')
  })

  it('a cached token whose key was removed is verified again and rejected', async () => {
    const { clock, server, rotated, issue, verify } = await createRemoteWorld()
    const token = await issue()
    expect(await verify(token)).toBe('accepted')
    server.responses['/keys'] = rotated.jwks
    clock.advance(30)
    expect(await verify(await issue(rotated))).toBe('accepted')
    expect(await verify(token)).toBe('ERR_DPOP_TOKEN_INVALID')
  })
})

describe('the age of the key set', () => {
  it('the key set is refreshed in the background after ten minutes', async () => {
    const { clock, server, issue, verify, settled, keyFetches } = await createRemoteWorld()
    const token = await issue()
    expect(await verify(token)).toBe('accepted')
    clock.advance(10 * MINUTE - 1)
    expect(await verify(token)).toBe('accepted')
    expect(keyFetches()).toBe(1)
    server.responses['/keys'] = (response) => response.writeHead(500).end()
    clock.advance(1)
    expect(await verify(token)).toBe('accepted')
    await settled()
    expect(keyFetches()).toBe(2)
  })

  it('the key set stays in use for one hour after its refresh was due while the issuer is unavailable', async () => {
    const { clock, server, issue, verify } = await createRemoteWorld()
    const token = await issue()
    expect(await verify(token)).toBe('accepted')
    delete server.responses['/keys']
    clock.advance(70 * MINUTE - 1)
    expect(await verify(token)).toBe('accepted')
    expect(await verify(await issue())).toBe('accepted')
    clock.advance(1)
    expect(await verify(token)).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    expect(await verify(await issue())).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
  })

  it('staleIfErrorSeconds is that duration; 0 disables it', async () => {
    for (const staleIfErrorSeconds of [0, 1, 90]) {
      const { clock, server, issue, verify } = await createRemoteWorld({ staleIfErrorSeconds })
      const token = await issue()
      expect(await verify(token)).toBe('accepted')
      delete server.responses['/keys']
      clock.advance(10 * MINUTE + staleIfErrorSeconds - 1)
      expect(await verify(token)).toBe('accepted')
      clock.advance(1)
      expect(await verify(token)).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    }
  })

  it('an unchanged document keeps cached tokens, a changed one does not', async () => {
    const documents = [{ keys: [{ kty: 'EC' }] }, { keys: [{ kty: 'EC' }] }, { keys: [] }]
    const clock = fakeClock(NOW_MS)
    const fetch = async () => Response.json(documents.shift())
    const issuer = { issuer: 'https://issuer.example', jwksUri: 'https://issuer.example/keys' }
    const config = resolveOptions({ issuer, baseUrl: BASE_URL, clock, fetch })
    const keys = createKeys(config)
    const first = await keys.current()
    expect(await keys.newer('a')).toBe(first)
    clock.advance(30)
    const third = await keys.newer('a')
    expect(third).not.toBe(first)
    expect(keys.present(clock())).toBe(third)
  })

  it('a request that needs a refresh waits for the fetch in progress', async () => {
    const clock = fakeClock(NOW_MS)
    let respond = (_: Response): void => {}
    const fetch: Fetch = () => new Promise((resolve) => (respond = resolve))
    const issuer = { issuer: 'https://issuer.example', jwksUri: 'https://issuer.example/keys' }
    const config = resolveOptions({ issuer, baseUrl: BASE_URL, clock, fetch })
    const keys = createKeys(config)
    const first = keys.newer('a')
    respond(Response.json({ keys: [] }))
    const old = await first
    clock.advance(2)
    expect(await keys.newer('b')).toBeUndefined()
    clock.advance(10 * MINUTE)
    expect(keys.present(clock())).toBe(old)
    const [second, third] = [keys.current(), keys.newer('a')]
    respond(Response.json({ keys: [{ kty: 'EC' }] }))
    expect(await second).toBe(old)
    expect(await third).toBe(keys.present(clock()))
    expect(await third).not.toBe(old)
  })
})

describe('a clock that was set back', () => {
  it('does not extend a cooldown', async () => {
    const { clock, server, issuer, rotated, issue, verify } = await createRemoteWorld()
    delete server.responses['/keys']
    expect(await verify(await issue())).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    server.responses['/keys'] = issuer.jwks
    clock.set(NOW_MS - 3_600_000)
    expect(await verify(await issue())).toBe('accepted')
    expect(await verify(await issue(rotated))).toBe('ERR_DPOP_TOKEN_INVALID')
    server.responses['/keys'] = rotated.jwks
    clock.set(NOW_MS - 3_660_000)
    expect(await verify(await issue(rotated))).toBe('accepted')
  })

  it('does not extend the use of a key set', async () => {
    const { clock, server, issue, verify, keyFetches } = await createRemoteWorld()
    expect(await verify(await issue())).toBe('accepted')
    clock.advance(-10 * MINUTE)
    expect(await verify(await issue())).toBe('accepted')
    while (keyFetches() < 2) await new Promise((resolve) => setImmediate(resolve))
    expect(await verify(await issue())).toBe('accepted')
    delete server.responses['/keys']
    clock.advance(-70 * MINUTE)
    expect(await verify(await issue())).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
  })
})

it('a failed background refresh publishes a diagnostics event for each attempt', async () => {
  const reported: UnavailableEvent[] = []
  const keep = (event: unknown) => void reported.push(event as UnavailableEvent)
  subscribe('dpop-guard:unavailable', keep)
  onTestFinished(() => void unsubscribe('dpop-guard:unavailable', keep))
  const { clock, server, issue, verify, settled, keyFetches } = await createRemoteWorld()
  const token = await issue()
  expect(await verify(token)).toBe('accepted')
  const keys = server.responses['/keys'] as object
  delete server.responses['/keys']
  clock.advance(10 * MINUTE)
  for (const attempt of [1, 2]) {
    expect(new Set(await Promise.all(Array.from({ length: 5 }, () => verify(token))))).toEqual(new Set(['accepted']))
    while (reported.length < attempt) await new Promise((resolve) => setImmediate(resolve))
    for (let i = 0; i < 5; i++) expect(await verify(token)).toBe('accepted')
    expect(keyFetches()).toBe(1 + attempt)
    clock.advance(1)
  }
  expect(reported).toEqual([1, 2].map(() => ({ code: 'ERR_DPOP_KEYS_UNAVAILABLE', cause: expect.any(Error) })))
  server.responses['/keys'] = keys
  expect(await verify(token)).toBe('accepted')
  await settled()
  expect(reported).toHaveLength(2)
})

describe('an unavailable issuer results in 503 and is used again when it recovers', () => {
  it.each<[string, IssuerServer['responses']]>([
    ['metadata 500', { [METADATA]: (response) => response.writeHead(500).end() }],
    ['metadata of another issuer', { [METADATA]: { issuer: 'https://evil.example', jwks_uri: 'https://evil.example/keys' } }],
    ['keys 404', { '/keys': (response) => response.writeHead(404).end() }],
    ['keys 500', { '/keys': (response) => response.writeHead(500).end() }],
    ['keys with a redirect', { '/keys': (response) => response.writeHead(302, { location: '/other' }).end() }],
    ['keys that are HTML', { '/keys': '<html>' }],
    ['keys that are not a JWK Set', { '/keys': { keys: [1] } }],
    ['truncated keys', { '/keys': '{"keys":[' }],
    [
      'keys whose connection closes during the body',
      { '/keys': (response) => response.write('{"keys":', () => response.destroy()) }
    ],
    ['keys with deeply nested values', { '/keys': `{"keys":[],"x":${'['.repeat(400_000)}${']'.repeat(400_000)}}` }],
    ['keys above one megabyte', { '/keys': `{"keys":[${' '.repeat(1_100_000)}]}` }],
    ['metadata above one megabyte', { [METADATA]: `{"x":"${'x'.repeat(1_100_000)}"}` }]
  ])('%s', async (_title, broken) => {
    const { clock, server, issue, verify } = await createRemoteWorld()
    const whole = { ...server.responses }
    Object.assign(server.responses, broken)
    expect(await verify(await issue())).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    Object.assign(server.responses, whole)
    clock.advance(1)
    expect(await verify(await issue())).toBe('accepted')
  })

  it('the diagnostics event has the cause', async () => {
    const { server, verifier, client, issue } = await createRemoteWorld()
    server.responses['/keys'] = { keys: [1] }
    const headers = await client.headers({ url: `${BASE_URL}/`, token: await issue() })
    expect(await eventOf(() => verifier.verifyRequest({ method: 'GET', target: '/', headers }))).toEqual({
      code: 'ERR_DPOP_KEYS_UNAVAILABLE',
      cause: new Error('The document is not a JWK Set')
    })
  })

  it('no fetch is made for one second after a failure', async () => {
    const { clock, server, issue, verify, keyFetches } = await createRemoteWorld()
    delete server.responses['/keys']
    for (let i = 0; i < 5; i++) expect(await verify(await issue())).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    expect(keyFetches()).toBe(1)
    clock.advance(0.999)
    expect(await verify(await issue())).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    expect(keyFetches()).toBe(1)
    clock.advance(0.001)
    expect(await verify(await issue())).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    expect(keyFetches()).toBe(2)
  })

  it('the metadata is fetched again after a failure, since jwks_uri may have changed', async () => {
    const { clock, server, issuer, issue, verify } = await createRemoteWorld()
    delete server.responses['/keys']
    expect(await verify(await issue())).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    Object.assign(server.responses, {
      [METADATA]: { issuer: server.origin, jwks_uri: `${server.origin}/moved` },
      '/moved': issuer.jwks
    })
    clock.advance(1)
    expect(await verify(await issue())).toBe('accepted')
  })

  it.each<[string, IssuerServer['responses']]>([
    ['metadata that does not arrive', { [METADATA]: () => {}, '/.well-known/openid-configuration': () => {} }],
    ['keys that do not arrive', { '/keys': () => {} }],
    ['keys that do not end', { '/keys': (response) => void response.write('{"keys":') }]
  ])('a fetch is aborted after five seconds, and all waiting requests are rejected: %s', async (_title, hanging) => {
    const timeouts = holdTimeouts()
    const { clock, server, issue, verify } = await createRemoteWorld()
    const whole = { ...server.responses }
    Object.assign(server.responses, hanging)
    const tokens = await Promise.all([issue(), issue(), issue()])
    let isSettled = false
    const verdicts = Promise.all(tokens.map(verify)).finally(() => (isSettled = true))
    while (!isSettled) {
      await new Promise((resolve) => setImmediate(resolve))
      if (server.requested.length > 0) timeouts.elapse()
    }
    expect(new Set(await verdicts)).toEqual(new Set(['ERR_DPOP_KEYS_UNAVAILABLE']))
    expect(new Set(timeouts.given())).toEqual(new Set([5000]))
    Object.assign(server.responses, whole)
    clock.advance(1)
    expect(await verify(await issue())).toBe('accepted')
  })

  it('a fetch that throws synchronously results in 503', async () => {
    const fetch: Fetch = () => {
      throw new Error('no network')
    }
    const { issue, verify } = await createRemoteWorld({ fetch })
    expect(await verify(await issue())).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
  })
})
