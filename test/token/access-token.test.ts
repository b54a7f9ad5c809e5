import { generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { createVerifier, type PlainRequest, type VerifierOptions } from 'dpop-guard'
import { createTestIssuer, type TokenSpec } from 'dpop-guard/testing'
import { beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { platform } from '#crypto'
import { BASE_URL, createWorld, encode, eventOf, ISSUER, NOW, NOW_MS, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(() => world.clock.set(NOW_MS))

type Extra = Omit<Partial<VerifierOptions>, 'optional'>

/** The outcome of an otherwise valid request with this token. */
async function verdict(token: string, extra: Extra = {}): Promise<string> {
  return await verdictOf(createVerifier({ ...world.options, ...extra }).verifyRequest(await world.request({ token })))
}
const issued = async (spec: TokenSpec, extra?: Extra) =>
  await verdict(await world.issuer.issue({ jkt: world.client.jkt, ...spec }), extra)
/** The diagnostics event of a request with this token. */
const reported = async (token: string, extra: Extra = {}) => {
  const request = await world.request({ token })
  return await eventOf(() => createVerifier({ ...world.options, ...extra }).verifyRequest(request))
}
const withClaims = (claims: Record<string, unknown>, extra?: Extra) => issued({ claims }, extra)

describe('a JWT access token of the profile of RFC 9068', () => {
  it('is accepted', async () => {
    expect(await issued({})).toBe('accepted')
  })

  it.each(['at+jwt', 'AT+JWT', 'application/at+jwt', 'application/AT+jwt'])('is accepted with typ %s (§4)', async (typ) => {
    expect(await issued({ header: { typ } })).toBe('accepted')
  })

  it.each(['JWT', 'jwt', '', 'at+jwt2', 'at+application/jwt', 'dpop+jwt', 'logout+jwt', 'application/secevent+jwt', undefined])(
    'is rejected with typ %s (§4)',
    async (typ) => {
      expect(await issued({ header: { typ } })).toBe('ERR_DPOP_TOKEN_INVALID')
    }
  )

  it.each(['iss', 'aud', 'exp', 'sub', 'client_id', 'iat', 'jti'])('is rejected without %s (§2.2)', async (claim) => {
    expect(await withClaims({ [claim]: undefined })).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it.each<Record<string, unknown>>([
    { iss: 'https://evil.example' },
    { iss: `${ISSUER}/` },
    { iss: [ISSUER] },
    { iss: null },
    { aud: 'https://other.example' },
    { aud: [] },
    { aud: 7 },
    { aud: { 0: BASE_URL } },
    { exp: String(NOW + 60) },
    { exp: null },
    { nbf: 'x' },
    { iat: 'x' },
    { iat: null },
    { sub: '' },
    { sub: 7 },
    { client_id: ['client'] },
    { client_id: '' },
    { jti: 7 },
    { jti: '' }
  ])('is rejected with an invalid claim: %j', async (claims) => {
    expect(await withClaims(claims)).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it.each([
    { aud: [BASE_URL] },
    { aud: ['https://other.example', BASE_URL] },
    { exp: NOW + 0.5 + 60 },
    { iat: NOW - 1.5 },
    { unknown: {} }
  ])('is accepted with %j (RFC 7519 §2, §4.1.3)', async (claims) => {
    expect(await withClaims(claims)).toBe('accepted')
  })

  it('is validated with a clock tolerance of five seconds, or the configured one (RFC 7519 §4.1.4, §4.1.5)', async () => {
    expect(await withClaims({ exp: NOW - 4 })).toBe('accepted')
    expect(await withClaims({ exp: NOW - 5 })).toBe('ERR_DPOP_TOKEN_EXPIRED')
    expect(await withClaims({ nbf: NOW + 5 })).toBe('accepted')
    expect(await withClaims({ nbf: NOW + 6 })).toBe('ERR_DPOP_TOKEN_INVALID')
    const token = { clockToleranceSeconds: 0 }
    expect(await withClaims({ exp: NOW + 1, nbf: NOW }, { token })).toBe('accepted')
    expect(await withClaims({ exp: NOW }, { token })).toBe('ERR_DPOP_TOKEN_EXPIRED')
    expect(await withClaims({ nbf: NOW + 1 }, { token })).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it.each([2 ** 53, 1e300])('is accepted with the exp %i, far in the future (RFC 7519 §2)', async (exp) => {
    expect(await withClaims({ exp })).toBe('accepted')
  })

  it('is rejected as expired only if its signature is valid', async () => {
    const [header, payload] = (await world.issuer.issue({ expiresInSeconds: -60 })).split('.')
    expect(await verdict(`${header}.${payload}.${encode('x'.repeat(64))}`)).toBe('ERR_DPOP_TOKEN_INVALID')
  })
})

describe("token.type 'any', for servers that do not implement RFC 9068", () => {
  const token = { type: 'any' } as const
  it('requires only iss, aud and exp', async () => {
    const claims = { sub: undefined, client_id: undefined, iat: undefined, jti: undefined }
    for (const typ of ['JWT', undefined, 'at+jwt', 'vnd.example'])
      expect(await issued({ claims, header: { typ } }, { token })).toBe('accepted')
    for (const claim of ['iss', 'aud', 'exp'])
      expect(await withClaims({ [claim]: undefined }, { token })).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it.each([
    'dpop+jwt',
    'DPoP+JWT',
    'application/dpop+jwt',
    'token-introspection+jwt',
    'logout+jwt',
    'secevent+jwt',
    'oauth-authz-req+jwt',
    'client-authentication+jwt'
  ])('rejects another kind of JWT: %s (RFC 8725 §3.12)', async (typ) => {
    expect(await issued({ header: { typ } }, { token })).toBe('ERR_DPOP_TOKEN_INVALID')
  })
})

describe('the compact serialization is parsed strictly (RFC 7515 §7.1, RFC 7519 §7.2)', () => {
  it('rejects every non-canonical encoding of a valid token', async () => {
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    const [header, payload, signature] = token.split('.') as [string, string, string]
    const encodings = [
      `${header}.${payload}`,
      `${header}.${payload}.`,
      `${token}.`,
      `.${token}`,
      `${token}.${signature}`,
      `${header}=.${payload}.${signature}`,
      `${header}.${payload}=.${signature}`,
      `${token}=`,
      `${token.replaceAll('-', '+').replaceAll('_', '/')}+`,
      `${header}..${signature}`,
      `${encode('[]')}.${payload}.${signature}`,
      `${header}.${encode('"x"')}.${signature}`,
      `${header}.${encode('{')}.${signature}`,
      'x'
    ]
    for (const encoding of encodings) {
      expect(await verdict(encoding)).toMatch(/^ERR_DPOP_(TOKEN_INVALID|AUTHORIZATION_MALFORMED)$/)
    }
  })

  it.each([{ b64: false, crit: ['b64'] }, { b64: true }, { b64: null }])(
    'rejects a header with b64 (RFC 7797 §7): %j',
    async (header) => {
      const token = await world.issuer.issue({ jkt: world.client.jkt })
      const [, payload, signature] = token.split('.')
      expect(await verdict(`${encode({ alg: 'ES256', typ: 'at+jwt', ...header })}.${payload}.${signature}`)).toBe(
        'ERR_DPOP_TOKEN_INVALID'
      )
    }
  )

  it.each([
    { crit: ['exp'] },
    { crit: [] },
    { crit: 'x' },
    { alg: 'none' },
    { alg: 'HS256' },
    { alg: 'es256' },
    { alg: ['ES256'] },
    { alg: undefined }
  ])('rejects a header that is not supported: %j (RFC 7515 §4.1.11, §5.2)', async (extra) => {
    const [, payload, signature] = (await world.issuer.issue({ jkt: world.client.jkt })).split('.')
    const header = { alg: 'ES256', typ: 'at+jwt', kid: world.issuer.jwks.keys[0]?.['kid'], ...extra }
    expect(await verdict(`${encode(header)}.${payload}.${signature}`)).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('ignores keys in the header (RFC 9068 §4)', async () => {
    const rogue = await createTestIssuer({ clock: world.clock, alg: 'ES256' })
    const header = { jwk: rogue.jwks.keys[0], jku: 'https://evil.example/keys', kid: undefined }
    expect(await verdict(await rogue.issue({ jkt: world.client.jkt, header }))).toBe('ERR_DPOP_TOKEN_INVALID')
  })
})

describe('signature algorithms', () => {
  it.each(['RS256', 'PS256', 'ES384', 'EdDSA', 'Ed25519'] as const)(
    '%s is accepted unless other algorithms are configured',
    async (alg) => {
      const issuer = await createTestIssuer({ clock: world.clock, alg })
      const token = await issuer.issue({ jkt: world.client.jkt })
      expect(await verdict(token, { issuer: issuer.options })).toBe('accepted')
      expect(await verdict(token, { issuer: { ...issuer.options, algorithms: ['ES256'] } })).toBe('ERR_DPOP_TOKEN_INVALID')
      expect(await verdict(token, { issuer: issuer.options, token: { algorithms: ['ES256'] } })).toBe('ERR_DPOP_TOKEN_INVALID')
    }
  )
})

describe('the diagnostics event has the reason of a rejection', () => {
  const issue = (spec: TokenSpec) => world.issuer.issue({ jkt: world.client.jkt, ...spec })
  it.each<[reason: string, token: () => Promise<string>, extra?: Extra]>([
    ['not a JWT, and not active at any issuer with introspection', async () => 'opaque'],
    [
      'iss is "https://other.example", which is not a configured issuer',
      () => issue({ claims: { iss: 'https://other.example' } })
    ],
    [
      'iss is "https://issuer.example/", which is not a configured issuer; "https://issuer.example" differs by a trailing slash',
      () => issue({ claims: { iss: 'https://issuer.example/' } })
    ],
    ['iss is undefined, which is not a configured issuer', () => issue({ claims: { iss: undefined } })],
    ['typ is "JWT", expected "at+jwt" (RFC 9068 §4); token.type: "any" accepts it', () => issue({ header: { typ: 'JWT' } })],
    [
      'typ is missing, expected "at+jwt" (RFC 9068 §4); token.type: "any" accepts it',
      () => issue({ header: { typ: undefined } })
    ],
    ['typ is "dpop+jwt", expected "at+jwt" (RFC 9068 §4)', () => issue({ header: { typ: 'dpop+jwt' } })],
    [
      'typ is "dpop+jwt", which is not an access token (RFC 8725 §3.12)',
      () => issue({ header: { typ: 'dpop+jwt' } }),
      { token: { type: 'any' } }
    ],
    ['kid is "unknown", and no key of the issuer with this kid verifies ES256', () => issue({ header: { kid: 'unknown' } })],
    ['sub is missing; token.requiredClaims without it accepts the token', () => issue({ claims: { sub: undefined } })],
    ['aud is missing; it is required in every token', () => issue({ claims: { aud: undefined } })],
    ['sub is not a non-empty string', () => issue({ claims: { sub: 7 } })],
    ['jti is not a non-empty string', () => issue({ claims: { jti: '' } })],
    ['the access token was revoked', () => issue({}), { token: { isRevoked: () => true } }]
  ])('%s', async (reason, token, extra) => {
    expect(await reported(await token(), extra)).toEqual({ code: 'ERR_DPOP_TOKEN_INVALID', reason })
  })
})

describe('several issuers', () => {
  it('the keys of one issuer do not verify a token of another', async () => {
    const other = await createTestIssuer({ issuer: 'https://other.example', clock: world.clock, alg: 'ES256' })
    const issuer = [world.issuer.options, other.options]
    const { jkt } = world.client
    expect(await verdict(await world.issuer.issue({ jkt }), { issuer })).toBe('accepted')
    expect(await verdict(await other.issue({ jkt }), { issuer })).toBe('accepted')
    expect(await verdict(await other.issue({ jkt, claims: { iss: ISSUER } }), { issuer })).toBe('ERR_DPOP_TOKEN_INVALID')
    const kid = world.issuer.jwks.keys[0]?.['kid']
    expect(await verdict(await other.issue({ jkt, claims: { iss: ISSUER }, header: { kid } }), { issuer })).toBe(
      'ERR_DPOP_TOKEN_INVALID'
    )
  })

  it('each has its own audience', async () => {
    const issuer = { ...world.issuer.options, audience: 'urn:own' }
    expect(await withClaims({ aud: 'urn:own' }, { issuer })).toBe('accepted')
    expect(await withClaims({ aud: BASE_URL }, { issuer })).toBe('ERR_DPOP_TOKEN_INVALID')
  })
})

describe('the key set of an issuer', () => {
  const jwkOf = (key: KeyObject) => key.export({ format: 'jwk' }) as Record<string, unknown>
  const ecKey = () => generateKeyPairSync('ec', { namedCurve: 'P-256' })

  /** A token signed with this key, under this header. */
  function signed(privateKey: KeyObject, header: object, claims: object = {}): string {
    const payload = { iss: ISSUER, aud: BASE_URL, sub: 'u', client_id: 'c', jti: 'j', iat: NOW, exp: NOW + 60, ...claims }
    const input = `${encode({ typ: 'at+jwt', alg: 'ES256', ...header })}.${encode({ cnf: { jkt: world.client.jkt }, ...payload })}`
    return `${input}.${sign('sha256', Buffer.from(input), { key: privateKey, dsaEncoding: 'ieee-p1363' }).toString('base64url')}`
  }
  const under = (keys: Record<string, unknown>[]): Extra => ({ issuer: { issuer: ISSUER, jwks: { keys } } })

  it('accepts a token that one of several keys with the same kid verifies (RFC 7517 §4.5)', async () => {
    const pairs = Array.from({ length: 3 }, ecKey)
    const keys = pairs.map(({ publicKey }) => ({ ...jwkOf(publicKey), kid: 'same' }))
    for (const { privateKey } of pairs) expect(await verdict(signed(privateKey, { kid: 'same' }), under(keys))).toBe('accepted')
    expect(await verdict(signed(ecKey().privateKey, { kid: 'same' }), under(keys))).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('tries every suitable key for a token without kid, whose exp is still validated', async () => {
    const [a, b] = [ecKey(), ecKey()]
    const keys = [a, b].map(({ publicKey }) => jwkOf(publicKey))
    expect(await verdict(signed(b.privateKey, {}), under(keys))).toBe('accepted')
    expect(await verdict(signed(a.privateKey, {}, { exp: NOW - 60 }), under(keys))).toBe('ERR_DPOP_TOKEN_EXPIRED')
  })

  it('tries at most eight keys, so that the cost of one token is bounded', async () => {
    const pairs = Array.from({ length: 9 }, ecKey)
    const keys = pairs.map(({ publicKey }) => jwkOf(publicKey))
    expect(await verdict(signed(pairs[7]?.privateKey as KeyObject, {}), under(keys))).toBe('accepted')
    expect(await verdict(signed(pairs[8]?.privateKey as KeyObject, {}), under(keys))).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('an unusable key results in 503 for tokens with its kid, and does not affect others', async () => {
    const { privateKey, publicKey } = ecKey()
    const valid = { ...jwkOf(publicKey), kid: 'valid' }
    const invalid = { ...valid, kid: 'invalid', y: valid['x' as never] }
    expect(await verdict(signed(privateKey, { kid: 'valid' }), under([invalid, valid]))).toBe('accepted')
    expect(await verdict(signed(privateKey, { kid: 'invalid' }), under([invalid, valid]))).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
    // Also if there are more unusable keys than are tried.
    expect(await verdict(signed(privateKey, {}), under(Array.from({ length: 9 }, () => invalid)))).toBe(
      'ERR_DPOP_KEYS_UNAVAILABLE'
    )
    // An unusable key is skipped if another key has the same kid.
    expect(await verdict(signed(privateKey, { kid: 'valid' }), under([{ ...invalid, kid: 'valid' }, valid]))).toBe('accepted')
  })

  it.each<[string, object]>([
    ['crit', { crit: ['exp'] }],
    ['b64', { b64: true }],
    ['a kid that is not a string, although a key has the same', { kid: 7 }]
  ])('rejects a valid signature with a header with %s (RFC 7515 §4.1.4, §4.1.11, RFC 7797 §7)', async (_title, header) => {
    const { privateKey, publicKey } = ecKey()
    const keys = under([jwkOf(publicKey), { ...jwkOf(publicKey), kid: 7 }])
    expect(await verdict(signed(privateKey, {}), keys)).toBe('accepted')
    expect(await verdict(signed(privateKey, header), keys)).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('accepts a token without kid that a key with a kid verifies', async () => {
    const { privateKey, publicKey } = ecKey()
    expect(await verdict(signed(privateKey, {}), under([{ ...jwkOf(publicKey), kid: 'k' }]))).toBe('accepted')
  })

  it('rejects a signature that no usable key verifies, even if other keys are unusable', async () => {
    const { publicKey } = ecKey()
    const keys = [{ ...jwkOf(publicKey), y: 'AAAA' }, jwkOf(publicKey)]
    expect(await verdict(signed(ecKey().privateKey, {}), under(keys))).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('the diagnostics event has the reason why no key can be used', async () => {
    const ec = ecKey()
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2040 })
    const { n, e, kty } = jwkOf(rsa.publicKey)
    const causeOf = async (token: string, jwk: Record<string, unknown>) => (await reported(token, under([jwk]))).cause
    for (const [jwk, reason] of [
      [jwkOf(ec.privateKey), 'A private key was published'],
      [{ ...jwkOf(ec.publicKey), x: undefined }, 'The key has no x'],
      [{ ...jwkOf(ec.publicKey), y: 7 }, 'The key has no y'],
      [{ e, kty, n }, 'The RSA key is too short'],
      [{ e, kty, n: `${n}=` }, 'The modulus is not base64url'],
      [{ kty, n }, 'The key has no e']
    ] as const) {
      const token = 'kty' in jwk && jwk.kty === 'RSA' ? signed(rsa.privateKey, { alg: 'RS256' }) : signed(ec.privateKey, {})
      const message = 'No key of the issuer can be used'
      expect(await causeOf(token, jwk)).toMatchObject({ message, errors: [new TypeError(reason)] })
    }
  })

  it('does not use a private key that was published', async () => {
    const { privateKey } = ecKey()
    const token = signed(privateKey, { kid: 'k' })
    expect(await verdict(token, under([{ ...jwkOf(privateKey), kid: 'k' }]))).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
  })

  it('uses RSA keys of at least 2048 bits (RFC 7518 §3.3), also if a zero octet precedes the modulus', async () => {
    const publish = (modulusLength: number, serialize = (n: string) => n) => {
      const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength })
      const { e, kty, n } = jwkOf(publicKey)
      return { token: signed(privateKey, { alg: 'RS256' }), keys: [{ e, kty, n: serialize(n as string) }] }
    }
    const padded = (n: string) => Buffer.concat([Buffer.alloc(1), Buffer.from(n, 'base64url')]).toString('base64url')
    for (const { token, keys } of [publish(2048), publish(2048, padded)])
      expect(await verdict(token, under(keys))).toBe('accepted')
    for (const { token, keys } of [publish(2040), publish(2040, padded), publish(2048, (n) => `${n}=`)])
      expect(await verdict(token, under(keys))).toBe('ERR_DPOP_KEYS_UNAVAILABLE')
  })

  it.each(['x', 'y'])('does not use a key without %s', async (member) => {
    const { privateKey, publicKey } = ecKey()
    for (const value of [undefined, 7])
      expect(await verdict(signed(privateKey, {}), under([{ ...jwkOf(publicKey), [member]: value }]))).toBe(
        'ERR_DPOP_KEYS_UNAVAILABLE'
      )
  })

  it('a key is imported once for each algorithm, for any number of tokens', async () => {
    const importKey = vi.spyOn(platform, 'importKey')
    const { privateKey, publicKey } = ecKey()
    const verifier = createVerifier({ ...world.options, ...under([jwkOf(publicKey)]) })
    for (const jti of ['a', 'b', 'c'])
      await verifier.verifyRequest(await world.request({ token: signed(privateKey, {}, { jti }) }))
    expect(importKey.mock.calls.filter(([jwk]) => 'x' in jwk && jwk.x === jwkOf(publicKey)['x'])).toHaveLength(1)
    importKey.mockRestore()
  })

  it('an import that fails is repeated with the next token', async () => {
    const { privateKey, publicKey } = ecKey()
    const verifier = createVerifier({ ...world.options, ...under([jwkOf(publicKey)]) })
    const verify = async (jti: string) =>
      await verdictOf(verifier.verifyRequest(await world.request({ token: signed(privateKey, {}, { jti }) })))
    const importKey = vi.spyOn(platform, 'importKey').mockImplementationOnce(() => Promise.reject(new Error('busy')))
    expect([await verify('a'), await verify('b')]).toEqual(['ERR_DPOP_KEYS_UNAVAILABLE', 'accepted'])
    importKey.mockRestore()
  })

  it('a key for encryption, or of another algorithm, is not used (RFC 7517 §4.2, §4.4)', async () => {
    const { privateKey, publicKey } = ecKey()
    for (const extra of [{ use: 'enc' }, { alg: 'ES384' }, { key_ops: ['encrypt'] }, { kty: 'oct', k: 'AAAA' }])
      expect(await verdict(signed(privateKey, { kid: 'k' }), under([{ ...jwkOf(publicKey), kid: 'k', ...extra }]))).toBe(
        'ERR_DPOP_TOKEN_INVALID'
      )
  })
})

describe('isRevoked', () => {
  it('is called on every request with the verified claims', async () => {
    const received: unknown[] = []
    let revoked = false
    const isRevoked = (claims: unknown) => {
      received.push(claims)
      return revoked
    }
    const verifier = createVerifier({ ...world.options, token: { isRevoked } })
    const token = await world.issuer.issue({ jkt: world.client.jkt, claims: { jti: 'token-1' } })
    const verify = async () => await verdictOf(verifier.verifyRequest(await world.request({ token })))
    expect([await verify(), await verify()]).toEqual(['accepted', 'accepted'])
    revoked = true
    expect(await verify()).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(received).toHaveLength(3)
    expect(received[0]).toMatchObject({ jti: 'token-1' })
  })

  it('is not called for an invalid token', async () => {
    let isCalled = false
    const isRevoked = () => {
      isCalled = true
      return false
    }
    expect(await withClaims({ aud: 'x' }, { token: { isRevoked } })).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(isCalled).toBe(false)
  })

  it('may return a promise', async () => {
    expect(await issued({}, { token: { isRevoked: async () => false } })).toBe('accepted')
    expect(await issued({}, { token: { isRevoked: async () => true } })).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it.each([undefined, null, 0, 'false', {}])('rejects the token if it returns anything but false: %j', async (response) => {
    expect(await issued({}, { token: { isRevoked: () => response as never } })).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('results in 503 if it throws or rejects', async () => {
    const broken = [
      () => {
        throw new Error('database down')
      },
      () => Promise.reject(new Error('database down'))
    ]
    for (const isRevoked of broken) expect(await issued({}, { token: { isRevoked } })).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
  })
})

describe('a verified token is cached', () => {
  /** A verifier, and a counter of its signature verifications of tokens. */
  async function createCountingWorld(extra: Extra = {}) {
    const issuer = await createTestIssuer({ clock: world.clock, alg: 'EdDSA' })
    const options = { ...world.options, issuer: issuer.options, signatureThreads: 'inline', ...extra } as const
    const verifier = createVerifier(options)
    const verify = vi.spyOn(platform, 'verify')
    onTestFinished(() => verify.mockRestore())
    return {
      issue: (claims: object = {}) => issuer.issue({ jkt: world.client.jkt, expiresInSeconds: 60, claims: { ...claims } }),
      verdict: async (token: string) => await verdictOf(verifier.verifyRequest(await world.request({ token }))),
      // The proofs are of another algorithm.
      count: () => verify.mock.calls.filter(([alg]) => alg === 'EdDSA').length
    }
  }

  it.each<[string, object]>([
    ['without nbf', {}],
    ['with nbf', { nbf: NOW }]
  ])('until it expires, the clock tolerance included: %s', async (_title, claims) => {
    const { issue, verdict, count } = await createCountingWorld()
    const token = await issue(claims)
    for (const seconds of [0, -5, 30, 64.999]) {
      world.clock.set(NOW_MS + seconds * 1000)
      expect(await verdict(token)).toBe('accepted')
    }
    expect(count()).toBe(1)
  })

  it('also with isRevoked, which is called on every request', async () => {
    const { issue, verdict, count } = await createCountingWorld({ token: { isRevoked: () => false } })
    const token = await issue()
    for (let i = 0; i < 3; i++) expect(await verdict(token)).toBe('accepted')
    expect(count()).toBe(1)
  })
})

describe('a cached token is validated like a new one', () => {
  it('its exp is validated: it expires at the same time as for a new verifier', async () => {
    const verifier = createVerifier(world.options)
    const token = await world.issuer.issue({ jkt: world.client.jkt, expiresInSeconds: 60 })
    const verify = async (by = verifier) => await verdictOf(by.verifyRequest(await world.request({ token })))
    expect(await verify()).toBe('accepted')
    for (const [seconds, expected] of [
      [64, 'accepted'],
      [64.999, 'accepted'],
      [65, 'ERR_DPOP_TOKEN_EXPIRED'],
      [66, 'ERR_DPOP_TOKEN_EXPIRED']
    ] as const) {
      world.clock.set(NOW_MS + seconds * 1000)
      expect([await verify(), await verify(createVerifier(world.options))]).toEqual([expected, expected])
    }
  })

  it('its nbf is validated when the clock is set back', async () => {
    const verifier = createVerifier(world.options)
    const token = await world.issuer.issue({ jkt: world.client.jkt, claims: { nbf: NOW } })
    const verify = async () => await verdictOf(verifier.verifyRequest(await world.request({ token })))
    expect(await verify()).toBe('accepted')
    world.clock.advance(-5)
    expect(await verify()).toBe('accepted')
    world.clock.advance(-1)
    expect(await verify()).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('its binding is validated: it is rejected with a proof of another client', async () => {
    const verifier = createVerifier(world.options)
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    const verify = async (request: PlainRequest) => await verdictOf(verifier.verifyRequest(request))
    expect(await verify(await world.request({ token }))).toBe('accepted')
    expect(await verify(await world.request({ token, client: world.attacker }))).toBe('ERR_DPOP_TOKEN_BINDING')
  })

  it('a rejected token is not cached', async () => {
    const verifier = createVerifier(world.options)
    const token = await world.issuer.issue({ jkt: world.client.jkt, claims: { nbf: NOW + 60 } })
    const verify = async () => await verdictOf(verifier.verifyRequest(await world.request({ token })))
    expect(await verify()).toBe('ERR_DPOP_TOKEN_INVALID')
    world.clock.advance(60)
    expect(await verify()).toBe('accepted')
  })
})

describe('scopes (RFC 8693 §4.2)', () => {
  it.each([
    [undefined, []],
    ['a b', ['a', 'b']],
    ['  a  b ', ['a', 'b']],
    ['', []],
    [
      ['a', 'b'],
      ['a', 'b']
    ],
    [
      ['a', 1, '', null, 'b c'],
      ['a', 'b c']
    ],
    [7, []],
    [{ a: 1 }, []],
    [null, []]
  ])('scope %j is %j', async (scope, expected) => {
    const request = await world.request({ tokenSpec: { claims: { scope } } })
    expect((await createVerifier(world.options).verifyRequest(request)).scopes).toEqual(expected)
  })
})
