import { generateKeyPairSync } from 'node:crypto'
import { calculateJwkThumbprint } from 'jose'
import { describe, expect, it } from 'vitest'
import { type ProofAlgorithm, proofAlgorithms } from '../../src/crypto/crypto.js'
import { readProofJwk, thumbprint } from '../../src/proof/proof-key.js'

const ec = (namedCurve: string) => generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' })
/** Any octets of the correct size are a public key of ML-DSA (FIPS 204 §7.2). */
const akp = (alg: string, octets: number) => ({ kty: 'AKP', alg, pub: Buffer.alloc(octets, 7).toString('base64url') })
const keys = {
  'P-256': ec('P-256'),
  'P-384': ec('P-384'),
  'P-521': ec('P-521'),
  Ed25519: generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' }),
  Ed448: generateKeyPairSync('ed448').publicKey.export({ format: 'jwk' }),
  X25519: generateKeyPairSync('x25519').publicKey.export({ format: 'jwk' }),
  secp256k1: ec('secp256k1'),
  RSA: generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey.export({ format: 'jwk' }),
  'ML-DSA-44': akp('ML-DSA-44', 1312),
  'ML-DSA-65': akp('ML-DSA-65', 1952),
  'ML-DSA-87': akp('ML-DSA-87', 2592)
} as Record<string, Record<string, string>>
const p256 = keys['P-256'] as { kty: string; crv: string; x: string; y: string }
const rsa = keys['RSA'] as { kty: string; n: string; e: string }

const kinds: Record<ProofAlgorithm, string> = {
  ...{ ES256: 'P-256', ES384: 'P-384', ES512: 'P-521', EdDSA: 'Ed25519', Ed25519: 'Ed25519' },
  ...{ PS256: 'RSA', PS384: 'RSA', PS512: 'RSA', RS256: 'RSA', RS384: 'RSA', RS512: 'RSA' },
  ...{ 'ML-DSA-44': 'ML-DSA-44', 'ML-DSA-65': 'ML-DSA-65', 'ML-DSA-87': 'ML-DSA-87' }
}

function isRead(jwk: unknown, alg: ProofAlgorithm = 'ES256'): boolean {
  try {
    readProofJwk(jwk, alg)
    return true
  } catch (reason) {
    expect(reason).toMatchObject({ code: 'ERR_DPOP_PROOF_JWK' })
    return false
  }
}
/** An RSA key with a modulus of this length, or with this modulus or exponent. The modulus need not be a product of two primes. */
const rsaOf = (extra: { bits?: number; n?: Uint8Array; e?: Uint8Array }) => {
  const { bits = 2048, e = Uint8Array.of(1, 0, 1) } = extra
  const octets = new Uint8Array(Math.ceil(bits / 8)).fill(0xff)
  octets[0] = 0xff >> (octets.length * 8 - bits)
  return {
    kty: 'RSA',
    n: Buffer.from(extra.n ?? octets).toString('base64url'),
    e: Buffer.from(e).toString('base64url')
  }
}

describe('an algorithm has one key type, and one curve or size (RFC 7518 §3.4, RFC 8037 §3.1, RFC 9964 §5)', () => {
  it.each(proofAlgorithms)('%s accepts only its own keys', (alg) => {
    for (const [kind, jwk] of Object.entries(keys)) expect([kind, isRead(jwk, alg)]).toEqual([kind, kind === kinds[alg]])
  })
})

describe('the jwk is a public key (RFC 9449 §4.3 check 7)', () => {
  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])('rejects a private member with any value: %s', (member) => {
    for (const value of ['x', '', null, undefined, 0]) {
      expect(isRead({ ...p256, [member]: value })).toBe(false)
      expect(isRead({ ...rsa, [member]: value }, 'RS256')).toBe(false)
    }
  })

  const others: unknown[] = [
    undefined,
    null,
    'x',
    1,
    true,
    [],
    [p256],
    {},
    { ...p256, kty: 'ec' },
    { ...p256, kty: undefined },
    { ...p256, crv: ['P-256'] }
  ]
  it.each(others.map((jwk) => [jwk]))('rejects %j', (jwk) => {
    expect(isRead(jwk)).toBe(false)
  })
})

describe('coordinates have the full size of the curve and the canonical encoding (RFC 7518 §6.2.1.2)', () => {
  it.each([
    undefined,
    null,
    1,
    '',
    `${p256.x}=`,
    ` ${p256.x}`,
    p256.x.slice(1),
    p256.x.slice(0, -1),
    `A${p256.x}`,
    `${p256.x.slice(0, -1)}B`,
    p256.x.replace(/.$/, '+'),
    Buffer.from([0, ...Buffer.from(p256.x, 'base64url')]).toString('base64url'),
    Buffer.from(p256.x, 'base64url').subarray(1).toString('base64url')
  ])('rejects the coordinate %j', (value) => {
    expect(isRead({ ...p256, x: value })).toBe(false)
    expect(isRead({ ...p256, y: value })).toBe(false)
    expect(isRead({ ...keys['Ed25519'], x: value }, 'EdDSA')).toBe(false)
  })
})

describe('RSA keys (RFC 7518 §3.3, §6.3.1)', () => {
  it.each([
    [2047, false],
    [2048, true],
    [2049, true],
    [4096, true],
    [8192, true],
    [8193, false],
    [16_384, false],
    [1024, false]
  ])('a modulus of %i bits: %s', (bits, expected) => {
    expect(isRead(rsaOf({ bits }), 'RS256')).toBe(expected)
  })

  it('rejects a modulus with a leading zero octet, which changes the thumbprint, and an even, empty or padded one', () => {
    const n = new Uint8Array(256).fill(0xff)
    expect(isRead(rsaOf({ n }), 'PS256')).toBe(true)
    expect(isRead(rsaOf({ n: new Uint8Array([0, ...n]) }), 'PS256')).toBe(false)
    expect(isRead(rsaOf({ n: n.with(255, 0xfe) }), 'PS256')).toBe(false)
    expect(isRead(rsaOf({ n: new Uint8Array(0) }), 'PS256')).toBe(false)
    expect(isRead({ ...rsa, n: `${rsa.n}=` }, 'PS256')).toBe(false)
    expect(isRead({ ...rsa, n: undefined }, 'PS256')).toBe(false)
  })

  it.each([
    [[1, 0, 1], true],
    [[3], true],
    [[255, 255, 255, 255], true],
    [[1], false],
    [[2], false],
    [[1, 0, 0], false],
    [[], false],
    [[0], false],
    [[0, 1, 0, 1], false],
    [[1, 0, 0, 0, 1], false]
  ])('an exponent of %j: %s', (e, expected) => {
    expect(isRead(rsaOf({ e: Uint8Array.from(e) }), 'RS256')).toBe(expected)
  })

  it('rejects an exponent that is not a string', () => {
    expect(isRead({ ...rsa, e: 65_537 }, 'RS256')).toBe(false)
    expect(isRead({ ...rsa, e: undefined }, 'RS256')).toBe(false)
  })
})

describe('use, key_ops and alg, if present, must permit verification (RFC 7517 §4.2 to §4.4)', () => {
  it.each([
    [{ use: 'sig' }, true],
    [{ use: 'enc' }, false],
    [{ use: null }, false],
    [{ key_ops: ['verify'] }, true],
    [{ key_ops: ['sign', 'verify'] }, true],
    [{ key_ops: ['sign'] }, false],
    [{ key_ops: [] }, false],
    [{ key_ops: 'verify' }, false],
    [{ key_ops: null }, false],
    [{ alg: 'ES256' }, true],
    [{ alg: 'ES384' }, false],
    [{ alg: 'EdDSA' }, false],
    [{ alg: null }, false],
    [{ kid: 1, x5c: 'x', x5u: 'https://evil.example', jku: 'x', unknown: {} }, true]
  ])('%j: %s', (extra, expected) => {
    expect(isRead({ ...p256, ...extra })).toBe(expected)
  })

  it('EdDSA and Ed25519 are names of one algorithm (RFC 9864 §2.2)', () => {
    for (const alg of ['EdDSA', 'Ed25519'] as const)
      for (const own of ['EdDSA', 'Ed25519', undefined]) expect(isRead({ ...keys['Ed25519'], alg: own }, alg)).toBe(true)
    expect(isRead({ ...keys['Ed25519'], alg: 'ES256' }, 'EdDSA')).toBe(false)
  })
})

describe('the thumbprint covers only the required members (RFC 7638 §3.2)', () => {
  it.each(proofAlgorithms)('%s: equals that of jose, with further members in any order', async (alg) => {
    const jwk = keys[kinds[alg]] as Record<string, string>
    const disordered = Object.fromEntries(Object.entries({ zzz: 1, use: 'sig', kid: 'k', ...jwk }).reverse())
    const read = readProofJwk(disordered, alg)
    expect(await thumbprint(read)).toBe(await calculateJwkThumbprint(jwk))
    expect(Object.keys(read).toSorted()).toEqual(Object.keys(jwk).toSorted())
  })

  it('equals that of the example in RFC 7638 §3.1', async () => {
    const n =
      '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
    const jwk = readProofJwk({ kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' }, 'RS256')
    expect(await thumbprint(jwk)).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  })

  it('equals that of the example in RFC 8037 §A.3', async () => {
    const jwk = readProofJwk({ kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }, 'EdDSA')
    expect(await thumbprint(jwk)).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
  })
})
