import { createPublicKey, generateKeyPairSync, type KeyObject } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import type { PublicJwk } from '../../src/crypto/crypto.js'
import { createKeyImport, toPem } from '../../src/crypto/node-keys.js'

function newJwk(type: 'ec' | 'ed25519' | 'rsa', options: object): PublicJwk {
  const encodings = { publicKeyEncoding: { format: 'jwk' }, privateKeyEncoding: { format: 'der', type: 'pkcs8' } }
  const generate = generateKeyPairSync as unknown as (type: string, options: object) => { publicKey: PublicJwk }
  return generate(type, { ...options, ...encodings }).publicKey
}

const keys: Record<string, PublicJwk> = {
  'P-256': newJwk('ec', { namedCurve: 'P-256' }),
  'P-384': newJwk('ec', { namedCurve: 'P-384' }),
  'P-521': newJwk('ec', { namedCurve: 'P-521' }),
  Ed25519: newJwk('ed25519', {}),
  RSA: newJwk('rsa', { modulusLength: 2048 })
}

function equals(key: KeyObject, jwk: PublicJwk): boolean {
  return key.equals(createPublicKey({ key: { ...jwk }, format: 'jwk' }))
}

describe.each(['20.19.0', '24.0.0', '26.10.0'])('createKeyImport on Node.js %s', (version) => {
  const importKey = createKeyImport(version)

  it.each(Object.entries(keys))('imports a %s key', (_, jwk) => {
    expect(equals(importKey(jwk), jwk)).toBe(true)
  })

  it('imports a key whose coordinate has no leading zeros', () => {
    let jwk = keys['P-256'] as PublicJwk & { x: string }
    while (Buffer.from(jwk.x, 'base64url')[0] !== 0) jwk = newJwk('ec', { namedCurve: 'P-256' }) as typeof jwk
    const short = { ...jwk, x: Buffer.from(jwk.x, 'base64url').subarray(1).toString('base64url') }
    expect(equals(importKey(short), jwk)).toBe(true)
  })

  it('rejects a point that is not on the curve', () => {
    const { x } = keys['P-256'] as { x: string }
    const jwk: PublicJwk = { kty: 'EC', crv: 'P-256', x, y: x }
    expect(() => importKey(jwk)).toThrow()
  })

  it('rejects a coordinate that is not reduced modulo the prime', () => {
    const all = Buffer.alloc(32, 0xff).toString('base64url')
    expect(() => importKey({ kty: 'EC', crv: 'P-256', x: all, y: all })).toThrow()
  })

  it('rejects a point whose coordinates have another length', () => {
    const { x, y } = keys['P-256'] as { x: string; y: string }
    const octets = Buffer.concat([Buffer.from(x, 'base64url'), Buffer.from(y, 'base64url')])
    const [start, rest] = [octets.subarray(0, 30).toString('base64url'), octets.subarray(30).toString('base64url')]
    expect(() => importKey({ kty: 'EC', crv: 'P-256', x: start, y: rest })).toThrow()
  })

  it('rejects an Ed25519 key of another length', () => {
    expect(() => importKey({ kty: 'OKP', crv: 'Ed25519', x: Buffer.alloc(31, 1).toString('base64url') })).toThrow()
  })
})

describe('toPem', () => {
  it.each(['P-256', 'P-384', 'P-521', 'Ed25519'])('encodes a %s key', (name) => {
    const jwk = keys[name] as PublicJwk
    expect(equals(createPublicKey(toPem(jwk) as string), jwk)).toBe(true)
  })

  const octets = (length: number): string => Buffer.alloc(length, 1).toString('base64url')

  it.each<[string, PublicJwk]>([
    ['an RSA key', keys['RSA'] as PublicJwk],
    ['an AKP key', { kty: 'AKP', alg: 'ML-DSA-44', pub: octets(1312) }],
    ['a coordinate without its leading zero', { kty: 'EC', crv: 'P-256', x: octets(31), y: octets(32) }],
    ['coordinates of different lengths', { kty: 'EC', crv: 'P-256', x: octets(31), y: octets(33) }],
    ['an Ed25519 key that is too short', { kty: 'OKP', crv: 'Ed25519', x: octets(31) }]
  ])('has none for %s', (_, jwk) => {
    expect(toPem(jwk)).toBeUndefined()
  })
})
