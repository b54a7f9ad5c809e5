/** Rules that no single request shows: configuration, stored data and diagnostics. @module */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { inspect } from 'node:util'
import { createVerifier, DPoPError, memoryReplayStore, type VerifierOptions } from 'dpop-guard'
import { dpop } from 'dpop-guard/fastify'
import fastify from 'fastify'
import { describe, expect, test } from 'vitest'
import { issuer, now, origin, prepare } from '../vectors/recipe.js'
import { issuerJwks, tokenOf } from '../vectors/vector.js'

const options = (more: object = {}): VerifierOptions => ({
  issuer: { issuer, jwks: issuerJwks() },
  baseUrl: origin,
  clock: () => now * 1000,
  ...more
})

/** A valid request as a plain object, with the changes of the recipe. */
const request = (recipe = {}) => {
  const { method, target, lines } = prepare(recipe)
  return { method, target, headers: lines }
}

/** The error of a request that is rejected. */
async function rejectionOf(settings: VerifierOptions, recipe = {}): Promise<DPoPError> {
  const outcome: unknown = await createVerifier(settings)
    .verifyRequest(request(recipe))
    .catch((reason) => reason)
  expect(outcome).toBeInstanceOf(DPoPError)
  return outcome as DPoPError
}

const secret = 'a secret that is 32 bytes long, really'

describe('configuration', () => {
  test.each(['http://api.example', 'ftp://api.example', 'api.example'])(
    '§2 a base URL must be https: %s is rejected [D-01]',
    (baseUrl) => {
      expect(() => createVerifier(options({ baseUrl }))).toThrow(TypeError)
    }
  )

  test.each(['none', 'HS256', 'RSA-OAEP', 'ES256K'])(
    '§11.6 only secure asymmetric algorithms are accepted: %s is rejected [D-78 B-02]',
    (alg) => {
      expect(() => createVerifier(options({ proof: { algorithms: ['ES256', alg] } }))).toThrow(TypeError)
      expect(() => createVerifier(options({ token: { algorithms: ['ES256', alg] } }))).toThrow(TypeError)
    }
  )

  test.each([{ maxAgeSeconds: 301 }, { maxFutureSeconds: 301 }])(
    '§11.1 the time window has at most five minutes: %j is rejected [AMB-10 D-46]',
    (proof) => {
      expect(() => createVerifier(options({ proof }))).toThrow(TypeError)
    }
  )

  test.each([[[]], [['short']], [['']], [secret]])(
    'RFC 8725 §3.5 a nonce secret must have at least 32 bytes: %j is rejected [B-06 D-63]',
    (secrets) => {
      expect(() => createVerifier(options({ nonce: { secrets } }))).toThrow(TypeError)
    }
  )

  test.each([true, 'optional', {}])(
    '§11.3 nonces are required or disabled, not optional: %j is rejected [AMB-12 D-72]',
    (nonce) => {
      expect(() => createVerifier(options({ nonce }))).toThrow(TypeError)
    }
  )

  test('FAPI 2.0 §5.3.4 the profile rejects allowBearer and algorithms outside of it [F-05 F-06]', () => {
    expect(() => createVerifier(options({ profile: 'fapi2', allowBearer: true }))).toThrow(TypeError)
    expect(() => createVerifier(options({ profile: 'fapi2', proof: { algorithms: ['RS256'] } }))).toThrow(TypeError)
  })
})

describe('nonces', () => {
  const issue = async (more: object): Promise<string> => {
    const { headers } = await rejectionOf(options(more), { token: { claims: { exp: now + 1e6 } } })
    return headers['DPoP-Nonce'] as string
  }

  test('§8 nonces are unpredictable: all are distinct, have at least 128 bits and different prefixes [D-63]', async () => {
    const nonces = await Promise.all(
      Array.from({ length: 50 }, (_, i) => issue({ nonce: { secrets: [secret] }, clock: () => (now + i * 150) * 1000 }))
    )
    expect(new Set(nonces).size).toBe(nonces.length)
    for (const nonce of nonces) expect(nonce.length).toBeGreaterThanOrEqual(22)
    const prefixes = new Set(nonces.map((nonce) => nonce.slice(0, 4)))
    expect(prefixes.size).toBeGreaterThan(nonces.length - 3)
  })

  test('§9 a nonce is accepted with the secrets that it was issued with, and rejected with others [D-70 D-27]', async () => {
    const nonce = await issue({ nonce: { secrets: [secret] } })
    const withNonce = () => request({ proof: { claims: { nonce } } })
    await expect(createVerifier(options({ nonce: { secrets: [secret] } })).verifyRequest(withNonce())).resolves.toBeDefined()
    const other = createVerifier(options({ nonce: { secrets: [secret.toUpperCase()] } }))
    await expect(other.verifyRequest(withNonce())).rejects.toMatchObject({
      code: 'ERR_DPOP_NONCE_INVALID',
      error: 'use_dpop_nonce'
    })
  })
})

describe('the replay store', () => {
  test('§11.1 a full store rejects and evicts no live entry [L10 AMB-20 L44]', async () => {
    const verifier = createVerifier(options({ replay: memoryReplayStore({ maxEntries: 1 }) }))
    const first = request()
    await verifier.verifyRequest(first)
    await expect(verifier.verifyRequest(request())).rejects.toMatchObject({
      status: 503,
      code: 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE'
    })
    await expect(verifier.verifyRequest(first)).rejects.toMatchObject({ code: 'ERR_DPOP_PROOF_REPLAYED' })
  })

  test('§11.1 a full store accepts entries again when others have expired [AMB-20 D-47]', async () => {
    let elapsed = 0
    const clock = () => (now + elapsed) * 1000
    const verifier = createVerifier(options({ clock, replay: memoryReplayStore({ maxEntries: 1 }) }))
    await verifier.verifyRequest(request())
    elapsed = 1000
    const later = request({ proof: { claims: { iat: now + elapsed } } })
    await expect(verifier.verifyRequest(later)).resolves.toBeDefined()
  })

  test('§11.1 the key of an entry is base64url of bounded length for any jti [D-47 L9]', async () => {
    const keys: string[] = []
    const replay = { reserve: (key: string) => keys.push(key) > 0 }
    const verifier = createVerifier(options({ replay }))
    for (const jti of ['x', 'x'.repeat(256), 'name:with\n\0 everything']) {
      await verifier.verifyRequest(request({ proof: { claims: { jti } } }))
    }
    expect(keys).toHaveLength(3)
    for (const key of keys) expect(key).toMatch(/^[\w-]{22,43}$/)
  })
})

describe('responses and diagnostics', () => {
  test('RFC 6750 §5 results and errors, when printed, contain neither token nor proof [W-10 C-04]', async () => {
    const valid = request()
    const invalid = request({ proof: { claims: { htm: 'PUT' } } })
    const verifier = createVerifier(options())
    const auth = await verifier.verifyRequest(valid)
    const error: unknown = await verifier.verifyRequest(invalid).catch((reason) => reason)
    const shown = [auth, error].map((one) => inspect(one, { depth: 9 }) + JSON.stringify(one)).join()
    for (const { headers } of [valid, invalid]) {
      for (const [, value] of headers) if (value.length > 100) expect(shown).not.toContain(value.replace('DPoP ', ''))
    }
  })

  test('RFC 6749 §5.2 the body of a rejection has error and error_description [AMB-29 W-04]', async () => {
    const response = (await rejectionOf(options(), { proof: { claims: { htm: 'PUT' } } })).getResponse()
    expect(response.status).toBe(401)
    expect(await response.json()).toEqual({
      error: 'invalid_dpop_proof',
      error_description: 'The DPoP proof htm does not match the request method'
    })
  })

  test.each([
    [
      'the expected and the received htu',
      { proof: { claims: { htu: 'http://api.example/r' } } },
      'ERR_DPOP_PROOF_HTU',
      { expectedHtu: ['https://api.example/r'], receivedHtu: 'http://api.example/r' }
    ],
    ['the clock skew', { proof: { claims: { iat: now - 3600 } } }, 'ERR_DPOP_PROOF_IAT', { skewSeconds: -3600 }]
  ])('the diagnostics event of a rejection has %s [L46]', async (_what, recipe, code, detail) => {
    const events: unknown[] = []
    const listen = (event: unknown) => void events.push(event)
    subscribe('dpop-guard:refused', listen)
    await createVerifier(options())
      .verifyRequest(request(recipe))
      .catch(() => {})
    unsubscribe('dpop-guard:refused', listen)
    expect(events).toMatchObject([{ code, detail }])
  })

  test('§12 the registered names are used as registered [D-83]', async () => {
    const { headers } = await rejectionOf(options({ nonce: { secrets: [secret] } }))
    expect(Object.keys(headers)).toEqual(['WWW-Authenticate', 'DPoP-Nonce', 'Cache-Control'])
    expect(headers).toMatchObject({ 'WWW-Authenticate': expect.stringMatching(/^DPoP error="use_dpop_nonce"/) })
  })

  test('RFC 9110 §11.5 realm is a quoted-string [H-08 AMB-24]', async () => {
    const error = await rejectionOf(options({ allowBearer: true }), { lines: () => [] })
    expect(error.headers['WWW-Authenticate']).toEqual([
      expect.stringMatching(/^Bearer realm="https:\/\/api\.example"$/),
      expect.stringMatching(/^DPoP /)
    ])
  })
})

test('a route that was registered before the guard is protected [L23]', async () => {
  const app = fastify()
  app.get('/r', () => 'open')
  await app.register(dpop, options())
  expect((await app.inject('/r')).statusCode).toBe(401)
  const valid = prepare()
  const headers = { authorization: `DPoP ${tokenOf(valid)}`, dpop: valid.lines[2]?.[1] ?? '' }
  expect((await app.inject({ url: '/r', headers })).statusCode).toBe(200)
})
