import { createVerifier } from 'dpop-guard'
import { createTestClient, type TestClient } from 'dpop-guard/testing'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { platform } from '../../src/crypto/node.js'
import { BASE_URL, createWorld, encode, NOW, NOW_MS, type RequestSpec, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(() => world.clock.set(NOW_MS))

const verdict = async (spec: RequestSpec, proof: Parameters<typeof createVerifier>[0]['proof'] = {}) =>
  await verdictOf(createVerifier({ ...world.options, proof: proof as object }).verifyRequest(await world.request(spec)))

/** The outcome of an otherwise valid request with a changed proof. */
async function withProof(rewrite: (header: string, payload: string, signature: string) => string, extra = {}): Promise<string> {
  const request = await world.request()
  const headers = request.headers as Record<string, string>
  const [header, payload, signature] = (headers['DPoP'] as string).split('.') as [string, string, string]
  const changed = { ...request, headers: { ...headers, DPoP: rewrite(header, payload, signature) } }
  return await verdictOf(createVerifier({ ...world.options, ...extra }).verifyRequest(changed))
}

describe('check 2: the proof is a well-formed JWT (RFC 9449 §4.3)', () => {
  it.each<[string, (h: string, p: string, s: string) => string]>([
    ['one segment', (h) => h],
    ['two segments', (h, p) => `${h}.${p}`],
    ['no signature', (h, p) => `${h}.${p}.`],
    ['four segments', (h, p, s) => `${h}.${p}.${s}.${s}`],
    ['a header that is not base64url', (_h, p, s) => `!.${p}.${s}`],
    ['a header with padding', (h, p, s) => `${h}=.${p}.${s}`],
    ['a payload with padding', (h, p, s) => `${h}.${p}=.${s}`],
    ['a signature with padding', (h, p, s) => `${h}.${p}.${s}==`],
    [
      'a signature with a non-canonical last character',
      (h, p, s) => `${h}.${p}.${s.slice(0, -1)}${s.endsWith('A') ? 'B' : `${s.at(-1)}`.replace(/./, 'x')}`
    ],
    ['a header that is a list', (_h, p, s) => `${encode('[]')}.${p}.${s}`],
    ['a payload that is a list', (h, _p, s) => `${h}.${encode('[]')}.${s}`],
    ['a payload that is not JSON', (h, _p, s) => `${h}.${encode('{')}.${s}`],
    ['JSON serialization', (h, p, s) => JSON.stringify({ protected: h, payload: p, signature: s }).replaceAll(',', ' ')]
  ])('rejects %s', async (_title, rewrite) => {
    expect(await withProof(rewrite)).toBe('ERR_DPOP_PROOF_MALFORMED')
  })

  it('rejects a proof longer than maxBytes', async () => {
    expect(await verdict({ claims: { x: 'x'.repeat(1000) } }, { maxBytes: 1024 })).toBe('ERR_DPOP_PROOF_MALFORMED')
    expect(await verdict({ claims: { x: 'x'.repeat(1000) } })).toBe('accepted')
    expect(await verdict({ claims: { x: 'x'.repeat(8192) } })).toBe('ERR_DPOP_PROOF_MALFORMED')
    expect(await verdict({ claims: { x: 'x'.repeat(8192) } }, { maxBytes: 65_536 })).toBe('accepted')
    const [request, same] = [await world.request(), await world.request()]
    const { length } = (request.headers as Record<string, string>)['DPoP'] as string
    const verify = (maxBytes: number, of: typeof request) =>
      verdictOf(createVerifier({ ...world.options, proof: { maxBytes } }).verifyRequest(of))
    expect(await verify(length, request)).toBe('accepted')
    expect(await verify(length - 1, same)).toBe('ERR_DPOP_PROOF_MALFORMED')
  })

  it.each([{ crit: ['exp'] }, { crit: [] }, { crit: null }, { b64: true }, { b64: false, crit: ['b64'] }, { b64: null }])(
    'rejects header extensions: %j (RFC 7515 §4.1.11, RFC 7797 §7)',
    async (extra) => {
      const header = { typ: 'dpop+jwt', alg: 'ES256', jwk: world.client.publicJwk, ...extra }
      expect(await withProof((_h, p, s) => `${encode(header)}.${p}.${s}`)).toBe('ERR_DPOP_PROOF_MALFORMED')
    }
  )
})

describe('check 3: the required claims are present and have their types', () => {
  it.each<Record<string, unknown>>([
    ...['jti', 'htm', 'htu', 'iat', 'ath'].map((claim) => ({ [claim]: undefined })),
    ...['', 1, true, null, {}, ['x'], 'x'.repeat(257)].map((jti) => ({ jti })),
    ...[null, 1, ['GET']].map((htm) => ({ htm })),
    ...[null, 1, [BASE_URL]].map((htu) => ({ htu })),
    ...[null, String(NOW), true, [NOW], 1e300, -1e300].map((iat) => ({ iat })),
    ...[null, 1, []].map((ath) => ({ ath })),
    ...[null, String(NOW + 60), {}, 1e300].map((exp) => ({ exp })),
    ...[null, String(NOW), [], 1e300].map((nbf) => ({ nbf }))
  ])('rejects %j', async (claims) => {
    expect(await verdict({ claims })).toBe('ERR_DPOP_PROOF_CLAIMS')
  })

  it.each<Record<string, unknown>>([
    { jti: 'x' },
    { jti: 'é'.repeat(256) },
    { iat: NOW + 0.5 },
    { unknown: {} },
    { nonce: 7 },
    { nonce: null }
  ])('accepts %j', async (claims) => {
    expect(await verdict({ claims })).toBe('accepted')
  })

  it('rejects a number that overflows to infinity', async () => {
    const claims = `{"jti":"x","htm":"GET","htu":"${BASE_URL}/notes","ath":"x","iat":1e999}`
    expect(await withProof((h, _p, s) => `${h}.${encode(claims)}.${s}`)).toBe('ERR_DPOP_PROOF_CLAIMS')
  })
})

describe('check 4: typ is dpop+jwt', () => {
  it.each(['jwt', 'at+jwt', 'DPoP+JWT', 'application/dpop+jwt', 'dpop+jwt ', '', null, undefined, ['dpop+jwt']])(
    'rejects typ %j',
    async (typ) => {
      const header = { typ, alg: 'ES256', jwk: world.client.publicJwk }
      expect(await withProof((_h, p, s) => `${encode(header)}.${p}.${s}`)).toBe('ERR_DPOP_PROOF_TYP')
    }
  )
})

describe('check 5: alg is acceptable', () => {
  it.each(['none', 'None', 'HS256', 'RS256', 'es256', 'ES256K', '', null, undefined, ['ES256'], '__proto__', 'constructor'])(
    'rejects alg %j',
    async (alg) => {
      const header = { typ: 'dpop+jwt', alg, jwk: world.client.publicJwk }
      expect(await withProof((_h, p, s) => `${encode(header)}.${p}.${s}`)).toBe('ERR_DPOP_PROOF_ALG')
    }
  )

  it('rejects algorithms that are not configured', async () => {
    expect(await verdict({}, { algorithms: ['ES384', 'RS256'] })).toBe('ERR_DPOP_PROOF_ALG')
    const client = await createTestClient({ alg: 'RS256', clock: world.clock })
    expect(await verdict({ client })).toBe('ERR_DPOP_PROOF_ALG')
    expect(await verdict({ client }, { algorithms: ['RS256'] })).toBe('accepted')
  })
})

describe('check 6: the signature verifies with the key in the header', () => {
  it('rejects a signature of another key, and a changed signature, payload or header', async () => {
    const jwk = world.attacker.publicJwk
    const cnf = { jkt: world.attacker.jkt }
    // The token is bound to the key of the attacker, which is in the header; the signature is made with the key of the client.
    expect(await verdict({ header: { jwk }, tokenSpec: { claims: { cnf } } })).toBe('ERR_DPOP_PROOF_SIGNATURE')
    expect(await withProof((h, p, s) => `${h}.${p}.${s.startsWith('A') ? 'B' : 'A'}${s.slice(1)}`)).toBe(
      'ERR_DPOP_PROOF_SIGNATURE'
    )
    const claims = (payload: string) => JSON.parse(Buffer.from(payload, 'base64url').toString())
    expect(await withProof((h, p, s) => `${h}.${encode({ ...claims(p), jti: 'other' })}.${s}`)).toBe('ERR_DPOP_PROOF_SIGNATURE')
    expect(await withProof((h, p, s) => `${encode({ ...claims(h), extra: 1 })}.${p}.${s}`)).toBe('ERR_DPOP_PROOF_SIGNATURE')
  })

  it('rejects a key that the platform cannot import with ERR_DPOP_PROOF_JWK', async () => {
    const offCurve = { ...world.client.publicJwk, y: world.client.publicJwk['x'] }
    const { calculateJwkThumbprint } = await import('jose')
    const cnf = { jkt: await calculateJwkThumbprint(offCurve as never) }
    expect(await verdict({ header: { jwk: offCurve }, tokenSpec: { claims: { cnf } } })).toBe('ERR_DPOP_PROOF_JWK')
  })

  it('ignores kid, jku, x5u and x5c (RFC 8725 §3.10)', async () => {
    const header = { kid: 'x', jku: 'https://evil.example/', x5u: 'https://evil.example/', x5c: ['x'] }
    expect(await verdict({ header })).toBe('accepted')
  })

  it.each(['inline', 'pool', 'auto'] as const)(
    'accepts the first and later proofs of a key, and rejects an invalid signature, with signatureThreads: %s',
    async (signatureThreads) => {
      const verifier = createVerifier({ ...world.options, signatureThreads })
      for (const expected of ['accepted', 'accepted'])
        expect(await verdictOf(verifier.verifyRequest(await world.request()))).toBe(expected)
      const request = await world.request()
      const headers = request.headers as Record<string, string>
      const changed = { ...request, headers: { ...headers, DPoP: headers['DPoP']?.replace(/.{8}$/, 'AAAAAAAA') as string } }
      expect(await verdictOf(verifier.verifyRequest(changed))).toBe('ERR_DPOP_PROOF_SIGNATURE')
    }
  )
})

describe('check 8: htm equals the method, case-sensitively (RFC 9110 §9.1)', () => {
  it.each(['get', 'POST', 'GET ', '', 'HEAD'])('rejects htm %j for GET', async (htm) => {
    expect(await verdict({ claims: { htm } })).toBe('ERR_DPOP_PROOF_HTM')
  })
  it.each(['PROPFIND', 'PATCH', 'M-SEARCH', 'HEAD'])('accepts the method %s', async (method) => {
    expect(await verdict({ method })).toBe('accepted')
  })
})

describe('check 11: iat is within the time window, inclusive', () => {
  it.each([
    [-300, 'accepted'],
    [-301, 'ERR_DPOP_PROOF_IAT'],
    [-300.5, 'ERR_DPOP_PROOF_IAT'],
    [30, 'accepted'],
    [30.5, 'ERR_DPOP_PROOF_IAT'],
    [31, 'ERR_DPOP_PROOF_IAT']
  ])('iat %d seconds from now: %s', async (seconds, expected) => {
    expect(await verdict({ claims: { iat: NOW + seconds } })).toBe(expected)
    world.clock.advance(0.999)
    expect(await verdict({ claims: { iat: NOW + seconds } })).toBe(expected)
  })

  it('uses the configured window', async () => {
    const narrow = { maxAgeSeconds: 60, maxFutureSeconds: 0 }
    expect(await verdict({ claims: { iat: NOW - 60 } }, narrow)).toBe('accepted')
    expect(await verdict({ claims: { iat: NOW - 61 } }, narrow)).toBe('ERR_DPOP_PROOF_IAT')
    expect(await verdict({ claims: { iat: NOW + 1 } }, narrow)).toBe('ERR_DPOP_PROOF_IAT')
  })

  it.each([
    [{ exp: NOW - 29 }, 'accepted'],
    [{ exp: NOW - 30 }, 'ERR_DPOP_PROOF_IAT'],
    [{ exp: 0 }, 'ERR_DPOP_PROOF_IAT'],
    [{ nbf: NOW + 30 }, 'accepted'],
    [{ nbf: NOW + 31 }, 'ERR_DPOP_PROOF_IAT'],
    [{ nbf: NOW, exp: NOW + 300 }, 'accepted']
  ])('exp and nbf, if present, are validated with the same tolerance: %j %s (RFC 7519 §4.1.4)', async (claims, expected) => {
    expect(await verdict({ claims })).toBe(expected)
  })
})

describe('check 12a: ath is the hash of the access token', () => {
  it.each<[string, (ath: string) => string]>([
    ['padded', (ath) => `${ath}=`],
    ['in hex', (ath) => Buffer.from(ath, 'base64url').toString('hex')],
    ['in base64', (ath) => Buffer.from(ath, 'base64url').toString('base64')],
    ['empty', () => ''],
    ['the hash of another string', () => '47DEQpj8HBSa-_TImW-5JCeuQeRkm5NMpJWZG3hSuFU']
  ])('rejects an ath that is %s', async (_title, change) => {
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    const ath = (await platform.sha256(token)) as string
    expect(await verdict({ token, claims: { ath } })).toBe('accepted')
    expect(await verdict({ token, claims: { ath: change(ath) } })).toBe('ERR_DPOP_PROOF_ATH')
  })
})

describe('the header of a verified proof is cached', () => {
  const requestOf = (client: TestClient) => world.request({ client })

  it('and the key is imported once for all proofs of a client', async () => {
    const verifier = createVerifier(world.options)
    await verifier.verifyRequest(await world.request())
    const importKey = vi.spyOn(platform, 'importKey')
    const client = await createTestClient({ clock: world.clock })
    for (let i = 0; i < 5; i++) expect(await verdictOf(verifier.verifyRequest(await requestOf(client)))).toBe('accepted')
    expect(importKey).toHaveBeenCalledOnce()
    importKey.mockRestore()
  })

  it('but not that of a proof with an invalid signature', async () => {
    const verifier = createVerifier(world.options)
    await verifier.verifyRequest(await requestOf(world.attacker))
    const importKey = vi.spyOn(platform, 'importKey')
    const request = await world.request()
    const headers = request.headers as Record<string, string>
    const changed = { ...request, headers: { ...headers, DPoP: headers['DPoP']?.replace(/.{8}$/, 'AAAAAAAA') as string } }
    for (let i = 0; i < 3; i++) expect(await verdictOf(verifier.verifyRequest(changed))).toBe('ERR_DPOP_PROOF_SIGNATURE')
    expect(importKey).toHaveBeenCalledTimes(3)
    importKey.mockRestore()
  })
})
