/** Signs well-formed and malformed JWTs for the vectors. @module */

import { Buffer } from 'node:buffer'
import {
  constants,
  createHash,
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  sign as signBytes
} from 'node:crypto'

export type Json = Readonly<Record<string, unknown>>

/** A key pair of a client or an issuer. */
export interface Key {
  readonly privateKey: KeyObject
  /** The public key, required members only. */
  readonly jwk: Json
  /** Its JWK SHA-256 thumbprint (RFC 7638), computed here and not by the code under test. */
  readonly jkt: string
  /** The default signature algorithm. */
  readonly alg: string
}

const ec = (namedCurve: string) => () => generateKeyPairSync('ec', { namedCurve }).privateKey
const ecBeginningWithZero = (member: 'x' | 'y') => () => {
  for (;;) {
    const privateKey = ec('P-256')()
    const coordinate = privateKey.export({ format: 'jwk' })[member] as string
    if (Buffer.from(coordinate, 'base64url')[0] === 0) return privateKey
  }
}
const rsa =
  (modulusLength: number, publicExponent = 65_537) =>
  () =>
    generateKeyPairSync('rsa', { modulusLength, publicExponent }).privateKey
const okp = (curve: 'ed25519' | 'ed448' | 'x25519') => () => {
  // The types have one overload for each curve, and none for any of them.
  return generateKeyPairSync(curve as 'ed25519').privateKey
}

const kinds = {
  ES256: { alg: 'ES256', make: ec('P-256') },
  'ES256 with x = 0…': { alg: 'ES256', make: ecBeginningWithZero('x') },
  'ES256 with y = 0…': { alg: 'ES256', make: ecBeginningWithZero('y') },
  'another ES256': { alg: 'ES256', make: ec('P-256') },
  ES384: { alg: 'ES384', make: ec('P-384') },
  ES512: { alg: 'ES512', make: ec('P-521') },
  secp256k1: { alg: 'ES256K', make: ec('secp256k1') },
  Ed25519: { alg: 'Ed25519', make: okp('ed25519') },
  Ed448: { alg: 'Ed448', make: okp('ed448') },
  X25519: { alg: 'EdDSA', make: okp('x25519') },
  RSA: { alg: 'PS256', make: rsa(2048) },
  'RSA 1024': { alg: 'PS256', make: rsa(1024) },
  'RSA 2040': { alg: 'PS256', make: rsa(2040) },
  'RSA 3072': { alg: 'PS256', make: rsa(3072) },
  'RSA e=3': { alg: 'PS256', make: rsa(2048, 3) },
  issuer: { alg: 'RS256', make: rsa(2048) },
  'another issuer': { alg: 'ES256', make: ec('P-256') },
  'rotated issuer': { alg: 'ES256', make: ec('P-256') }
} as const

export type KeyName = keyof typeof kinds

const made = new Map<KeyName, Key>()

/** The key of that name, generated on first use. */
export function key(name: KeyName): Key {
  const found = made.get(name)
  if (found !== undefined) return found
  const { alg, make } = kinds[name]
  const privateKey = make()
  const jwk = createPublicKey(privateKey).export({ format: 'jwk' }) as Json
  const fresh = { privateKey, jwk, jkt: thumbprint(jwk), alg }
  made.set(name, fresh)
  return fresh
}

/** The private keys that were generated, by name. */
export type PrivateJwks = Readonly<Record<string, Json>>

/** The private keys that were generated, as JWKs, for {@link importKeys} in another runtime. */
export function exportKeys(): PrivateJwks {
  return Object.fromEntries([...made].map(([name, { privateKey }]) => [name, privateKey.export({ format: 'jwk' }) as Json]))
}

/** Uses these keys instead of generated ones. A private key is imported when it signs, because not every runtime has all curves. */
export function importKeys(jwks: PrivateJwks): void {
  for (const [name, { d: _d, p: _p, q: _q, dp: _dp, dq: _dq, qi: _qi, ...jwk }] of Object.entries(jwks)) {
    const imported: Key = {
      get privateKey() {
        return createPrivateKey({ key: jwks[name] as JsonWebKey, format: 'jwk' })
      },
      jwk,
      jkt: thumbprint(jwk),
      alg: kinds[name as KeyName].alg
    }
    made.set(name as KeyName, imported)
  }
}

/** RFC 7638 §3: the required members in the order of their names. */
function thumbprint(jwk: Json): string {
  const required = ['crv', 'e', 'kty', 'n', 'x', 'y'].filter((member) => jwk[member] !== undefined)
  return sha256(JSON.stringify(Object.fromEntries(required.map((member) => [member, jwk[member]]))))
}

export function sha256(text: string): string {
  return createHash('sha256').update(text).digest('base64url')
}

export function base64url(value: string | Uint8Array): string {
  return Buffer.from(value as string).toString('base64url')
}

/** A signature with `alg` over any string. `HS256` uses `secret` as its key. */
export function signature(alg: string, input: string, privateKey: KeyObject, secret = ''): Buffer {
  const data = Buffer.from(input, 'latin1')
  const digest = `sha${alg.slice(2)}`
  switch (alg.slice(0, 2)) {
    case 'HS':
      return createHmac(digest, secret).update(data).digest()
    case 'ES':
      return signBytes(alg === 'ES256K' ? 'sha256' : digest, data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
    case 'PS':
      return pss(digest, data, privateKey, Number(alg.slice(2)) / 8)
    case 'RS':
      return signBytes(digest, data, privateKey)
    default:
      return signBytes(null, data, privateKey)
  }
}

/** RSASSA-PSS with a salt of any length; RFC 7518 §3.5 allows only that of the hash. */
export function pss(digest: string, data: Buffer, privateKey: KeyObject, saltLength: number): Buffer {
  return signBytes(digest, data, { key: privateKey, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength })
}

const P256_ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n

/** The other signature of the same message that every ECDSA signature has: (r, n−s). */
export function malleate(raw: Buffer): Buffer {
  const s = BigInt(`0x${raw.toString('hex', 32)}`)
  return Buffer.concat([raw.subarray(0, 32), Buffer.from((P256_ORDER - s).toString(16).padStart(64, '0'), 'hex')])
}

const ED25519_ORDER = 2n ** 252n + 27742317777372353535851937790883648493n

/** An Ed25519 signature with S + L for S, which RFC 8032 §5.1.7 rejects. */
export function malleateEd25519(raw: Buffer): Buffer {
  const s = BigInt(`0x${Buffer.from(raw.subarray(32)).reverse().toString('hex')}`) + ED25519_ORDER
  return Buffer.concat([raw.subarray(0, 32), Buffer.from(s.toString(16).padStart(64, '0'), 'hex').reverse()])
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'

/** A non-canonical encoding of the same bytes: the unused bits of the last character are set. */
export function aliasOf(segment: string): string {
  const unused = { 2: 0b1111, 3: 0b11 }[segment.length % 4]
  if (unused === undefined) throw new RangeError('Every bit of this segment is used')
  const last = alphabet.indexOf(segment.at(-1) as string)
  return segment.slice(0, -1) + alphabet[last ^ unused]
}

/** A JWS in compact serialization, of which every part can be invalid. */
export interface Parts {
  readonly header: string
  readonly payload: string
  readonly signature: string
}

export function split(jws: string): Parts {
  const [header = '', payload = '', signature = ''] = jws.split('.')
  return { header, payload, signature }
}

export function join({ header, payload, signature }: Parts): string {
  return `${header}.${payload}.${signature}`
}
