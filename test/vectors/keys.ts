/** The key in the proof and the signature made with it: RFC 9449 §4.3 checks 6 and 7; RFC 7517, RFC 7518, RFC 7638, RFC 8037, RFC 9864. @module */

import { Buffer } from 'node:buffer'
import { type KeyObject, sign } from 'node:crypto'
import type { RuleId } from '../conformance/rules.js'
import {
  aliasOf,
  base64url,
  type Json,
  join,
  type KeyName,
  key,
  malleate,
  malleateEd25519,
  pss,
  sha256,
  signature,
  split
} from './forge.js'
import { type Line, type ProofRecipe, prepare } from './recipe.js'
import { accepted, invalidProof, invalidToken, type Vector, type VectorGroup } from './vector.js'

const octets = (member: unknown): Buffer => Buffer.from(member as string, 'base64url')
const withOctets = (name: string, change: (value: Buffer) => Buffer) => (jwk: Json) => ({
  ...jwk,
  [name]: base64url(change(octets(jwk[name])))
})
const zero = Buffer.from([0])

const algorithms: Vector[] = (
  [
    ['ES256', 'ES256', ['J-14']],
    ['ES384', 'ES384', ['J-14']],
    ['ES512', 'ES512', ['J-14']],
    ['Ed25519', 'Ed25519', ['Q-01', 'L30']],
    ['Ed25519', 'EdDSA', ['Q-01', 'L30']],
    ['RSA', 'PS256', ['J-17']],
    ['RSA', 'PS384', ['J-17']],
    ['RSA', 'PS512', ['J-17']],
    ['RSA', 'RS256', []],
    ['RSA', 'RS384', []],
    ['RSA', 'RS512', []],
    ['RSA 3072', 'PS256', ['J-12']],
    ['RSA e=3', 'PS256', ['J-13']]
  ] satisfies [KeyName, string, RuleId[]][]
).map(([name, alg, rules]) => ({
  title: `§4.3#6 accepts a signature of the key in the header: ${alg} with the key ${name}`,
  rules: ['D-23', 'D-22', 'J-15', 'T-01', 'T-02', 'D-35', 'B-01', ...rules],
  options: {
    proof: { algorithms: ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'PS384', 'PS512', 'RS256', 'RS384', 'RS512'] }
  },
  accept: { key: name, proof: { header: { alg } } }
}))

const byDefault: Vector[] = (
  [
    ['ES256', 'ES256'],
    ['ES384', 'ES384'],
    ['ES512', 'ES512'],
    ['Ed25519', 'Ed25519'],
    ['Ed25519', 'EdDSA'],
    ['RSA', 'PS256'],
    ['RSA', 'PS384'],
    ['RSA', 'PS512']
  ] satisfies [KeyName, string][]
).map(([name, alg]) => ({
  title: `§4.3#5 accepts the algorithm by default: ${alg}`,
  rules: ['D-22', 'B-02', 'L30'],
  accept: { key: name, proof: { header: { alg } } }
}))

/** Leading zero octets of numbers are kept (RFC 7518 §6.2.1.2, §3.4), and numbers whose first bit is 1 are not negative. */
const numbers: Vector[] = [
  ...(['x', 'y'] as const).map(
    (member): Vector => ({
      title: `RFC 7518 §6.2.1.2 accepts a coordinate of full size: ${member} has a leading zero octet`,
      rules: ['T-04', 'J-16', 'D-35'],
      accept: { key: `ES256 with ${member} = 0…` }
    })
  ),
  ...(['ES256', 'ES384', 'ES512'] as const).flatMap((name) =>
    (
      [
        ['R has a leading zero octet', (raw) => raw[0] === 0],
        ['S has a leading zero octet', (raw) => raw[raw.length / 2] === 0],
        // The first octet of a number for P-521 has one bit.
        ['the first bit of R is 1', (raw) => (raw[0] as number) >= (name === 'ES512' ? 1 : 0x80)],
        ['the first bit of S is 1', (raw) => (raw[raw.length / 2] as number) >= (name === 'ES512' ? 1 : 0x80)]
      ] satisfies [string, (raw: Buffer) => boolean][]
    ).map(
      ([what, wanted]): Vector => ({
        title: `RFC 7518 §3.4 accepts R and S of full size: ${name}, ${what}`,
        rules: ['J-14', 'D-23'],
        accept: {
          key: name,
          proof: { signature: (raw, input, { privateKey }) => signedUntil(wanted, raw, name, input, privateKey) }
        }
      })
    )
  )
]

const describing: Vector[] = (
  [
    ['kid', 'ES256', { kid: 'client-key-1' }],
    ['use sig', 'ES256', { use: 'sig' }],
    ['key_ops verify', 'ES256', { key_ops: ['verify'] }],
    ['key_ops verify among others', 'ES256', { key_ops: ['sign', 'verify'] }],
    ['use and key_ops', 'RSA', { use: 'sig', key_ops: ['verify'] }],
    ['alg', 'ES256', { alg: 'ES256' }],
    ['alg EdDSA, the other name', 'Ed25519', { alg: 'EdDSA' }],
    ['certificates', 'RSA', { x5c: ['MIIB'], x5t: 'abc', 'x5t#S256': 'abc', x5u: 'https://evil.example' }],
    ['ext', 'ES256', { ext: true }],
    ['unknown members', 'ES256', { foo: 'bar', iat: 1, exp: 2 }],
    ['members of another type of key', 'ES256', { n: 'AQAB', e: 'AQAB' }]
  ] satisfies [string, KeyName, Json][]
).map(([what, name, members]) => ({
  title: `RFC 7638 §3.2.2 accepts other members of the key, which do not change its thumbprint: ${what}`,
  rules: ['T-03', 'D-16', 'J-19'],
  accept: { key: name, proof: { jwk: (jwk) => ({ ...jwk, ...members }) } }
}))

const published: Vector[] = (
  [
    ['ES256', 'ES256'],
    ['ES384', 'ES384'],
    ['ES512', 'ES512'],
    ['Ed25519', 'Ed25519'],
    ['Ed25519', 'EdDSA'],
    ['RSA', 'PS256'],
    ['RSA', 'PS384'],
    ['RSA', 'PS512']
  ] satisfies [KeyName, string][]
).map(([name, alg]) => ({
  title: `RFC 7517 §4 accepts a key with alg, use, key_ops, kid and ext: ${alg}`,
  rules: ['J-19', 'T-03'],
  accept: {
    key: name,
    proof: { header: { alg }, jwk: (jwk) => ({ ...jwk, alg, use: 'sig', key_ops: ['verify'], kid: 'client-key-1', ext: true }) }
  }
}))

const orders: Vector[] = (
  [
    ['reversed', 'ES256', (jwk) => Object.fromEntries(Object.entries(jwk).reverse())],
    ['reversed', 'RSA', (jwk) => Object.fromEntries(Object.entries(jwk).reverse())],
    ['sorted', 'ES256', (jwk) => Object.fromEntries(Object.entries(jwk).sort())],
    ['sorted', 'Ed25519', (jwk) => Object.fromEntries(Object.entries(jwk).sort())],
    ['with other members between them', 'ES256', (jwk) => ({ a: 1, ...jwk, z: 2 })]
  ] satisfies [string, KeyName, (jwk: Json) => Json][]
).map(([what, name, jwk]) => ({
  title: `RFC 7638 §3.3 accepts the members of the key in any order: ${name}, ${what}`,
  rules: ['T-06', 'T-01'],
  accept: { key: name, proof: { jwk } }
}))

const privateMembers: Vector[] = (
  [
    ['ES256', ['d']],
    ['Ed25519', ['d']],
    ['RSA', ['d', 'p', 'q', 'dp', 'dq', 'qi']],
    ['RSA', ['p', 'q', 'dp', 'dq', 'qi']]
  ] satisfies [KeyName, string[]][]
).map(([name, members]) => ({
  title: `§4.3#7 rejects a private key in the header: ${name} with ${members.join(', ')}`,
  rules: ['D-10', 'D-24', 'T-05', 'L17'],
  control: { key: name },
  fault: {
    proof: {
      jwk: (jwk) => {
        const own = key(name).privateKey.export({ format: 'jwk' }) as Json
        return { ...jwk, ...Object.fromEntries(members.map((member) => [member, own[member]])) }
      }
    }
  },
  refuse: invalidProof('PROOF_JWK')
}))

const privateNames: Vector[] = (
  [
    ['d', 'AQAB'],
    ['d', ''],
    ['d', null],
    ['p', 'AQAB'],
    ['q', 'AQAB'],
    ['dp', 'AQAB'],
    ['dq', 'AQAB'],
    ['qi', 'AQAB'],
    ['oth', []],
    ['k', 'AQAB'],
    ['priv', 'AQAB']
  ] satisfies [string, unknown][]
).map(([member, value]) => ({
  title: `§4.3#7 rejects a private member in the header, with any value: ${member} ${JSON.stringify(value)}`,
  rules: ['D-10', 'D-24', 'L17'],
  fault: { proof: { jwk: (jwk: Json) => ({ ...jwk, [member]: value }) } },
  refuse: invalidProof('PROOF_JWK')
}))

const notKeys: Vector[] = (
  [
    ['absent', () => undefined, ['D-07']],
    ['null', () => null, ['D-07']],
    ['a string', (jwk) => JSON.stringify(jwk), []],
    ['a list', (jwk) => [jwk], []],
    ['a number', () => 1, []],
    ['empty', () => ({}), []],
    ['a JWK Set', (jwk) => ({ keys: [jwk] }), []],
    ['symmetric', () => ({ kty: 'oct', k: base64url('k'.repeat(32)) }), ['D-10']]
  ] satisfies [string, (jwk: Json) => unknown, RuleId[]][]
).map(([what, jwk, rules]) => ({
  title: `§4.2 rejects a jwk that is not a public key: ${what}`,
  rules: ['D-10', 'D-23', ...rules],
  fault: { proof: { jwk } },
  refuse: invalidProof('PROOF_JWK')
}))

const members: Vector[] = (
  [
    ['ES256', 'kty'],
    ['ES256', 'crv'],
    ['ES256', 'x'],
    ['ES256', 'y'],
    ['Ed25519', 'kty'],
    ['Ed25519', 'crv'],
    ['Ed25519', 'x'],
    ['RSA', 'kty'],
    ['RSA', 'n'],
    ['RSA', 'e']
  ] satisfies [KeyName, string][]
).flatMap(([name, member]) =>
  [undefined, '', 1].map((value) => ({
    title: `RFC 7518 §6 rejects an ${name} key unless all members are strings: ${member} is ${value === undefined ? 'absent' : JSON.stringify(value)}`,
    rules: ['B-05', 'T-02', 'L41'],
    control: { key: name },
    fault: { proof: { jwk: (jwk: Json) => ({ ...jwk, [member]: value }) } },
    refuse: invalidProof('PROOF_JWK')
  }))
)

/** A header with one algorithm and the key of another. */
const mismatches: Vector[] = (
  [
    ['ES256', 'ES384', 'J-15'],
    ['ES256', 'ES512', 'J-15'],
    ['ES384', 'ES256', 'J-15'],
    ['ES512', 'ES384', 'J-15'],
    ['ES256', 'secp256k1', 'J-15'],
    ['ES256', 'RSA', 'J-15'],
    ['ES256', 'Ed25519', 'J-15'],
    ['PS256', 'ES256', 'J-15'],
    ['PS256', 'Ed25519', 'J-15'],
    ['EdDSA', 'ES256', 'J-15'],
    ['Ed25519', 'ES256', 'J-15'],
    ['EdDSA', 'Ed448', 'Q-01'],
    ['Ed25519', 'Ed448', 'Q-01'],
    ['EdDSA', 'X25519', 'J-15'],
    ['Ed25519', 'X25519', 'J-15']
  ] satisfies [string, KeyName, RuleId][]
).map(([alg, name, rule]) => ({
  title: `RFC 8725 §3.1 rejects an alg that does not match the key: ${alg} with a key for ${name}`,
  rules: [rule, 'B-01', 'B-05'],
  fault: {
    key: name,
    proof: { header: { alg }, signAs: 'ES256', signedBy: 'ES256' }
  },
  refuse: invalidProof('PROOF_JWK')
}))

const names: Vector[] = (
  [
    ['ES256', { kty: 'ec' }],
    ['ES256', { crv: 'p-256' }],
    ['ES256', { crv: 'prime256v1' }],
    ['Ed25519', { crv: 'ed25519' }],
    ['Ed25519', { kty: 'EC' }],
    ['RSA', { kty: 'rsa' }]
  ] satisfies [KeyName, Json][]
).map(([name, change]) => ({
  title: `RFC 7517 §4.1 compares the names of types and curves exactly: ${JSON.stringify(change)}`,
  rules: ['J-15', 'B-05'],
  control: { key: name },
  fault: { proof: { jwk: (jwk) => ({ ...jwk, ...change }) } },
  refuse: invalidProof('PROOF_JWK')
}))

/** A non-canonical encoding of a key has another thumbprint, to which the token is bound: only the key validation can reject it. */
const encodings: Vector[] = (
  [
    ['x with a leading zero octet', 'ES256', withOctets('x', (x) => Buffer.concat([zero, x])), ['J-16']],
    ['y with a leading zero octet', 'ES256', withOctets('y', (y) => Buffer.concat([zero, y])), ['J-16']],
    ['x without its first octet', 'ES256', withOctets('x', (x) => x.subarray(1)), ['J-16']],
    ['y without its last octet', 'ES384', withOctets('y', (y) => y.subarray(0, -1)), ['J-16']],
    ['x of 65 octets', 'ES512', withOctets('x', (x) => x.subarray(1)), ['J-16']],
    ['x of 33 octets', 'Ed25519', withOctets('x', (x) => Buffer.concat([x, zero])), []],
    ['x of 31 octets', 'Ed25519', withOctets('x', (x) => x.subarray(1)), []],
    ['x padded', 'ES256', (jwk) => ({ ...jwk, x: `${jwk['x']}=` }), []],
    ['x with unused bits that are not zero', 'ES256', (jwk) => ({ ...jwk, x: aliasOf(jwk['x'] as string) }), []],
    ['x with unused bits that are not zero', 'Ed25519', (jwk) => ({ ...jwk, x: aliasOf(jwk['x'] as string) }), []],
    ['x with a space', 'ES256', (jwk) => ({ ...jwk, x: ` ${jwk['x']}` }), []],
    ['x with a line break', 'ES256', (jwk) => ({ ...jwk, x: `${jwk['x']}\n` }), []],
    ['x with a quote', 'ES256', (jwk) => ({ ...jwk, x: `${(jwk['x'] as string).slice(0, 42)}"` }), []],
    ['n with a leading zero octet', 'RSA', withOctets('n', (n) => Buffer.concat([zero, n])), []],
    ['n padded', 'RSA', (jwk) => ({ ...jwk, n: `${jwk['n']}=` }), []],
    ['n with unused bits that are not zero', 'RSA', (jwk) => ({ ...jwk, n: aliasOf(jwk['n'] as string) }), []],
    ['e with a leading zero octet', 'RSA', withOctets('e', (e) => Buffer.concat([zero, e])), []],
    ['e padded', 'RSA', (jwk) => ({ ...jwk, e: 'AQAB=' }), []]
  ] satisfies [string, KeyName, (jwk: Json) => Json, RuleId[]][]
).map(([what, name, jwk, rules]) => ({
  title: `RFC 7518 §6 rejects a non-canonical encoding of a key: ${name}, ${what}`,
  rules: ['T-04', 'B-05', ...rules],
  control: { key: name },
  fault: { proof: { jwk } },
  refuse: invalidProof('PROOF_JWK')
}))

const points: Vector[] = (
  [
    ['y equal to x', ({ x, ...jwk }) => ({ ...jwk, x, y: x })],
    ['x and y exchanged', ({ x, y, ...jwk }) => ({ ...jwk, x: y, y: x })],
    ['zero', (jwk) => ({ ...jwk, x: base64url(Buffer.alloc(32)), y: base64url(Buffer.alloc(32)) })],
    ['x above the prime', (jwk) => ({ ...jwk, x: base64url(Buffer.alloc(32, 0xff)) })],
    ['one bit of y changed', withOctets('y', (y) => Buffer.concat([y.subarray(0, 31), Buffer.from([(y[31] as number) ^ 1])]))]
  ] satisfies [string, (jwk: Json) => Json][]
).map(([what, change]) => {
  return {
    title: `RFC 8725 §3.4 rejects a point that is not on the curve: ${what}`,
    rules: ['J-16', 'B-05', 'L41'],
    fault: {
      token: { claims: () => ({ cnf: { jkt: thumbprintOf(change(key('ES256').jwk)) } }) },
      proof: { jwk: change }
    },
    refuse: invalidProof('PROOF_JWK')
  }
})

const modulus = (bits: number): string => {
  const bytes = Buffer.alloc(Math.ceil(bits / 8), 0x5b)
  bytes[0] = 2 ** ((bits - 1) % 8)
  return base64url(bytes)
}

const rsa: Vector[] = (
  [
    ['1024 bits', (jwk) => ({ ...jwk, n: modulus(1024) }), ['J-12', 'F-07']],
    ['2047 bits', (jwk) => ({ ...jwk, n: modulus(2047) }), ['J-12', 'F-07']],
    ['8193 bits', (jwk) => ({ ...jwk, n: modulus(8193) }), ['J-13']],
    ['16384 bits', (jwk) => ({ ...jwk, n: modulus(16_384) }), ['J-13']],
    ['an even modulus', withOctets('n', (n) => Buffer.concat([n.subarray(0, -1), Buffer.from([2])])), ['J-13']],
    ['an exponent of 1', (jwk) => ({ ...jwk, e: 'AQ' }), ['J-13']],
    ['an exponent of 2', (jwk) => ({ ...jwk, e: 'Ag' }), ['J-13']],
    ['an even exponent', (jwk) => ({ ...jwk, e: 'AQAA' }), ['J-13']],
    ['an exponent of zero', (jwk) => ({ ...jwk, e: 'AA' }), ['J-13']],
    ['an exponent of five octets', (jwk) => ({ ...jwk, e: 'AQAAAAE' }), ['J-13']]
  ] satisfies [string, (jwk: Json) => Json, RuleId[]][]
).map(([what, jwk, rules]) => ({
  title: `RFC 7518 §3.3 rejects an invalid RSA key: ${what}`,
  rules: ['B-05', ...rules],
  control: { key: 'RSA' },
  fault: { proof: { jwk } },
  refuse: invalidProof('PROOF_JWK')
}))

const realRsa: Vector[] = (['RSA 1024', 'RSA 2040'] as const).map((name) => ({
  title: `RFC 7518 §3.3 rejects an RSA key below 2048 bits, although the signature is valid: ${name}`,
  rules: ['J-12', 'F-07', 'B-05'],
  control: { key: 'RSA' },
  fault: { key: name },
  refuse: invalidProof('PROOF_JWK')
}))

const purposes: Vector[] = (
  [
    ['use enc', { use: 'enc' }],
    ['use SIG', { use: 'SIG' }],
    ['use empty', { use: '' }],
    ['use null', { use: null }],
    ['key_ops sign', { key_ops: ['sign'] }],
    ['key_ops empty', { key_ops: [] }],
    ['key_ops a string', { key_ops: 'verify' }],
    ['alg ES384', { alg: 'ES384' }],
    ['alg none', { alg: 'none' }],
    ['alg EdDSA', { alg: 'EdDSA' }],
    ['alg a list', { alg: ['ES256'] }]
  ] satisfies [string, Json][]
).map(([what, change]) => ({
  title: `RFC 7517 §4.2 to §4.4 rejects a key that does not permit verification: ${what}`,
  rules: ['J-19'],
  fault: { proof: { jwk: (jwk) => ({ ...jwk, ...change }) } },
  refuse: invalidProof('PROOF_JWK')
}))

const signatures: Vector[] = (
  [
    ['one bit changed', 'ES256', { signature: flipped }, ['D-23']],
    ['one bit changed', 'ES384', { signature: flipped }, ['D-23']],
    ['one bit changed', 'ES512', { signature: flipped }, ['D-23']],
    ['one bit changed', 'Ed25519', { signature: flipped }, ['D-23']],
    ['one bit changed', 'RSA', { signature: flipped }, ['D-23']],
    ['a signature of another key', 'ES256', { signedBy: 'another ES256' }, ['D-23']],
    [
      'a signature in DER',
      'ES256',
      { signature: (_, input, { privateKey }) => sign('sha256', Buffer.from(input), privateKey) },
      ['J-14', 'D-23']
    ],
    ['one octet appended', 'ES256', { signature: (raw) => Buffer.concat([raw, zero]) }, ['J-14']],
    ['the last octet removed', 'ES256', { signature: (raw) => raw.subarray(0, 63) }, ['J-14']],
    [
      'a zero octet before each half',
      'ES256',
      { signature: (raw) => Buffer.concat([zero, raw.subarray(0, 32), zero, raw.subarray(32)]) },
      ['J-14']
    ],
    ['a signature of 96 octets', 'ES256', { signature: () => Buffer.alloc(96, 1) }, ['J-14']],
    ['a signature of 95 octets', 'ES384', { signature: (raw) => raw.subarray(0, 95) }, ['J-14']],
    ['a signature of 131 octets', 'ES512', { signature: (raw) => raw.subarray(1) }, ['J-14']],
    ['only zeros', 'ES256', { signature: () => Buffer.alloc(64) }, ['J-14']],
    ['only ones', 'ES256', { signature: () => Buffer.alloc(64, 0xff) }, ['J-14']],
    ['R is zero', 'ES256', { signature: (raw) => Buffer.concat([Buffer.alloc(32), raw.subarray(32)]) }, ['J-14']],
    ['S is zero', 'ES256', { signature: (raw) => Buffer.concat([raw.subarray(0, 32), Buffer.alloc(32)]) }, ['J-14']],
    ['a signature of one octet', 'ES256', { signature: () => zero }, ['J-14', 'L41']],
    ['a signature of one octet', 'RSA', { signature: () => zero }, ['L41']],
    ['a signature of one octet', 'Ed25519', { signature: () => zero }, ['L41']],
    ['only zeros', 'RSA', { signature: () => Buffer.alloc(256) }, ['D-23']],
    ['only zeros', 'Ed25519', { signature: () => Buffer.alloc(64) }, ['D-23']],
    ['the order of the group added to S', 'Ed25519', { signature: malleateEd25519 }, ['D-23', 'L7']],
    ['a leading zero octet', 'RSA', { signature: (raw) => Buffer.concat([zero, raw]) }, ['D-23']],
    [
      'a salt of zero octets',
      'RSA',
      { signature: (_, input, { privateKey }) => pss('sha256', Buffer.from(input), privateKey, 0) },
      ['J-17']
    ],
    [
      'a salt of 20 octets',
      'RSA',
      { signature: (_, input, { privateKey }) => pss('sha256', Buffer.from(input), privateKey, 20) },
      ['J-17']
    ],
    [
      'the longest salt',
      'RSA',
      { signature: (_, input, { privateKey }) => pss('sha256', Buffer.from(input), privateKey, 222) },
      ['J-17']
    ],
    ['PKCS#1 v1.5 instead of PSS', 'RSA', { signAs: 'RS256' }, ['D-23', 'B-01']],
    ['SHA-384 instead of SHA-256', 'RSA', { signAs: 'PS384' }, ['D-23', 'B-01']],
    ['SHA-384 instead of SHA-256', 'ES256', { signAs: 'ES384' }, ['D-23', 'B-01']],
    ['the signature of another payload', 'ES256', { text: withOtherClaims }, ['D-23', 'B-04']],
    ['the signature of another header', 'ES256', { text: withOtherHeader }, ['D-23', 'B-04']]
  ] satisfies [string, KeyName, ProofRecipe, RuleId[]][]
).map(([what, name, proof, rules]) => ({
  title: `§4.3#6 rejects an invalid signature: ${name}, ${what}`,
  rules: ['B-04', ...rules],
  control: { key: name },
  fault: { proof },
  refuse: invalidProof('PROOF_SIGNATURE')
}))

const malleable: Vector = {
  title: 'RFC 7515 §5.2 rejects a replayed proof with (r, n−s), the other valid ECDSA signature',
  rules: ['L7', 'AMB-19', 'D-45'],
  steps: () => {
    const first = prepare()
    const withOtherSignature = (proof: string) => {
      const parts = split(proof)
      return join({ ...parts, signature: base64url(malleate(octets(parts.signature))) })
    }
    const second = {
      ...first,
      lines: first.lines.map(([name, value]): Line => [name, name === 'DPoP' ? withOtherSignature(value) : value])
    }
    return [
      { send: first, expect: accepted },
      { send: second, expect: invalidProof('PROOF_REPLAYED') }
    ]
  }
}

const otherSignature: Vector = {
  title: 'RFC 7518 §3.4 accepts (r, n−s), the other valid ECDSA signature',
  rules: ['J-14', 'AMB-19'],
  accept: { proof: { signature: malleate } }
}

const confirmed: Vector[] = (
  [
    ['another key of the same type', { key: 'another ES256', token: { boundTo: 'ES256' } }],
    ['a key of another type', { key: 'Ed25519', token: { boundTo: 'ES256' } }]
  ] as const
).map(([what, fault]) => ({
  title: `§4.3#12 rejects a proof of a key that the token is not bound to: ${what}`,
  rules: ['D-30', 'AMB-06', 'D-41', 'P-M7'],
  fault,
  refuse: invalidToken('TOKEN_BINDING')
}))

/** Signs until the signature satisfies the predicate: ECDSA signatures are randomized. */
function signedUntil(wanted: (raw: Buffer) => boolean, raw: Buffer, alg: string, input: string, privateKey: KeyObject): Buffer {
  let found = raw
  while (!wanted(found)) found = signature(alg, input, privateKey)
  return found
}

function thumbprintOf({ crv, kty, x, y }: Json): string {
  return sha256(JSON.stringify({ crv, kty, x, y }))
}

function flipped(raw: Buffer): Buffer {
  const copy = Buffer.from(raw)
  copy[copy.length - 1] = (copy.at(-1) as number) ^ 1
  return copy
}

function withOtherClaims(proof: string): string {
  const [header, payload, signature] = proof.split('.') as [string, string, string]
  const claims = { ...JSON.parse(octets(payload).toString()), jti: 'another' }
  return `${header}.${base64url(JSON.stringify(claims))}.${signature}`
}

function withOtherHeader(proof: string): string {
  const [header, payload, signature] = proof.split('.') as [string, string, string]
  const params = { ...JSON.parse(octets(header).toString()), kid: 'another' }
  return `${base64url(JSON.stringify(params))}.${payload}.${signature}`
}

export const keys: VectorGroup = {
  subject: 'keys and signatures',
  vectors: [
    ...algorithms,
    ...byDefault,
    ...numbers,
    ...describing,
    ...published,
    ...orders,
    otherSignature,
    ...privateMembers,
    ...privateNames,
    ...notKeys,
    ...members,
    ...mismatches,
    ...names,
    ...encodings,
    ...points,
    ...rsa,
    ...realRsa,
    ...purposes,
    ...signatures,
    malleable,
    ...confirmed
  ]
}
