/** The binding of a token: RFC 9449 §6 and §6.1, RFC 7800 §3.1, RFC 8705 §3. @module */

import { Buffer } from 'node:buffer'
import { createHash } from 'node:crypto'
import type { RuleId } from '../conformance/rules.js'
import { aliasOf, type Json, type Key, key } from './forge.js'
import type { Line, Recipe } from './recipe.js'
import { acceptedAsBearer, invalidToken, type Options, type Vector, type VectorGroup } from './vector.js'

/** A token with this cnf, which is created from the key of the client. */
const cnf = (make: (clientKey: Key) => unknown): Recipe => ({ token: { claims: (clientKey) => ({ cnf: make(clientKey) }) } })
const unbound = invalidToken('TOKEN_UNBOUND')
const wrongBinding = invalidToken('TOKEN_BINDING')

const other: Vector[] = (
  [
    ['unregistered members', (jkt) => ({ jkt, 'kc-jkt-type': 'x' })],
    ['members of any type', (jkt) => ({ jkt, foo: { bar: [1] }, n: null })],
    ['another, unregistered hash', (jkt) => ({ jkt, 'jkt#S512': 'abc' })],
    ['no other members', (jkt) => ({ jkt })]
  ] satisfies [string, (jkt: string) => Json][]
).map(([what, make]) => ({
  title: `RFC 7800 §3.1 ignores unknown members of cnf: ${what}`,
  rules: ['J-24', 'AMB-14', 'L33', 'D-35'],
  accept: cnf(({ jkt }) => make(jkt))
}))

const malformed: Vector[] = (
  [
    ['padded', ({ jkt }) => ({ jkt: `${jkt}=` })],
    ['in hex', ({ jkt }) => ({ jkt: Buffer.from(jkt, 'base64url').toString('hex') })],
    ['with unused bits that are not zero', ({ jkt }) => ({ jkt: aliasOf(jkt) })],
    ['too short', ({ jkt }) => ({ jkt: jkt.slice(0, 42) })],
    ['with a space', ({ jkt }) => ({ jkt: ` ${jkt}` })],
    ['a number', () => ({ jkt: 1 })],
    ['a list', ({ jkt }) => ({ jkt: [jkt] })],
    ['an object', ({ jkt }) => ({ jkt: { jkt } })],
    ['empty', () => ({ jkt: '' })],
    ['null', () => ({ jkt: null })],
    ['true', () => ({ jkt: true })],
    ['of another hash', ({ jwk }) => ({ jkt: createHash('sha512').update(JSON.stringify(jwk)).digest('base64url') })]
  ] satisfies [string, (clientKey: Key) => Json][]
).map(([what, make]) => ({
  title: `§6.1 rejects a jkt that is not a base64url SHA-256 thumbprint: ${what}`,
  rules: ['D-35', 'L14', 'D-80'],
  fault: cnf(make),
  refuse: wrongBinding
}))

const notObjects: Vector[] = (
  [
    ['a string', ({ jkt }) => jkt],
    ['a list', ({ jkt }) => [{ jkt }]],
    ['null', () => null],
    ['true', () => true],
    ['a number', () => 1]
  ] satisfies [string, (clientKey: Key) => unknown][]
).map(([what, make]) => ({
  title: `RFC 7800 §3.1 rejects a cnf that is not an object: ${what}`,
  rules: ['J-24', 'D-35', 'L14'],
  fault: cnf(make),
  refuse: wrongBinding
}))

const otherBinding: Vector[] = (
  [
    ['the thumbprint of another key', () => ({ jkt: key('another ES256').jkt }), ['D-30', 'D-35']],
    ['the thumbprint in another case', ({ jkt }) => ({ jkt: swapCase(jkt) }), ['D-35']]
  ] satisfies [string, (clientKey: Key) => Json, RuleId[]][]
).map(([what, make, rules]) => ({
  title: `§4.3#12 rejects a token that is bound to another key: ${what}`,
  rules: [...rules, 'D-41', 'AMB-06'],
  fault: cnf(make),
  refuse: wrongBinding
}))

const none: Vector[] = (
  [
    ['no cnf', () => undefined, ['D-33', 'D-34', 'F-05']],
    ['an empty cnf', () => ({}), ['D-34', 'AMB-14']],
    ['an unregistered member', ({ jkt }) => ({ thumbprint: jkt }), ['D-34', 'AMB-14']],
    ['a hash with another name', ({ jkt }) => ({ 'jkt#S256': jkt }), ['D-80', 'D-34']],
    ['a name in another case', ({ jkt }) => ({ JKT: jkt }), ['D-34', 'D-83']]
  ] satisfies [string, (clientKey: Key) => unknown, RuleId[]][]
).map(([what, make, rules]) => ({
  title: `§6 rejects a token without a bound key: ${what}`,
  rules,
  fault: cnf(make),
  refuse: unbound
}))

const elsewhere: Vector[] = (
  [
    ['a top-level claim jkt', { jkt: key('ES256').jkt }],
    ['a claim of another name', { confirmation: { jkt: key('ES256').jkt } }],
    ['the token_type DPoP', { token_type: 'DPoP' }]
  ] satisfies [string, Json][]
).map(([what, claims]) => ({
  title: `§6.1 rejects a binding other than the jkt of cnf: ${what}`,
  rules: ['D-34', 'D-36', 'L13'],
  fault: { token: { boundTo: null, claims } },
  refuse: unbound
}))

const registered: Vector[] = ['jwk', 'jwe', 'kid', 'jku', 'osc'].map((method) => ({
  title: `RFC 7800 §3 rejects a registered confirmation method that is not supported: ${method}`,
  rules: ['AMB-14', 'J-24', 'L14', 'L33'],
  fault: cnf(({ jkt, jwk }) => ({ jkt, [method]: method === 'jwk' ? jwk : 'x' })),
  refuse: wrongBinding
}))

// Any bytes suffice as a certificate, because they are only hashed.
const der = Buffer.from('the DER of a certificate')
const pem = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`
const x5t = createHash('sha256').update(der).digest('base64url')
const showing = (certificate: string | Uint8Array): Options => ({ clientCertificate: () => certificate })
const both = cnf(({ jkt }) => ({ jkt, 'x5t#S256': x5t }))
const certificateOnly = cnf(() => ({ 'x5t#S256': x5t }))
const spoofed: Line[] = [
  ['Client-Cert', `:${der.toString('base64')}:`],
  ['X-Forwarded-Client-Cert', pem.replaceAll('\n', '')],
  ['X-SSL-Client-Cert', der.toString('base64')]
]

const certificates: Vector[] = [
  {
    title: 'RFC 8705 §3 accepts a token that is also bound to a certificate, with that certificate as DER',
    rules: ['X-02', 'X-01'],
    options: showing(der),
    accept: both
  },
  {
    title: 'RFC 8705 §3 accepts a token that is also bound to a certificate, with that certificate as PEM',
    rules: ['X-02', 'X-01'],
    options: showing(pem),
    accept: both
  },
  {
    title: 'RFC 8705 §3 accepts a token that is also bound to a certificate, with that certificate first in a chain',
    rules: ['X-02', 'X-01'],
    options: showing(`${pem}-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`),
    accept: both
  },
  {
    title: 'RFC 8705 §3 a client certificate is ignored when the token is not bound to one',
    rules: ['X-02'],
    options: showing(der),
    accept: {}
  },
  {
    title: 'RFC 8705 §3 rejects a token that is also bound to a certificate, without the option clientCertificate',
    rules: ['X-02', 'J-24', 'AMB-14', 'L14'],
    fault: both,
    refuse: wrongBinding
  },
  {
    title: 'RFC 8705 §3 rejects a token that is also bound to a certificate, without a client certificate',
    rules: ['X-02', 'AMB-14'],
    options: { clientCertificate: () => undefined },
    fault: both,
    refuse: wrongBinding
  },
  {
    title: 'RFC 8705 §3 rejects a token that is also bound to a certificate, with a different certificate',
    rules: ['X-02', 'X-01'],
    options: showing(Buffer.from('another certificate')),
    fault: both,
    refuse: wrongBinding
  },
  {
    title: 'RFC 8705 §3 rejects a token that is also bound to a certificate, with a different DPoP key',
    rules: ['X-02', 'D-30'],
    options: showing(der),
    control: both,
    fault: cnf(() => ({ jkt: key('another ES256').jkt, 'x5t#S256': x5t })),
    refuse: wrongBinding
  },
  {
    title: 'RFC 8705 §3 a token that is bound only to a certificate is rejected under the DPoP scheme',
    rules: ['X-03', 'D-34'],
    options: showing(der),
    control: both,
    fault: certificateOnly,
    refuse: unbound
  },
  {
    title: 'RFC 9440 §2 a certificate in a header field that the client sends is ignored',
    rules: ['X-04', 'C-06'],
    fault: {
      ...both,
      lines: ({ host, token, proof }) => [host, ...spoofed, ['Authorization', `DPoP ${token}`], ['DPoP', proof]]
    },
    refuse: wrongBinding
  },
  ...[1, '', null, 'x', `${x5t}=`].map(
    (hash): Vector => ({
      title: `RFC 8705 §3.1 rejects an x5t#S256 that is not a base64url SHA-256: ${JSON.stringify(hash)}`,
      rules: ['X-02', 'L14'],
      options: showing(der),
      control: both,
      fault: cnf(({ jkt }) => ({ jkt, 'x5t#S256': hash })),
      refuse: wrongBinding
    })
  )
]

const bearer: Recipe = { lines: ({ host, token }) => [host, ['Authorization', `Bearer ${token}`]] }
const asBearer: Vector[] = [
  {
    title: 'RFC 8705 §3 accepts a token that is bound to a certificate as Bearer, with that certificate',
    rules: ['X-01'],
    options: { ...showing(der), allowBearer: true },
    accept: { ...certificateOnly, ...bearer },
    as: acceptedAsBearer
  },
  ...(
    [
      ['without the option clientCertificate', {}],
      ['without a client certificate', { clientCertificate: () => undefined }],
      ['with a different certificate', showing(Buffer.from('another certificate'))]
    ] satisfies [string, Options][]
  ).map(
    ([what, options]): Vector => ({
      title: `RFC 8705 §3 rejects a token that is bound to a certificate as Bearer: ${what}`,
      rules: ['X-01', 'L14', 'L15'],
      options: { ...options, allowBearer: true },
      control: { token: { boundTo: null }, ...bearer },
      controlAs: acceptedAsBearer,
      fault: certificateOnly,
      refuse: invalidToken('TOKEN_BINDING', 'Bearer')
    })
  ),
  {
    title: '§7.2 a token that is bound to a key and a certificate is rejected as Bearer, also with that certificate',
    rules: ['X-02', 'D-50', 'L15'],
    options: { ...showing(der), allowBearer: true },
    control: { ...certificateOnly, ...bearer },
    controlAs: acceptedAsBearer,
    fault: both,
    refuse: invalidToken('TOKEN_BINDING', 'Bearer')
  }
]

function swapCase(text: string): string {
  return text.replace(/[a-z]/gi, (char) => (char === char.toLowerCase() ? char.toUpperCase() : char.toLowerCase()))
}

export const binding: VectorGroup = {
  subject: 'binding',
  vectors: [
    ...other,
    ...malformed,
    ...notObjects,
    ...otherBinding,
    ...none,
    ...elsewhere,
    ...registered,
    ...certificates,
    ...asBearer
  ]
}
