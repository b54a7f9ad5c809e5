/** Proofs and access tokens with ML-DSA (RFC 9964), from the options to the response. */

import { once } from 'node:events'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createVerifier, isDPoPError, type PlainRequest, type VerifierOptions } from 'dpop-guard'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { calculateJwkThumbprint } from 'jose'
import { afterEach, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { platform } from '#crypto'
import { runCommand } from '../src/cli/explain-command.js'
import { type PostQuantumAlgorithm, postQuantumAlgorithms } from '../src/crypto/crypto.js'
import { readProofJwk, thumbprint } from '../src/proof/proof-key.js'
import { createMlDsaKey, type MlDsaKey, provideMlDsa } from './support/ml-dsa.js'
import { BASE_URL, createWorld, encode, eventOf, ISSUER, NOW, verdictOf, type World } from './support/world.js'

/** RFC 9964 §5: the octets of a public key and of a signature. */
const sizes: readonly [alg: PostQuantumAlgorithm, publicKey: number, signature: number][] = [
  ['ML-DSA-44', 1312, 2420],
  ['ML-DSA-65', 1952, 3309],
  ['ML-DSA-87', 2592, 4627]
]

let world: World
const keys = {} as Record<PostQuantumAlgorithm, MlDsaKey>
/** A valid request of each key. */
const valid = {} as Record<PostQuantumAlgorithm, PlainRequest>
beforeAll(async () => {
  world = await createWorld()
  for (const alg of postQuantumAlgorithms) {
    keys[alg] = await createMlDsaKey(alg)
    valid[alg] = await requestOf(keys[alg])
  }
})
beforeEach(() => provideMlDsa())
afterEach(() => void vi.restoreAllMocks())

const hashOf = async (token: string): Promise<string> => await platform.sha256(token)
const octetsOf = (encoded: string): Buffer => Buffer.from(encoded, 'base64url')

/** How a request differs from a valid one. */
interface Difference {
  readonly header?: object
  readonly claims?: object
  readonly token?: string
  readonly signature?: (signature: Uint8Array, input: string) => Uint8Array
}

/** A request with a proof of this key. */
async function requestOf(key: MlDsaKey, difference: Difference = {}): Promise<PlainRequest> {
  const { header, claims, signature = (same) => same } = difference
  const token = difference.token ?? (await world.issuer.issue({ jkt: key.jkt }))
  const payload = {
    jti: crypto.randomUUID(),
    htm: 'GET',
    htu: `${BASE_URL}/notes`,
    iat: NOW,
    ath: await hashOf(token),
    ...claims
  }
  const input = `${encode({ alg: key.alg, typ: 'dpop+jwt', jwk: key.jwk, ...header })}.${encode(payload)}`
  const DPoP = `${input}.${Buffer.from(signature(key.sign(input), input)).toString('base64url')}`
  return { method: 'GET', target: '/notes', headers: { Authorization: `DPoP ${token}`, DPoP } }
}

const create = (options: Partial<VerifierOptions> = {}) =>
  createVerifier({ ...world.options, proof: { algorithms: ['ES256', ...postQuantumAlgorithms] }, ...options })

/** The verdict of a new verifier, and that of one that has cached the key. */
async function verdictsOf(key: MlDsaKey, difference: Difference): Promise<string[]> {
  const verifier = create()
  const request = await requestOf(key, difference)
  const first = await verdictOf(verifier.verifyRequest(request))
  await verifier.verifyRequest(valid[key.alg])
  const second = first === 'accepted' ? await requestOf(key, difference) : request
  return [first, await verdictOf(verifier.verifyRequest(second))]
}

describe('a proof', () => {
  it.each(postQuantumAlgorithms)('with %s is accepted once, in addition to ES256 (RFC 9964 §4)', async (alg) => {
    const verifier = create()
    const request = await requestOf(keys[alg])
    const auth = await verifier.verifyRequest(request)
    expect(auth?.proof?.jkt).toBe(keys[alg].jkt)
    expect(await verdictOf(verifier.verifyRequest(request))).toBe('ERR_DPOP_PROOF_REPLAYED')
    expect(await verdictOf(verifier.verifyRequest(await requestOf(keys[alg])))).toBe('accepted')
    expect(await verdictOf(verifier.verifyRequest(await world.request()))).toBe('accepted')
  })

  it('is rejected if the token is bound to another key', async () => {
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    expect(await verdictsOf(keys['ML-DSA-44'], { token })).toEqual(['ERR_DPOP_TOKEN_BINDING', 'ERR_DPOP_TOKEN_BINDING'])
  })

  it('imports the key of a client once, for headers of any accepted length', async () => {
    const verifier = create()
    const key = keys['ML-DSA-87']
    await verifier.verifyRequest(await requestOf(key))
    const importKey = vi.spyOn(platform, 'importKey').mockClear()
    await verifier.verifyRequest(await requestOf(key))
    expect(importKey).not.toHaveBeenCalled()
    await verifier.verifyRequest(await requestOf(key, { header: { kid: 'k'.repeat(1000) } }))
    await verifier.verifyRequest(await requestOf(key, { header: { kid: 'k'.repeat(1000) } }))
    expect(importKey).toHaveBeenCalledTimes(2)
  })

  it.each<[PostQuantumAlgorithm, place: string]>([
    ['ML-DSA-44', 'on the event loop'],
    ['ML-DSA-65', 'in the thread pool'],
    ['ML-DSA-87', 'in the thread pool']
  ])('with %s is verified %s, if it is the only one', async (alg, place) => {
    const [inline, pooled] = [
      vi.spyOn(platform, 'verify').mockClear(),
      vi.spyOn(platform, 'verifyInPool' as 'verify').mockClear()
    ]
    await create().verifyRequest(valid[alg])
    const countOf = ({ mock }: typeof inline) => mock.calls.filter(([used]) => used === alg).length
    expect([countOf(inline), countOf(pooled)]).toEqual(place === 'in the thread pool' ? [0, 1] : [1, 0])
  })
})

describe('the key of a proof', () => {
  const change = (members: object) => (key: MlDsaKey) => ({ ...key.jwk, ...members })
  const pub = (make: (octets: Buffer) => Uint8Array) => (key: MlDsaKey) => ({
    ...key.jwk,
    pub: Buffer.from(make(octetsOf(key.jwk.pub))).toString('base64url')
  })
  /** Those that differ in one member. */
  const invalid: [title: string, rule: string, jwkOf: (key: MlDsaKey) => object][] = [
    ['no alg', 'Q-03', change({ alg: undefined })],
    ['alg null', 'Q-03', change({ alg: null })],
    ['the alg ES256', 'Q-03', change({ alg: 'ES256' })],
    ['the alg of another case', 'Q-03', ({ jwk }) => ({ ...jwk, alg: jwk.alg.toLowerCase() })],
    [
      'the alg of another size',
      'Q-03',
      ({ jwk, alg }) => ({ ...jwk, alg: postQuantumAlgorithms.find((other) => other !== alg) })
    ],
    ['priv', 'Q-03', change({ priv: 'A'.repeat(43) })],
    ['priv, empty', 'Q-03', change({ priv: '' })],
    ['d', 'Q-03', change({ d: 'A'.repeat(43) })],
    ['no kty', 'Q-03', change({ kty: undefined })],
    ['the kty OKP', 'Q-03', change({ kty: 'OKP' })],
    ['the kty akp', 'Q-03', change({ kty: 'akp' })],
    ['no pub', 'Q-03', change({ pub: undefined })],
    ['a pub that is a number', 'Q-06', change({ pub: 1 })],
    ['an empty pub', 'Q-04 Q-06', change({ pub: '' })],
    ['a pub of one octet less', 'Q-04 Q-06', pub((octets) => octets.subarray(1))],
    ['a pub of one octet more', 'Q-04 Q-06', pub((octets) => Buffer.concat([octets, Buffer.of(0)]))],
    ['a pub with padding', 'Q-06', ({ jwk }) => ({ ...jwk, pub: `${jwk.pub}=` })],
    ['a pub in base64', 'Q-06', ({ jwk }) => ({ ...jwk, pub: jwk.pub.replace(/^./, '+') })],
    ['a pub with white space', 'Q-06', ({ jwk }) => ({ ...jwk, pub: ` ${jwk.pub}` })],
    ['the use enc', 'Q-06', change({ use: 'enc' })],
    ['the key_ops sign', 'Q-06', change({ key_ops: ['sign'] })]
  ]

  describe.each(postQuantumAlgorithms)('%s', (alg) => {
    it.each(invalid)('is rejected with %s (RFC 9964 §3, §5, §7.3) [%s]', async (_title, _rule, jwkOf) => {
      const jwk = jwkOf(keys[alg])
      expect(await verdictsOf(keys[alg], { header: { jwk } })).toEqual(['ERR_DPOP_PROOF_JWK', 'ERR_DPOP_PROOF_JWK'])
    })

    it('is accepted with members that only describe it (RFC 7638 §3.2.2) [Q-03]', async () => {
      const jwk = { kid: 'k', use: 'sig', key_ops: ['verify'], ...keys[alg].jwk, crv: 'P-256', x: 'x', unknown: {} }
      expect(await verdictsOf(keys[alg], { header: { jwk } })).toEqual(['accepted', 'accepted'])
    })

    it('has no non-canonical encoding (RFC 7515 §2, RFC 4648 §3.5) [Q-06]', () => {
      const { pub: canonical } = keys[alg].jwk
      const spareBits = { 'ML-DSA-44': 4, 'ML-DSA-65': 2, 'ML-DSA-87': 0 }[alg]
      const last = canonical.at(-1) as string
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      const others = [...alphabet].filter(
        (char) => char !== last && octetsOf(canonical.slice(0, -1) + char).equals(octetsOf(canonical))
      )
      expect(others).toHaveLength(2 ** spareBits - 1)
      for (const char of others)
        expect(() => readProofJwk({ ...keys[alg].jwk, pub: canonical.slice(0, -1) + char }, alg)).toThrow(
          expect.objectContaining({ code: 'ERR_DPOP_PROOF_JWK' })
        )
    })
  })

  it('of another algorithm is rejected: EC, and ES256 with an AKP key [Q-03]', async () => {
    const key = keys['ML-DSA-44']
    expect((await verdictsOf(key, { header: { jwk: world.client.publicJwk } }))[0]).toBe('ERR_DPOP_PROOF_JWK')
    expect((await verdictsOf(key, { header: { alg: 'ES256' } }))[0]).toBe('ERR_DPOP_PROOF_JWK')
  })
})

describe.each(sizes)('a signature of %s has its size (RFC 9964 §5)', (alg, publicKeyOctets, signatureOctets) => {
  it('and so does its public key [Q-04]', () => {
    expect(octetsOf(keys[alg].jwk.pub)).toHaveLength(publicKeyOctets)
    expect(keys[alg].sign('x')).toHaveLength(signatureOctets)
  })

  it.each<[title: string, change: (signature: Uint8Array) => Uint8Array]>([
    ['one octet less at the end', (signature) => signature.subarray(0, -1)],
    ['one octet less at the start', (signature) => signature.subarray(1)],
    ['one octet more at the end', (signature) => Buffer.concat([signature, Buffer.of(0)])],
    ['one octet more at the start', (signature) => Buffer.concat([Buffer.of(0), signature])],
    ['all zeros', (signature) => new Uint8Array(signature.length)],
    ['another first bit', (signature) => Uint8Array.from(signature, (octet, i) => (i === 0 ? octet ^ 1 : octet))],
    [
      'a changed last bit',
      (signature) => Uint8Array.from(signature, (octet, i) => (i === signature.length - 1 ? octet ^ 1 : octet))
    ]
  ])('rejects: %s [Q-04]', async (_title, signature) => {
    expect(await verdictsOf(keys[alg], { signature })).toEqual(['ERR_DPOP_PROOF_SIGNATURE', 'ERR_DPOP_PROOF_SIGNATURE'])
  })

  it('rejects a signature of another key, of another input and of another algorithm [Q-04]', async () => {
    const attacker = await createMlDsaKey(alg)
    const other = keys[alg === 'ML-DSA-44' ? 'ML-DSA-65' : 'ML-DSA-44']
    for (const signature of [
      (_: Uint8Array, input: string) => attacker.sign(input),
      (_: Uint8Array, input: string) => other.sign(input),
      (_: Uint8Array, input: string) => keys[alg].sign(`${input}x`)
    ])
      expect(await verdictsOf(keys[alg], { signature })).toEqual(['ERR_DPOP_PROOF_SIGNATURE', 'ERR_DPOP_PROOF_SIGNATURE'])
  })

  it('rejects a signature with a non-empty context [Q-04]', async () => {
    const signature = (_: Uint8Array, input: string) => keys[alg].sign(input, Buffer.from('dpop+jwt'))
    expect(await verdictsOf(keys[alg], { signature })).toEqual(['ERR_DPOP_PROOF_SIGNATURE', 'ERR_DPOP_PROOF_SIGNATURE'])
    const empty = (_: Uint8Array, input: string) => keys[alg].sign(input, new Uint8Array(0))
    expect(await verdictsOf(keys[alg], { signature: empty })).toEqual(['accepted', 'accepted'])
  })
})

describe('the thumbprint of an AKP key is over alg, kty and pub (RFC 9964 §6)', () => {
  /** The keys of the examples of RFC 9964: their seed is 32 zeros, their `kid` is the thumbprint. */
  it.each<[PostQuantumAlgorithm, string]>([
    ['ML-DSA-44', 'T4xl70S7MT6Zeq6r9V9fPJGVn76wfnXJ21-gyo0Gu6o'],
    ['ML-DSA-65', 'Suiu29qbfuaBaR4Ats-c6XQBePB_OpAxAwcTR_0KXVM'],
    ['ML-DSA-87', 'tRn1JNIkgMsABVQBlXeDHxAIcclh-2IX0UdDEzPt5XU']
  ])('equals that of RFC 9964 Appendix A, and that of jose: %s [Q-05 T-02]', async (alg, expected) => {
    const { jwk } = await createMlDsaKey(alg, new Uint8Array(32))
    expect(await thumbprint(readProofJwk(jwk, alg))).toBe(expected)
    expect(await calculateJwkThumbprint({ ...jwk })).toBe(expected)
  })

  it('does not depend on other members, nor on their order [Q-05]', async () => {
    const { alg, jwk, jkt } = keys['ML-DSA-44']
    const disordered = { use: 'sig', pub: jwk.pub, kid: 'k', kty: 'AKP', alg }
    expect(await thumbprint(readProofJwk(disordered, alg))).toBe(jkt)
  })
})

/** The claims of an access token that is bound to a key. */
const claimsFor = (jkt: string) => ({
  ...{ iss: ISSUER, aud: BASE_URL, sub: 'user', client_id: 'client', jti: crypto.randomUUID() },
  ...{ iat: NOW, exp: NOW + 600, cnf: { jkt } }
})

describe('access tokens', () => {
  /** The verdict on a token of this issuer key, published as `jwk`. */
  async function tokenVerdict(issuerKey: MlDsaKey, jwk: object = issuerKey.jwk, header: object = {}): Promise<string> {
    const issuer = { issuer: ISSUER, jwks: { keys: [{ kid: 'k', ...jwk }] }, algorithms: [issuerKey.alg] }
    const client = keys['ML-DSA-44']
    const token = issuerKey.signJwt({ typ: 'at+jwt', kid: 'k', ...header }, claimsFor(client.jkt))
    return await verdictOf(create({ issuer }).verifyRequest(await requestOf(client, { token })))
  }

  it.each(postQuantumAlgorithms)('signed with %s are accepted with issuer.algorithms', async (alg) => {
    expect(await tokenVerdict(keys[alg])).toBe('accepted')
    expect(await tokenVerdict(keys[alg], { ...keys[alg].jwk, use: 'sig', key_ops: ['verify'] })).toBe('accepted')
  })

  it('are accepted with token.algorithms, also if the issuer has other keys', async () => {
    const key = keys['ML-DSA-65']
    const jwks = { keys: [...world.issuer.jwks.keys, { ...key.jwk, kid: 'pq' }] }
    const verifier = create({ issuer: { issuer: ISSUER, jwks }, token: { algorithms: ['ES256', 'ML-DSA-65'] } })
    const client = keys['ML-DSA-44']
    const token = key.signJwt({ typ: 'at+jwt', kid: 'pq' }, claimsFor(client.jkt))
    expect(await verdictOf(verifier.verifyRequest(await requestOf(client, { token })))).toBe('accepted')
    expect(await verdictOf(verifier.verifyRequest(await requestOf(client)))).toBe('accepted')
  })

  it.each<[title: string, change: (key: MlDsaKey) => object]>([
    ['no alg', ({ jwk }) => ({ ...jwk, alg: undefined })],
    ['another alg', ({ jwk }) => ({ ...jwk, alg: 'ML-DSA-65' })],
    ['another kty', ({ jwk }) => ({ ...jwk, kty: 'OKP' })],
    ['the use enc', ({ jwk }) => ({ ...jwk, use: 'enc' })]
  ])('are rejected if the published key has %s [Q-03]', async (_title, change) => {
    expect(await tokenVerdict(keys['ML-DSA-44'], change(keys['ML-DSA-44']))).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it.each<[title: string, change: (key: MlDsaKey) => object, cause: string]>([
    ['priv', ({ jwk }) => ({ ...jwk, priv: 'x' }), 'A private key was published'],
    ['no pub', ({ jwk }) => ({ ...jwk, pub: undefined }), 'The key has no pub'],
    [
      'a pub of one octet less',
      ({ jwk }) => ({ ...jwk, pub: octetsOf(jwk.pub).subarray(1).toString('base64url') }),
      'pub does not have the size of its alg'
    ],
    ['a pub with padding', ({ jwk }) => ({ ...jwk, pub: `${jwk.pub}=` }), 'pub does not have the size of its alg']
  ])('are 503 if the only key cannot be used, with %s [Q-03 Q-04 Q-06]', async (_title, change, message) => {
    const [key, client] = [keys['ML-DSA-87'], keys['ML-DSA-44']]
    const issuer = { issuer: ISSUER, jwks: { keys: [change(key) as Record<string, unknown>] }, algorithms: [key.alg] }
    const token = key.signJwt({ typ: 'at+jwt' }, claimsFor(client.jkt))
    const request = await requestOf(client, { token })
    expect(await eventOf(() => create({ issuer }).verifyRequest(request))).toMatchObject({
      code: 'ERR_DPOP_KEYS_UNAVAILABLE',
      cause: { errors: [{ message }] }
    })
    expect(await tokenVerdict(key)).toBe('accepted')
  })

  it('are rejected with a signature of another key', async () => {
    const attacker = await createMlDsaKey('ML-DSA-44')
    expect(await tokenVerdict(attacker, keys['ML-DSA-44'].jwk)).toBe('ERR_DPOP_TOKEN_INVALID')
  })
})

describe('the options', () => {
  it('do not accept ML-DSA by default, neither for proofs nor for access tokens', async () => {
    const verifier = createVerifier(world.options)
    expect(await verdictOf(verifier.verifyRequest(await requestOf(keys['ML-DSA-44'])))).toBe('ERR_DPOP_PROOF_ALG')
    const jwks = { keys: [keys['ML-DSA-44'].jwk] }
    const token = keys['ML-DSA-44'].signJwt({ typ: 'at+jwt' }, claimsFor(world.client.jkt))
    const request = await world.request({ token })
    const other = createVerifier({ ...world.options, issuer: { issuer: ISSUER, jwks } })
    expect(await eventOf(() => other.verifyRequest(request))).toEqual({
      code: 'ERR_DPOP_TOKEN_INVALID',
      reason: 'alg is "ML-DSA-44", accepted are ES256, ES384, ES512, EdDSA, Ed25519, PS256, PS384, PS512, RS256, RS384, RS512'
    })
  })

  const places: [name: string, optionsOf: (algorithms: readonly PostQuantumAlgorithm[]) => Partial<VerifierOptions>][] = [
    ['proof.algorithms', (algorithms) => ({ proof: { algorithms } })],
    ['token.algorithms', (algorithms) => ({ token: { algorithms } })],
    ['issuer.algorithms', (algorithms) => ({ issuer: { issuer: ISSUER, algorithms } })]
  ]

  it.each(places)('%s with ML-DSA is a TypeError on a runtime without it', (name, optionsOf) => {
    vi.spyOn(platform, 'supports').mockImplementation((alg) => alg === 'ML-DSA-44')
    expect(() => createVerifier({ ...world.options, ...optionsOf(['ML-DSA-44', 'ML-DSA-87']) })).toThrow(
      new TypeError(
        `"${name}" must be supported by this runtime, which has no ML-DSA-87; Node.js has it from 24.7, with OpenSSL 3.5`
      )
    )
    expect(() => createVerifier({ ...world.options, ...optionsOf(['ML-DSA-44']) })).not.toThrow()
  })

  it.each(places.slice(0, 2))('%s with ML-DSA is a TypeError under the FAPI 2.0 profile (§5.4.1)', (name, optionsOf) => {
    expect(() => createVerifier({ ...world.options, profile: 'fapi2', ...optionsOf(['ML-DSA-44']) })).toThrow(
      new TypeError(`"${name}" must contain only PS256, ES256, EdDSA, Ed25519`)
    )
  })

  it('platform.supports() is not called for algorithms that are not accepted', () => {
    const supports = vi.spyOn(platform, 'supports').mockClear()
    createVerifier(world.options)
    createVerifier({ ...world.options, proof: { algorithms: ['RS256'] } })
    expect(supports).not.toHaveBeenCalled()
  })

  it('challenges and metadata name the accepted algorithms (RFC 9449 §7.1, RFC 9728 §2)', async () => {
    const verifier = create({ proof: { algorithms: ['ML-DSA-65', 'ES256'] }, metadata: {} })
    const rejection: unknown = await verifier.verifyRequest({ method: 'GET', target: '/', headers: {} }).catch((error) => error)
    expect(isDPoPError(rejection) && rejection.headers['WWW-Authenticate']).toContain('algs="ML-DSA-65 ES256"')
    expect(verifier.resourceMetadata()).toMatchObject({ dpop_signing_alg_values_supported: ['ML-DSA-65', 'ES256'] })
  })
})

describe('proof.maxBytes', () => {
  const lengthOf = ({ headers }: PlainRequest) => (headers as { DPoP: string }).DPoP.length
  /** A request whose proof has this length. */
  async function requestOfLength(key: MlDsaKey, length: number): Promise<PlainRequest> {
    const empty = lengthOf(await requestOf(key, { claims: { note: '' } }))
    const note = Math.floor(((length - empty) * 3) / 4)
    for (let more = 0; more < 4; more++) {
      const request = await requestOf(key, { claims: { note: 'n'.repeat(note + more) } })
      if (lengthOf(request) >= length) return request
    }
    throw new Error('The length cannot be reached')
  }

  it.each<[PostQuantumAlgorithm, number]>([
    ['ML-DSA-44', 6100],
    ['ML-DSA-65', 8400],
    ['ML-DSA-87', 11_300]
  ])('a proof of %s has less than %i bytes [Q-07]', async (alg, expected) => {
    const length = lengthOf(await requestOf(keys[alg], { claims: { nonce: 'n'.repeat(43) } }))
    expect(length).toBeLessThan(expected)
    expect(length).toBeGreaterThan(expected - 300)
  })

  it('is 16 384 by default if ML-DSA is accepted, for all proofs, and 8192 otherwise [Q-07]', async () => {
    const key = keys['ML-DSA-87']
    expect(await verdictOf(create().verifyRequest(await requestOfLength(key, 16_380)))).toBe('accepted')
    expect(await eventOf(async () => create().verifyRequest(await requestOfLength(key, 16_385)))).toEqual({
      code: 'ERR_DPOP_PROOF_MALFORMED',
      reason: 'the proof is longer than proof.maxBytes (16384)'
    })
    const verifier = createVerifier(world.options)
    expect(await eventOf(async () => verifier.verifyRequest(await requestOf(key)))).toEqual({
      code: 'ERR_DPOP_PROOF_MALFORMED',
      reason: 'the proof is longer than proof.maxBytes (8192)'
    })
  })

  it('may be set to another value [Q-07]', async () => {
    const proof = { algorithms: ['ML-DSA-87'], maxBytes: 11_000 } as const
    expect(await verdictOf(create({ proof }).verifyRequest(await requestOf(keys['ML-DSA-87'])))).toBe('ERR_DPOP_PROOF_MALFORMED')
  })
})

describe('the limit of node:http for header fields', () => {
  /** The status of a server for a proof of ML-DSA-87, with a token that has a claim of this length. */
  async function statusOf(maxHeaderSize: number | undefined, claimLength: number): Promise<number> {
    const verifier = create()
    const server = createServer({ ...(maxHeaderSize !== undefined && { maxHeaderSize }) }, (request, response) => {
      verifier.verifyRequest(request).then(
        () => response.end(),
        (error) => response.writeHead(error.status).end()
      )
    })
    onTestFinished(() => void server.close())
    await once(server.listen(0, '127.0.0.1'), 'listening')
    const { port } = server.address() as AddressInfo
    const token = await world.issuer.issue({ jkt: keys['ML-DSA-87'].jkt, claims: { note: 'n'.repeat(claimLength) } })
    const { headers } = await requestOf(keys['ML-DSA-87'], { token })
    const response = await fetch(`http://127.0.0.1:${port}/notes`, { headers: headers as Record<string, string> })
    await response.body?.cancel()
    return response.status
  }

  it('suffices for the longest proof and a small token, and must be raised for longer tokens [Q-07]', async () => {
    expect(await statusOf(undefined, 0)).toBe(200)
    expect(await statusOf(undefined, 5000)).toBe(431)
    expect(await statusOf(32_768, 5000)).toBe(200)
  })
})

describe('verifier.explain()', () => {
  it('passes all checks of a valid proof', async () => {
    const checks = await create().explain(await requestOf(keys['ML-DSA-87']))
    expect(checks.filter(({ outcome }) => outcome === 'fail')).toEqual([])
    expect(checks.find(({ rule }) => rule === 'signature')).toMatchObject({ outcome: 'pass' })
  })

  it('names the check that fails', async () => {
    const failed = async (difference: Difference, options: Partial<VerifierOptions> = {}) => {
      const checks = await create(options).explain(await requestOf(keys['ML-DSA-44'], difference))
      return checks.filter(({ outcome }) => outcome === 'fail').map(({ rule }) => rule)
    }
    const { jwk } = keys['ML-DSA-44']
    expect(await failed({ header: { jwk: { ...jwk, alg: undefined } } })).toEqual(['jwk'])
    expect(await failed({ signature: (signature) => signature.subarray(1) })).toEqual(['signature'])
    expect(await failed({}, { proof: {} })).toEqual(['alg'])
  })
})

describe('dpop-guard explain', () => {
  /** The exit status, and what is printed, for a valid request of ML-DSA-44. */
  async function explain(): Promise<{ status: number; lines: string[] }> {
    const folder = await mkdtemp(join(tmpdir(), 'dpop-guard-'))
    onTestFinished(() => rm(folder, { recursive: true }))
    const file = join(folder, 'options.json')
    const { clock: _clock, ...options } = world.options
    await writeFile(file, JSON.stringify({ ...options, proof: { algorithms: ['ML-DSA-44'] } }))
    const { Authorization, DPoP } = valid['ML-DSA-44'].headers as { Authorization: string; DPoP: string }
    const lines: string[] = []
    const print = (line: string) => void lines.push(line)
    const readInput = async () =>
      `GET /notes HTTP/1.1\r\nHost: api.example\r\nAuthorization: ${Authorization}\r\nDPoP: ${DPoP}\r\n\r\n`
    const terminal = { readInput, print, printError: print, hasColors: false }
    return { status: await runCommand(['explain', '--options', file, '--at', String(NOW)], terminal), lines }
  }

  it('accepts a valid request if the options have the algorithm', async () => {
    const { status, lines } = await explain()
    expect([status, lines.at(-1)]).toEqual([0, 'accepted'])
  })

  it('prints that the runtime has no ML-DSA', async () => {
    vi.spyOn(platform, 'supports').mockReturnValue(false)
    const { status, lines } = await explain()
    expect(status).toBe(2)
    expect(lines[0]).toBe(
      'dpop-guard: "proof.algorithms" must be supported by this runtime, which has no ML-DSA-44; Node.js has it from 24.7, with OpenSSL 3.5'
    )
  })
})

describe('the testing kit', () => {
  it('throws a TypeError on a runtime without the algorithm', async () => {
    vi.spyOn(platform, 'supports').mockReturnValue(false)
    const message = '"alg" must be supported by this runtime, which has no ML-DSA-65; Node.js has it from 24.7, with OpenSSL 3.5'
    await expect(createTestClient({ alg: 'ML-DSA-65' })).rejects.toThrow(new TypeError(message))
    await expect(createTestIssuer({ alg: 'ML-DSA-65' })).rejects.toThrow(new TypeError(message))
  })
})
