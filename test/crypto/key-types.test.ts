import { describe, expect, it } from 'vitest'
import { type ProofAlgorithm, proofAlgorithms } from '../../src/crypto/crypto.js'
import { isOfType, isPrivate, isUsableFor, keyTypes } from '../../src/crypto/key-types.js'

/** A key of each type and curve, by name. */
const keys = {
  'P-256': { kty: 'EC', crv: 'P-256' },
  'P-384': { kty: 'EC', crv: 'P-384' },
  'P-521': { kty: 'EC', crv: 'P-521' },
  Ed25519: { kty: 'OKP', crv: 'Ed25519' },
  RSA: { kty: 'RSA' },
  AKP: { kty: 'AKP' }
}
const all: [ProofAlgorithm, keyof typeof keys, octets: number | undefined][] = [
  ['ES256', 'P-256', 32],
  ['ES384', 'P-384', 48],
  ['ES512', 'P-521', 66],
  ['EdDSA', 'Ed25519', 32],
  ['Ed25519', 'Ed25519', 32],
  ['PS256', 'RSA', undefined],
  ['PS384', 'RSA', undefined],
  ['PS512', 'RSA', undefined],
  ['RS256', 'RSA', undefined],
  ['RS384', 'RSA', undefined],
  ['RS512', 'RSA', undefined],
  ['ML-DSA-44', 'AKP', 1312],
  ['ML-DSA-65', 'AKP', 1952],
  ['ML-DSA-87', 'AKP', 2592]
]

describe('isOfType: each algorithm has one key type, and one curve or size (RFC 7518 §3.1, §3.4, RFC 8037 §3.1, RFC 9964 §5)', () => {
  it('the table of this test has every algorithm', () => {
    expect(all.map(([alg]) => alg)).toEqual(proofAlgorithms)
  })

  it.each(all)('%s accepts only keys of %s, of %s octets', (alg, type, octets) => {
    for (const [name, key] of Object.entries(keys)) expect(isOfType(key, alg), name).toBe(name === type)
    expect(keyTypes[alg].octets).toBe(octets)
  })

  it.each([{ kty: 'oct' }, { crv: 'P-256' }, { kty: 'ec', crv: 'P-256' }, { kty: 'OKP', crv: 'P-256' }, { kty: 'EC' }, {}])(
    'no algorithm accepts %j',
    (key) => {
      for (const alg of proofAlgorithms) expect(isOfType(key, alg)).toBe(false)
    }
  )

  it('crv is ignored for RSA and AKP', () => {
    expect(isOfType({ kty: 'RSA', crv: 'x' }, 'PS256')).toBe(true)
    expect(isOfType({ kty: 'AKP', crv: 'x' }, 'ML-DSA-44')).toBe(true)
  })
})

describe('isUsableFor: use, key_ops and alg, if present, must permit verification (RFC 7517 §4.2 to §4.4)', () => {
  it.each([{}, { use: 'sig' }, { key_ops: ['verify'] }, { key_ops: ['sign', 'verify'] }, { alg: 'ES256' }])(
    '%j is usable',
    (key) => {
      expect(isUsableFor(key, 'ES256')).toBe(true)
    }
  )

  it.each([
    ...['enc', 'SIG', '', null, ['sig']].map((use) => ({ use })),
    ...[[], ['sign'], ['VERIFY'], 'verify', null, {}].map((operations) => ({ key_ops: operations })),
    ...['ES384', 'es256', 'EdDSA', '', null, ['ES256']].map((alg) => ({ alg })),
    { use: 'sig', key_ops: ['verify'], alg: 'PS256' }
  ])('%j is not usable', (key) => {
    expect(isUsableFor(key, 'ES256')).toBe(false)
  })

  it('an AKP key must have alg (RFC 9964 §3) [Q-03]', () => {
    expect(isUsableFor({ alg: 'ML-DSA-44', use: 'sig' }, 'ML-DSA-44')).toBe(true)
    for (const alg of [undefined, null, '', 'ML-DSA-65', 'ml-dsa-44', 'EdDSA'])
      expect(isUsableFor({ alg }, 'ML-DSA-44')).toBe(false)
    expect(isUsableFor({}, 'ML-DSA-44')).toBe(false)
  })

  it('EdDSA and Ed25519 are names of one algorithm (RFC 9864 §2.2)', () => {
    for (const alg of ['EdDSA', 'Ed25519'] as const) {
      for (const keyAlg of ['EdDSA', 'Ed25519']) expect(isUsableFor({ alg: keyAlg }, alg)).toBe(true)
      for (const keyAlg of ['Ed448', 'ES256', '']) expect(isUsableFor({ alg: keyAlg }, alg)).toBe(false)
    }
  })
})

describe('isPrivate', () => {
  it.each(['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv'])(
    'is true for a JWK with the member %s of any value',
    (member) => {
      for (const value of ['x', '', null, undefined]) expect(isPrivate({ kty: 'EC', [member]: value })).toBe(true)
    }
  )

  it('is false for members of a public key, and for inherited members', () => {
    const names = ['kty', 'crv', 'x', 'y', 'e', 'n', 'kid', 'use', 'key_ops', 'alg', 'x5c', 'D', '']
    expect(isPrivate(Object.fromEntries(names.map((name) => [name, 'x'])))).toBe(false)
    expect(isPrivate(Object.create({ d: 'x' }))).toBe(false)
  })
})
