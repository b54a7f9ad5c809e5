/** Bearer and DPoP, anonymous requests, and scopes: RFC 9449 §7.2, RFC 6750 §3. @module */

import type { Line, Recipe, Sent } from './recipe.js'
import {
  acceptedAsBearer,
  anonymous,
  invalidProof,
  invalidRequest,
  invalidToken,
  lacksScope,
  noCredentials,
  type Vector,
  type VectorGroup,
  when
} from './vector.js'

const options = { allowBearer: true }
const unbound = { boundTo: null }
const lines = (make: (sent: Sent) => readonly Line[]): Recipe => ({ lines: (sent) => [sent.host, ...make(sent)] })
const asBearer = (value = (token: string) => `Bearer ${token}`): Recipe => lines(({ token }) => [['Authorization', value(token)]])
/** An unbound token as Bearer: the control of all rejected Bearer requests. */
const plain: Recipe = { token: unbound, ...asBearer() }
const withControl = { options, control: plain, controlAs: acceptedAsBearer }

const acceptedBearer: Vector[] = (
  [
    ['Bearer', asBearer()],
    ['bearer in lower case', asBearer((token) => `bearer ${token}`)],
    ['BEARER in upper case', asBearer((token) => `BEARER ${token}`)],
    ['two spaces', asBearer((token) => `Bearer  ${token}`)],
    [
      'with a valid proof, which is ignored',
      lines(({ token, proof }) => [
        ['Authorization', `Bearer ${token}`],
        ['DPoP', proof]
      ])
    ],
    [
      'with an invalid proof, which is ignored',
      lines(({ token }) => [
        ['Authorization', `Bearer ${token}`],
        ['DPoP', 'x']
      ])
    ]
  ] satisfies [string, Recipe][]
).map(([what, recipe]) => ({
  title: `§7.2 accepts an unbound token as Bearer with allowBearer: ${what}`,
  rules: ['L19', 'W-08', 'H-06', 'F-01', ...when(/proof/.test(what), 'AMB-15')],
  options,
  accept: { token: unbound, ...recipe },
  as: acceptedAsBearer
}))

const stillDPoP: Vector[] = [
  {
    title: '§7.2 accepts a DPoP request with allowBearer',
    rules: ['D-50', 'D-41'],
    options,
    accept: {}
  },
  {
    title: '§7.2 requires a proof for the DPoP scheme with allowBearer',
    rules: ['D-39', 'D-54', 'AMB-05'],
    options,
    fault: lines(({ token }) => [['Authorization', `DPoP ${token}`]]),
    refuse: invalidProof('PROOF_MISSING')
  },
  {
    title: '§7.2 rejects an unbound token with the DPoP scheme with allowBearer',
    rules: ['D-34', 'F-05', 'D-54'],
    options,
    fault: { token: unbound },
    refuse: invalidToken('TOKEN_UNBOUND')
  },
  {
    title: '§7.2 only the challenge of the scheme of the request has the error: DPoP',
    rules: ['D-54', 'D-52', 'D-43'],
    options,
    fault: lines(({ proof }) => [
      ['Authorization', 'DPoP garbage'],
      ['DPoP', proof]
    ]),
    refuse: invalidProof('PROOF_ATH')
  }
]

const refusedBearer: Vector[] = [
  ...(
    [
      [
        'with its proof',
        lines(({ token, proof }) => [
          ['Authorization', `Bearer ${token}`],
          ['DPoP', proof]
        ])
      ],
      ['without a proof', asBearer()],
      ['under bearer in lower case', asBearer((token) => `bearer ${token}`)]
    ] satisfies [string, Recipe][]
  ).map(
    ([what, recipe]): Vector => ({
      title: `§7.2 rejects a bound token as Bearer: ${what}`,
      rules: ['D-50', 'D-54', 'D-52', 'L15', 'D-41'],
      ...withControl,
      fault: { token: { boundTo: 'ES256' }, ...recipe },
      refuse: invalidToken('TOKEN_BINDING', 'Bearer')
    })
  ),
  ...(
    [
      ['empty', {}],
      ['with an unregistered member', { foo: 'bar' }],
      ['a string', 'x'],
      ['null', null],
      ['a list', []],
      ['with a jkt that is a number', { jkt: 1 }],
      ['with an empty jkt', { jkt: '' }],
      ['with a jwk', { jwk: { kty: 'EC' } }],
      ['with a kid', { kid: 'x' }]
    ] satisfies [string, unknown][]
  ).map(
    ([what, cnf]): Vector => ({
      title: `§7.2 rejects a token with an unknown or malformed cnf as Bearer: cnf ${what}`,
      rules: ['L14', 'D-50', 'AMB-14'],
      ...withControl,
      fault: { token: { claims: { cnf } } },
      refuse: invalidToken('TOKEN_BINDING', 'Bearer')
    })
  ),
  {
    title: '§7.2 only the challenge of the scheme of the request has the error: Bearer',
    rules: ['D-54', 'D-52', 'D-43', 'W-05'],
    ...withControl,
    fault: lines(() => [['Authorization', 'Bearer garbage']]),
    refuse: invalidToken('TOKEN_INVALID', 'Bearer')
  },
  {
    title: 'RFC 6750 §3.1 rejects an expired Bearer token',
    rules: ['W-05', 'W-06', 'A-07', 'D-54'],
    ...withControl,
    fault: { token: { claims: { exp: 1 } } },
    refuse: invalidToken('TOKEN_EXPIRED', 'Bearer')
  },
  {
    title: '§11.5 rejects a proof as a Bearer token',
    rules: ['D-77', 'B-13'],
    ...withControl,
    fault: lines(({ proof }) => [['Authorization', `Bearer ${proof}`]]),
    refuse: invalidToken('TOKEN_INVALID', 'Bearer')
  },
  ...(
    [
      ['no token', 'Bearer'],
      ['two tokens', 'Bearer a b'],
      ['a comma', 'Bearer a,'],
      ['an auth-param', 'Bearer token="a"']
    ] satisfies [string, string][]
  ).map(
    ([what, value]): Vector => ({
      title: `RFC 6750 §2.1 rejects malformed Bearer credentials: ${what}`,
      rules: ['W-06', 'D-54'],
      ...withControl,
      fault: lines(() => [['Authorization', value]]),
      refuse: invalidRequest('AUTHORIZATION_MALFORMED', 'Bearer')
    })
  ),
  {
    title: '§7.2 both challenges have the error if the request has both schemes',
    rules: ['D-55', 'AMB-16', 'D-52'],
    only: 'lines',
    ...withControl,
    fault: lines(({ token }) => [
      ['Authorization', `Bearer ${token}`],
      ['Authorization', `DPoP ${token}`]
    ]),
    refuse: invalidRequest('AUTHORIZATION_MALFORMED', 'both')
  },
  ...(
    [
      ['no header fields', () => []],
      ['another scheme', () => [['Authorization', 'Basic dTpw']]],
      ['a proof without a token', ({ proof }) => [['DPoP', proof]]]
    ] satisfies [string, (sent: Sent) => readonly Line[]][]
  ).map(
    ([what, make]): Vector => ({
      title: `§7.2 a request without credentials gets both challenges without an error: ${what}`,
      rules: ['D-52', 'D-53', 'W-02', 'W-07', 'AMB-24', 'H-11'],
      ...withControl,
      fault: lines(make),
      refuse: noCredentials
    })
  )
]

const optional: Vector[] = [
  {
    title: 'L22 accepts a request without credentials as anonymous with optional',
    rules: ['L22'],
    options: { optional: true },
    accept: lines(() => []),
    as: anonymous
  },
  {
    title: 'L22 accepts valid credentials with optional',
    rules: ['L22'],
    options: { optional: true },
    accept: {}
  },
  {
    title: 'L22 accepts a request without credentials as anonymous with optional and allowBearer',
    rules: ['L22'],
    options: { optional: true, allowBearer: true },
    accept: lines(() => []),
    as: anonymous
  },
  {
    title: 'L22 accepts a Bearer token with optional and allowBearer',
    rules: ['L22'],
    options: { optional: true, allowBearer: true },
    accept: plain,
    as: acceptedAsBearer
  },
  ...(
    [
      ['an expired token', { token: { claims: { exp: 1 } } }, invalidToken('TOKEN_EXPIRED')],
      ['an invalid proof', { proof: { claims: { htm: 'PUT' } } }, invalidProof('PROOF_HTM')],
      ['an unbound token', { token: unbound }, invalidToken('TOKEN_UNBOUND')],
      ['a token without a proof', lines(({ token }) => [['Authorization', `DPoP ${token}`]]), invalidProof('PROOF_MISSING')],
      ['a bound token as Bearer', asBearer(), invalidToken('SCHEME_NOT_ALLOWED')],
      ['a proof without a token', lines(({ proof }) => [['DPoP', proof]]), noCredentials],
      ['another scheme', lines(() => [['Authorization', 'Basic dTpw']]), noCredentials],
      ['an empty Authorization field', lines(() => [['Authorization', '']]), noCredentials],
      ['the scheme without a token', lines(() => [['Authorization', 'DPoP']]), invalidRequest('AUTHORIZATION_MALFORMED')]
    ] as const
  ).map(
    ([what, fault, refuse]): Vector => ({
      title: `L22 rejects invalid credentials with optional: ${what}`,
      rules: ['L22', 'D-41'],
      options: { optional: true },
      fault,
      refuse
    })
  )
]

const scope = (granted: unknown): Recipe => ({ token: { claims: { scope: granted } } })
const scopes: Vector[] = [
  ...(
    [
      ['the only one', 'notes:write', ['notes:write']],
      ['one of several', 'openid notes:write notes:read', ['notes:write']],
      ['all of several', 'a b c', ['c', 'a']],
      ['an array, as some servers send it', ['notes:read', 'notes:write'], ['notes:write']],
      ['additional spaces', ' a  b ', ['a', 'b']],
      ['no required scope', 'anything', []]
    ] satisfies [string, unknown, string[]][]
  ).map(
    ([what, granted, needed]): Vector => ({
      title: `RFC 9068 §4 accepts a token with the scopes of the route: ${what}`,
      rules: ['A-08', 'C-03', 'F-04'],
      scopes: needed,
      accept: scope(granted)
    })
  ),
  ...(
    [
      ['another one', 'notes:read', ['notes:write']],
      ['one of two', 'a', ['a', 'b']],
      ['a longer name', 'notes:writer', ['notes:write']],
      ['a shorter name', 'notes', ['notes:write']],
      ['another case', 'NOTES:WRITE', ['notes:write']],
      ['none', undefined, ['notes:write']],
      ['empty', '', ['notes:write']],
      ['commas instead of spaces', 'notes:read,notes:write', ['notes:write']],
      ['a number', 1, ['1']],
      ['an object', { 'notes:write': true }, ['notes:write']],
      ['an array of other values', [['notes:write'], 1, null], ['notes:write']],
      ['a tab instead of a space', 'notes:read\tnotes:write', ['notes:write']]
    ] satisfies [string, unknown, string[]][]
  ).map(
    ([what, granted, needed]): Vector => ({
      title: `RFC 6750 §3.1 rejects a token without the scopes of the route: ${what}`,
      rules: ['A-08', 'C-03', 'F-04', 'W-06', 'P-M2', 'H-10'],
      scopes: needed,
      control: scope(granted),
      fault: {},
      refuse: lacksScope('SCOPE_INSUFFICIENT')
    })
  ),
  {
    title: '§7.2 insufficient_scope is in the challenge of the scheme of the request: DPoP, with allowBearer',
    rules: ['W-06', 'D-54', 'L42'],
    options,
    scopes: ['notes:write'],
    control: {},
    fault: {},
    refuse: lacksScope('SCOPE_INSUFFICIENT')
  },
  {
    title: '§7.2 insufficient_scope is in the challenge of the scheme of the request: Bearer',
    rules: ['W-06', 'D-54', 'L42'],
    ...withControl,
    scopes: ['notes:write'],
    fault: {},
    refuse: lacksScope('SCOPE_INSUFFICIENT', 'Bearer')
  },
  {
    title: '§4.3 an invalid proof is rejected before scopes are checked',
    rules: ['D-41', 'A-07'],
    scopes: ['notes:read'],
    fault: { proof: { signedBy: 'another ES256' } },
    refuse: invalidProof('PROOF_SIGNATURE')
  }
]

/** Strings that, copied into a response, would end a parameter, start a header field line or be invalid. */
const texts = ['"', '\\', '", error="x', '\r\nSet-Cookie: a=b', 'é', '日本', '\0', '%0d%0a', "';--"]
const reflected: Vector[] = texts.flatMap((text): Vector[] => [
  {
    title: `RFC 6750 §3 a challenge has no part of the request: ${JSON.stringify(text)} in the claims of a proof`,
    rules: ['W-04', 'L40', 'H-04', 'W-03', 'H-07'],
    fault: { proof: { claims: { htm: text, htu: text, nonce: text, ath: text } } },
    refuse: invalidProof('PROOF_HTM')
  },
  {
    title: `RFC 6750 §3 a challenge has no part of the request: ${JSON.stringify(text)} in the header of a proof`,
    rules: ['W-04', 'L40', 'H-04', 'W-03', 'H-07'],
    fault: { proof: { header: { alg: text, kid: text }, signAs: 'ES256' } },
    refuse: invalidProof('PROOF_ALG')
  },
  {
    title: `RFC 6750 §3 a challenge has no part of the request: ${JSON.stringify(text)} in a token`,
    rules: ['W-04', 'L40', 'H-04', 'W-03', 'H-07'],
    fault: { token: { header: { kid: text }, claims: { iss: text, aud: text, scope: text } } },
    refuse: invalidToken('TOKEN_INVALID')
  }
])

const harmless: Vector[] = texts.map((text) => ({
  title: `§4.2 accepts any string in unknown claims: ${JSON.stringify(text)}`,
  rules: ['D-16', 'L40'],
  accept: { proof: { claims: { jti: `x${text}`, note: text }, header: { kid: text } }, token: { claims: { note: text } } }
}))

export const bearer: VectorGroup = {
  subject: 'Bearer, anonymous, scopes, challenges',
  vectors: [...acceptedBearer, ...harmless, ...stillDPoP, ...refusedBearer, ...optional, ...scopes, ...reflected]
}
