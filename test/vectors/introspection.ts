/** Opaque tokens: RFC 7662 §2, RFC 9701 §5, RFC 9449 §6.2. @module */

import type { Fetch, IntrospectionOptions } from 'dpop-guard'
import type { RuleId } from '../conformance/rules.js'
import { base64url, type Json, key, sha256 } from './forge.js'
import { issuer, makeToken, mix, now, origin, prepare, type Recipe } from './recipe.js'
import {
  accepted,
  acceptedAsBearer,
  invalidProof,
  invalidToken,
  issuerJwks,
  type Options,
  type Refused,
  unavailable,
  type Vector,
  type VectorGroup
} from './vector.js'

const endpoint = `${issuer}/introspect`
const active = (change: Json = {}): Json => ({ active: true, cnf: { jkt: key('ES256').jkt }, ...change })

/** An authorization server with these tokens, which requires requests as in RFC 7662 §2.1. */
function authorizationServer(responses: Readonly<Record<string, unknown>>): Fetch {
  return async (url, { method, headers = {}, body }) => {
    const form = new URLSearchParams(body)
    const names = Object.keys(headers).map((name) => name.toLowerCase())
    const isValid =
      url === endpoint &&
      method === 'POST' &&
      headers['content-type'] === 'application/x-www-form-urlencoded' &&
      headers['authorization'] === `Basic ${btoa('api:secret')}` &&
      !names.includes('dpop') &&
      [...form.keys()].sort().join() === 'token,token_type_hint'
    if (!isValid) return new Response(null, { status: 400 })
    const response = responses[form.get('token') ?? ''] ?? { active: false }
    if (response instanceof Error) throw response
    return typeof response === 'string' ? new Response(response) : Response.json(response)
  }
}

const withResponses = (responses: Readonly<Record<string, unknown>>, more: Partial<IntrospectionOptions> = {}): Options => ({
  issuer: { issuer, jwks: issuerJwks(), introspection: { endpoint, clientId: 'api', clientSecret: 'secret', ...more } },
  fetch: authorizationServer(responses)
})

const opaque = (token: string): Recipe => ({ token: { text: () => token } })

const valid: Vector[] = (
  [
    ['only the key', 'abc', {}, ['D-33', 'D-36']],
    ['characters of token68', 'a-b.c_d~e+f/g==', {}, ['D-14', 'D-40']],
    ['one character', 'x', {}, ['D-14']],
    ['the type DPoP', 'abc', { token_type: 'DPoP' }, ['D-37']],
    ['the type dpop', 'abc', { token_type: 'dpop' }, ['D-37', 'L19']],
    ['all members that are validated', 'abc', { iss: issuer, aud: [origin], exp: now + 60, nbf: now, iat: now }, ['I-03']],
    ['unknown members', 'abc', { foo: 'bar', username: 'u' }, ['J-23']],
    ['aud as a string', 'abc', { aud: origin }, ['I-03']],
    ['an aud of several audiences', 'abc', { aud: ['https://other.example', origin] }, ['I-03']],
    ['exp within the tolerance', 'abc', { exp: now - 4 }, ['I-03', 'A-06']],
    ['nbf within the tolerance', 'abc', { nbf: now + 5 }, ['I-03', 'J-20']],
    ['unknown members of cnf', 'abc', { cnf: { jkt: key('ES256').jkt, foo: 1 } }, ['J-24', 'L33']],
    ['a token in upper case', 'ABC', {}, ['D-14']],
    ['the format of a JWE', 'a.b.c.d.e', {}, ['D-33']]
  ] satisfies [string, string, Json, RuleId[]][]
).map(([what, token, change, rules]) => ({
  title: `RFC 7662 §2.2 accepts an opaque token that is active and bound: ${what}`,
  rules: ['D-33', 'I-01', 'I-06', 'I-07', 'D-38', ...rules],
  options: () => withResponses({ [token]: active(change) }),
  accept: opaque(token)
}))

const invalid: Vector[] = (
  [
    ['unknown', undefined, invalidToken('TOKEN_INVALID'), ['I-02']],
    ['not active', { active: false }, invalidToken('TOKEN_INVALID'), ['I-02', 'L11']],
    ['active is a string', active({ active: 'true' }), invalidToken('TOKEN_INVALID'), ['I-01', 'L11']],
    ['active is a number', active({ active: 1 }), invalidToken('TOKEN_INVALID'), ['I-01', 'L11']],
    ['active is absent', active({ active: undefined }), invalidToken('TOKEN_INVALID'), ['I-01', 'L11']],
    ['expired', active({ exp: now - 60 }), invalidToken('TOKEN_EXPIRED'), ['I-03']],
    ['exp is a string', active({ exp: '1900000060' }), invalidToken('TOKEN_INVALID'), ['I-03']],
    ['valid in one hour', active({ nbf: now + 3600 }), invalidToken('TOKEN_INVALID'), ['I-03']],
    ['for another API', active({ aud: 'https://other.example' }), invalidToken('TOKEN_INVALID'), ['I-03', 'C-02']],
    ['with an empty aud', active({ aud: [] }), invalidToken('TOKEN_INVALID'), ['I-03']],
    ['of another issuer', active({ iss: 'https://evil.example' }), invalidToken('TOKEN_INVALID'), ['I-03', 'B-08']],
    ['bound, with the token_type Bearer', active({ token_type: 'Bearer' }), invalidToken('TOKEN_INVALID'), ['D-37']],
    ['not bound', active({ cnf: undefined }), invalidToken('TOKEN_UNBOUND'), ['D-33', 'D-34', 'F-05']],
    [
      'with a cnf inside another member',
      active({ cnf: undefined, ext: { cnf: { jkt: 'x' } } }),
      invalidToken('TOKEN_UNBOUND'),
      ['D-36']
    ],
    ['with a jkt outside of cnf', active({ cnf: undefined, jkt: 'x' }), invalidToken('TOKEN_UNBOUND'), ['D-36']],
    ['bound to another key', active({ cnf: { jkt: sha256('another') } }), invalidToken('TOKEN_BINDING'), ['D-30']],
    ['cnf is a string', active({ cnf: 'x' }), invalidToken('TOKEN_BINDING'), ['L14', 'D-35']],
    [
      'also bound to a certificate',
      active({ cnf: { jkt: key('ES256').jkt, 'x5t#S256': sha256('x') } }),
      invalidToken('TOKEN_BINDING'),
      ['X-02']
    ]
  ] satisfies [string, Json | undefined, Refused, RuleId[]][]
).map(([what, response, refuse, rules]) => ({
  title: `RFC 7662 §2.2 rejects an opaque token: ${what}`,
  rules: [...rules, 'A-07'],
  options: () => withResponses({ valid: active(), invalid: response }),
  control: opaque('valid'),
  fault: opaque('invalid'),
  refuse
}))

const introspectionUnavailable = unavailable('ERR_DPOP_INTROSPECTION_UNAVAILABLE')
const outages: Vector[] = (
  [
    ['unreachable', new TypeError('fetch failed')],
    ['HTML', '<html>'],
    ['a list', []],
    ['null', 'null'],
    ['truncated JSON', '{"active":true']
  ] satisfies [string, unknown][]
).map(([what, response]) => ({
  title: `RFC 7662 §2 an invalid introspection response results in 503: ${what}`,
  rules: ['I-08', 'L44'],
  options: () => withResponses({ valid: active(), invalid: response }),
  steps: () => [
    { send: prepare(opaque('valid')), expect: accepted },
    { send: prepare(opaque('invalid')), expect: introspectionUnavailable }
  ]
}))

const jwt = (introspected: Json, header: Json = {}, claims: Json = {}, signedBy: 'issuer' | 'RSA' = 'issuer'): string =>
  makeToken(
    {
      boundTo: null,
      signedBy,
      header: { typ: 'token-introspection+jwt', alg: 'RS256', ...header },
      claims: { aud: 'api', token_introspection: introspected, ...claims }
    },
    key('ES256')
  )

const signed: Vector[] = [
  {
    title: 'RFC 9701 §5 accepts a signed response',
    rules: ['I-09', 'I-10'],
    options: () => withResponses({ abc: jwt(active()) }, { signedResponse: true }),
    accept: opaque('abc')
  },
  ...(
    [
      ['an unsigned response', () => active()],
      ['a response for another client', () => jwt(active(), {}, { aud: 'other' })],
      ['a response of another issuer', () => jwt(active(), {}, { iss: 'https://evil.example' })],
      ['a response of another type', () => jwt(active(), { typ: 'JWT' })],
      ['a response signed with another key', () => jwt(active(), {}, {}, 'RSA')],
      ['an old response', () => jwt(active(), {}, { iat: now - 3600 })],
      ['a response with the members outside of the claim', () => jwt({}, {}, { ...active(), token_introspection: undefined })]
    ] satisfies [string, () => unknown][]
  ).map(
    ([what, response]): Vector => ({
      title: `RFC 9701 §5 rejects other responses if signed ones are required: ${what}`,
      rules: ['I-10', 'I-08'],
      options: () => withResponses({ valid: jwt(active()), invalid: response() }, { signedResponse: true }),
      steps: () => [
        { send: prepare(opaque('valid')), expect: accepted },
        { send: prepare(opaque('invalid')), expect: introspectionUnavailable }
      ]
    })
  )
]

const cached: Vector[] = [
  {
    title: '§7.1 the proof is verified on every request with a cached opaque token',
    rules: ['I-05', 'D-41'],
    options: () => withResponses({ abc: active() }),
    steps: () => [
      { send: prepare(opaque('abc')), expect: accepted },
      { send: prepare(mix(opaque('abc'), { proof: { signedBy: 'another ES256' } })), expect: invalidProof('PROOF_SIGNATURE') },
      { send: prepare(mix(opaque('abc'), { key: 'another ES256' })), expect: invalidToken('TOKEN_BINDING') },
      { send: prepare(opaque('abc')), expect: accepted }
    ]
  },
  {
    title: 'RFC 7662 §4 a cached introspection response is not used after the exp of the token',
    rules: ['I-04', 'I-03'],
    options: () => withResponses({ abc: active({ exp: now + 10 }) }, { maxCacheSeconds: 3600 }),
    steps: () => [
      { send: prepare(opaque('abc')), expect: accepted },
      { at: 9, send: prepare(opaque('abc')), expect: accepted },
      { at: 20, send: prepare(opaque('abc')), expect: invalidToken('TOKEN_EXPIRED') }
    ]
  },
  {
    title: 'RFC 7662 §4 a revoked token is rejected once its cached introspection response has expired',
    rules: ['I-04', 'F-03'],
    options: (elapsed) => ({
      ...withResponses({}),
      fetch: (...call) => authorizationServer({ abc: elapsed() < 10 ? active() : { active: false } })(...call)
    }),
    steps: () => [
      { send: prepare(opaque('abc')), expect: accepted },
      {
        at: 31,
        send: prepare(mix(opaque('abc'), { proof: { claims: { iat: now + 31 } } })),
        expect: invalidToken('TOKEN_INVALID')
      }
    ]
  }
]

const withOtherTokens: Vector[] = [
  {
    title: 'RFC 9068 §4 JWTs are verified locally if opaque tokens are accepted',
    rules: ['D-33', 'A-05'],
    options: () => withResponses({}),
    accept: {}
  },
  {
    title: 'RFC 9068 §4 an invalid JWT is not introspected when opaque tokens are accepted',
    rules: ['A-05', 'A-07'],
    options: () => withResponses({}),
    fault: { token: { signedBy: 'RSA', header: { alg: 'RS256' } } },
    refuse: invalidToken('TOKEN_INVALID')
  },
  {
    title: 'RFC 7662 §2.2 a revoked JWT is rejected with tokens: all',
    rules: ['F-03', 'I-02', 'AMB-30'],
    options: () => ({
      ...withResponses({}, { tokens: 'all' }),
      fetch: async (_url, { body }) => {
        const [, payload = ''] = (new URLSearchParams(body).get('token') ?? '').split('.')
        const { jti } = JSON.parse(Buffer.from(payload, 'base64url').toString())
        return Response.json({ active: jti !== 'revoked' })
      }
    }),
    fault: { token: { claims: { jti: 'revoked' } } },
    refuse: invalidToken('TOKEN_INVALID')
  },
  {
    title: 'RFC 7662 §2 an opaque token is rejected without introspection',
    rules: ['D-33', 'A-05'],
    fault: opaque(base64url('opaque')),
    refuse: invalidToken('TOKEN_INVALID')
  },
  {
    title: '§7.2 rejects a bound opaque token as Bearer',
    rules: ['D-51', 'D-50', 'L15'],
    options: () => ({ ...withResponses({ bound: active(), unbound: { active: true } }), allowBearer: true }),
    control: { ...opaque('unbound'), lines: ({ host, token }) => [host, ['Authorization', `Bearer ${token}`]] },
    controlAs: acceptedAsBearer,
    fault: opaque('bound'),
    refuse: invalidToken('TOKEN_BINDING', 'Bearer')
  }
]

export const introspection: VectorGroup = {
  subject: 'introspection',
  vectors: [...valid, ...invalid, ...outages, ...signed, ...cached, ...withOtherTokens]
}
