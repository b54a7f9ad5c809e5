/** The claims of the proof and the values that they are compared with: RFC 9449 §4.2, §4.3 checks 3, 8 and 12; RFC 9110 §9.1. @module */

import { createHash } from 'node:crypto'
import type { RuleId } from '../conformance/rules.js'
import { aliasOf, sha256 } from './forge.js'
import type { Given } from './recipe.js'
import { invalidProof, type Vector, type VectorGroup, when } from './vector.js'

const required = ['jti', 'htm', 'htu', 'iat', 'ath'] as const

const missing: Vector[] = required.map((claim) => ({
  title: `§4.3#3 rejects a proof without a required claim: ${claim}`,
  rules: ['D-11', 'D-20', ...when(claim === 'ath', 'D-12', 'L12')],
  fault: { proof: { claims: { [claim]: undefined } } },
  refuse: invalidProof('PROOF_CLAIMS')
}))

const wrongValues: Record<(typeof required)[number], readonly unknown[]> = {
  jti: [1, true, null, {}, ['jti'], ''],
  htm: [1, true, null, { GET: 1 }, ['GET']],
  htu: [1, true, null, { href: 'https://api.example/r' }, ['https://api.example/r']],
  iat: ['1900000000', true, null, {}, [1_900_000_000], 'NaN'],
  ath: [1, true, null, {}, ['ath']]
}

const wrongTypes: Vector[] = required.flatMap((claim) =>
  wrongValues[claim].map((value) => ({
    title: `§4.2 rejects a required claim of another type: ${claim} is ${JSON.stringify(value)}`,
    rules: ['D-11', 'D-20', ...when(claim === 'jti', 'L16', 'D-17'), ...when(claim === 'iat', 'J-22', 'D-28')],
    fault: { proof: { claims: { [claim]: value } } },
    refuse: invalidProof('PROOF_CLAIMS')
  }))
)

const optionalTypes: Vector[] = (['exp', 'nbf'] as const).flatMap((claim) =>
  ['1900000000', true, {}, [1]].map((value) => ({
    title: `RFC 7519 §4.1 rejects an optional claim of another type: ${claim} is ${JSON.stringify(value)}`,
    rules: ['J-20', 'J-22', 'AMB-25'],
    fault: { proof: { claims: { [claim]: value } } },
    refuse: invalidProof('PROOF_CLAIMS')
  }))
)

const nonces: Vector[] = ['', 'n-0S6_WzA2Mj', 1, true, {}, null].map((nonce) => ({
  title: `§4.2 ignores a nonce while nonces are disabled: ${JSON.stringify(nonce)}`,
  rules: ['AMB-13', 'D-16'],
  accept: { proof: { claims: { nonce } } }
}))

const identifiers: Vector[] = (
  [
    ['a UUID', 'f81d4fae-7dec-11d0-a765-00a0c91e6bf6'],
    ['one character', 'x'],
    ['256 characters', 'x'.repeat(256)],
    ['any characters', ' \u0000"\\\n日本 🔑'],
    ['a name of a property', '__proto__']
  ] satisfies [string, string][]
).map(([what, jti]) => ({
  title: `§4.2 accepts any non-empty string as jti: ${what}`,
  rules: ['D-17', 'D-47'],
  accept: { proof: { claims: { jti } } }
}))

const largeIdentifiers: Vector[] = [257, 2000].map((length) => ({
  title: `§11.1 rejects an unnecessarily large jti: ${length} characters`,
  rules: ['D-47', 'D-17', 'L9', 'L16'],
  fault: { proof: { claims: { jti: 'x'.repeat(length) } } },
  refuse: invalidProof('PROOF_CLAIMS')
}))

/** The methods that the parser of Node.js accepts, except CONNECT, which has no URI. */
const methods: Vector[] = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE'],
  ...['ACL', 'BIND', 'CHECKOUT', 'COPY', 'LINK', 'LOCK', 'M-SEARCH', 'MERGE', 'MKACTIVITY', 'MKCALENDAR', 'MKCOL', 'MOVE'],
  ...['NOTIFY', 'PROPFIND', 'PROPPATCH', 'PURGE', 'QUERY', 'REBIND', 'REPORT', 'SEARCH', 'SOURCE', 'SUBSCRIBE'],
  ...['UNBIND', 'UNLINK', 'UNLOCK', 'UNSUBSCRIBE']
].map((method) => ({
  title: `§4.3#8 accepts an htm equal to the method: ${method}`,
  rules: ['D-25', 'L34', ...when(method === 'HEAD', 'H-14', 'AMB-09')],
  accept: { method }
}))

const ownMethods: Vector[] = ['FROB', 'get', 'Patch'].map((method) => ({
  title: `RFC 9110 §9.1 accepts any token as method and htm: ${method}`,
  rules: ['D-25', 'H-13', 'AMB-08', 'L34'],
  node: 400 as const,
  accept: { method }
}))

const wrongMethods: Vector[] = (
  [
    ['GET', 'PUT', []],
    ['POST', 'GET', []],
    ['GET', 'get', ['AMB-08', 'L19', 'H-13']],
    ['POST', 'Post', ['AMB-08', 'L19', 'H-13']],
    ['PROPFIND', 'propfind', ['AMB-08', 'L19']],
    ['GET', ' GET', []],
    ['GET', 'GET ', []],
    ['GET', '', []],
    ['GET', '*', []],
    ['GET', 'GET,POST', []],
    ['HEAD', 'GET', ['H-14', 'AMB-09']],
    ['GET', 'HEAD', ['H-14', 'AMB-09']],
    ['OPTIONS', 'GET', []]
  ] satisfies [string, string, RuleId[]][]
).map(([method, htm, rules]) => ({
  title: `§4.3#8 rejects an htm other than the method: ${JSON.stringify(htm)} for ${method}`,
  rules: ['D-25', ...rules],
  control: { method },
  fault: { proof: { claims: { htm } } },
  refuse: invalidProof('PROOF_HTM')
}))

const override: Vector = {
  title: '§4.3#8 rejects an htm that is the method of an override',
  rules: ['AMB-09', 'D-25'],
  control: { method: 'POST' },
  fault: {
    proof: { claims: { htm: 'DELETE' } },
    lines: ({ host, token, proof }) => [
      host,
      ['X-HTTP-Method-Override', 'DELETE'],
      ['Authorization', `DPoP ${token}`],
      ['DPoP', proof]
    ]
  },
  refuse: invalidProof('PROOF_HTM')
}

const digest = (algorithm: string, encoding: 'hex' | 'base64' | 'base64url') => (token: string) =>
  createHash(algorithm).update(token).digest(encoding)

const wrongHashes: Vector[] = (
  [
    ['of another token', () => sha256('another token')],
    ['in hex', digest('sha256', 'hex')],
    ['in padded base64url', (token) => `${sha256(token)}=`],
    ['in base64', digest('sha256', 'base64')],
    ['of SHA-512', digest('sha512', 'base64url')],
    ['of SHA-1', digest('sha1', 'base64url')],
    ['of half the length', (token) => createHash('sha256').update(token).digest().subarray(0, 16).toString('base64url')],
    ['in upper case', (token) => sha256(token).toUpperCase()],
    ['with unused bits that are not zero', (token) => aliasOf(sha256(token))],
    ['of the whole field value', (token) => sha256(`DPoP ${token}`)],
    ['of the payload of the token', (token) => sha256(token.split('.')[1] as string)],
    ['with a line break', (token) => `${sha256(token)}\n`],
    ['empty', () => ''],
    ['the token itself', (token) => token]
  ] satisfies [string, (token: string) => string][]
).map(([what, hash]) => ({
  title: `§4.3#12 rejects an ath other than the base64url SHA-256 of the token: a hash ${what}`,
  rules: ['D-13', 'D-29', 'D-12', 'D-80', 'L12'],
  fault: { proof: { claims: ({ token }: Given) => ({ ath: hash(token) }) } },
  refuse: invalidProof('PROOF_ATH')
}))

export const claims: VectorGroup = {
  subject: 'claims of the proof',
  vectors: [
    ...methods,
    ...ownMethods,
    ...identifiers,
    ...nonces,
    ...missing,
    ...wrongTypes,
    ...optionalTypes,
    ...largeIdentifiers,
    ...wrongMethods,
    override,
    ...wrongHashes
  ]
}
