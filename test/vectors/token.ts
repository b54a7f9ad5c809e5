/** The access token: RFC 9068 §2 and §4, RFC 7519 §4.1, RFC 8725, RFC 8414. @module */

import type { RuleId } from '../conformance/rules.js'
import { aliasOf, base64url, type Json, join, type KeyName, key, split } from './forge.js'
import { issuer, mix, now, origin, prepare, type Recipe, type TokenRecipe } from './recipe.js'
import {
  accepted,
  invalidToken,
  issuerJwks,
  type Options,
  type Step,
  tokenOf,
  unavailable,
  type Vector,
  type VectorGroup,
  when
} from './vector.js'

const claims = (change: Json): Recipe => ({ token: { claims: change } })
const header = (change: Json): Recipe => ({ token: { header: change } })
const invalid = invalidToken('TOKEN_INVALID')
const any: Options = { token: { type: 'any' } }

const acceptedTypes: Vector[] = ['at+jwt', 'application/at+jwt', 'AT+JWT', 'application/AT+JWT'].map((typ) => ({
  title: `RFC 9068 §4 accepts the typ of an access token: ${typ}`,
  rules: ['A-01', 'B-12'],
  accept: header({ typ })
}))

const rejectedTypes: Vector[] = [
  ...['JWT', 'jwt', 'application/jwt', 'at-jwt', 'text/at+jwt', '', 1, null, undefined],
  ...['dpop+jwt', 'token-introspection+jwt', 'logout+jwt', 'secevent+jwt', 'oauth-authz-req+jwt', 'client-authentication+jwt']
].map((typ) => ({
  title: `RFC 9068 §4 rejects a typ other than that of an access token: ${typ === undefined ? 'absent' : JSON.stringify(typ)}`,
  rules: ['A-01', 'B-12', 'A-07', ...when(typ === 'token-introspection+jwt', 'I-11')],
  fault: header({ typ }),
  refuse: invalid
}))

const otherTypes: Vector[] = [
  ...(['JWT', 'jwt', 'at+jwt', 'anything', undefined] as const).map(
    (typ): Vector => ({
      title: `RFC 9068 §4 accepts other types with token.type any: typ ${typ ?? 'absent'}`,
      rules: ['A-01'],
      options: any,
      accept: header({ typ })
    })
  ),
  {
    title: 'RFC 9068 §2.2 accepts a token without the claims of the profile with token.type any',
    rules: ['A-09'],
    options: any,
    accept: claims({ sub: undefined, client_id: undefined, iat: undefined, jti: undefined })
  },
  ...['dpop+jwt', 'DPoP+JWT', 'application/dpop+jwt', 'token-introspection+jwt', 'logout+jwt', 'secevent+jwt'].map(
    (typ): Vector => ({
      title: `RFC 8725 §3.12 rejects another kind of JWT with token.type any: ${typ}`,
      rules: ['B-13', 'A-01', 'D-77', ...when(typ.startsWith('token-'), 'I-11')],
      options: any,
      fault: header({ typ }),
      refuse: invalid
    })
  ),
  ...['iss', 'aud', 'exp'].map(
    (claim): Vector => ({
      title: `RFC 8725 §3.9 rejects a token without a claim that is always required: ${claim}`,
      rules: ['B-10', 'B-08', 'J-20'],
      options: any,
      fault: claims({ [claim]: undefined }),
      refuse: invalid
    })
  )
]

const required: Vector[] = ['iss', 'exp', 'aud', 'sub', 'client_id', 'iat', 'jti'].map((claim) => ({
  title: `RFC 9068 §2.2 rejects a token without a required claim: ${claim}`,
  rules: ['A-09', 'A-07', ...when(claim === 'aud', 'B-10', 'A-04'), ...when(claim === 'iss', 'B-08', 'A-03')],
  fault: claims({ [claim]: undefined }),
  refuse: invalid
}))

const wrongTypes: Vector[] = (
  [
    ['sub', 1],
    ['sub', ''],
    ['client_id', 1],
    ['client_id', null],
    ['jti', 1],
    ['jti', ''],
    ['iat', '1900000000'],
    ['exp', '1900000000'],
    ['exp', null],
    ['nbf', '1900000000'],
    ['iss', 1],
    ['iss', [issuer]]
  ] satisfies [string, unknown][]
).map(([claim, value]) => ({
  title: `RFC 9068 §2.2 rejects a claim of another type: ${claim} is ${JSON.stringify(value)}`,
  rules: ['A-09', 'A-07', 'J-22'],
  fault: claims({ [claim]: value }),
  refuse: invalid
}))

const audiences: Vector[] = (
  [
    ['a string', origin],
    ['in a list', [origin]],
    ['among others', ['https://other.example', origin]]
  ] satisfies [string, unknown][]
).map(([what, aud]) => ({
  title: `RFC 9068 §4 accepts an aud with the identifier of the API: ${what}`,
  rules: ['A-04', 'J-21', 'C-02'],
  accept: claims({ aud })
}))

const wrongAudiences: Vector[] = (
  [
    ['another API', 'https://other.example'],
    ['other APIs', ['https://other.example', 'https://another.example']],
    ['an empty list', []],
    ['a number', 1],
    ['empty', ''],
    ['null', null],
    ['an object', { [origin]: true }],
    ['the identifier with a trailing slash', `${origin}/`],
    ['the identifier in another case', origin.toUpperCase()],
    ['the identifier as a prefix', `${origin}.evil.example`],
    ['a list in a list', [[origin]]]
  ] satisfies [string, unknown][]
).map(([what, aud]) => ({
  title: `RFC 9068 §4 rejects an aud without the identifier of the API: ${what}`,
  rules: ['A-04', 'J-21', 'B-10', 'C-02', 'A-07', 'P-M2', 'P-M9', 'M-13', 'M-14'],
  fault: claims({ aud }),
  refuse: invalid
}))

const resources = [`${origin}/mcp`, `${origin}/notes`]

const ownAudience: Vector[] = [
  {
    title: 'RFC 8707 §2 accepts an aud that is one of several resources',
    rules: ['R-01'],
    options: { audience: resources },
    accept: claims({ aud: `${origin}/notes` })
  },
  {
    title: 'RFC 8707 §2 rejects an aud that is none of several resources',
    rules: ['R-01', 'A-04'],
    options: { audience: resources },
    control: claims({ aud: `${origin}/mcp` }),
    fault: claims({ aud: `${origin}/admin` }),
    refuse: invalid
  },
  ...[origin, 'api://notes'].map(
    (aud): Vector => ({
      title: `RFC 8707 §2 accepts the resource or an audience that the authorization server uses instead: ${aud}`,
      rules: ['R-02'],
      options: { audience: [origin, 'api://notes'] },
      accept: claims({ aud })
    })
  ),
  {
    title: 'RFC 9068 §4 accepts an aud that is a configured audience',
    rules: ['A-04', 'J-21'],
    options: { audience: ['urn:api', 'https://api.example/v2'] },
    accept: claims({ aud: 'urn:api' })
  },
  {
    title: 'RFC 9068 §4 rejects the base URL as aud if another audience is configured',
    rules: ['A-04', 'J-21'],
    options: { audience: 'urn:api' },
    control: claims({ aud: 'urn:api' }),
    fault: claims({ aud: origin }),
    refuse: invalid
  }
]

const issuers: Vector[] = (
  [
    ['another', 'https://evil.example'],
    ['the issuer with a trailing slash', `${issuer}/`],
    ['the issuer in another case', 'https://ISSUER.example'],
    ['the issuer with a port', `${issuer}:443`],
    ['the issuer as a prefix', `${issuer}.evil.example`],
    ['http', issuer.replace('https', 'http')],
    ['empty', ''],
    ['a name of a property', '__proto__']
  ] satisfies [string, string][]
).map(([what, iss]) => ({
  title: `RFC 9068 §4 rejects an iss that is not exactly a configured issuer: ${what}`,
  rules: ['A-03', 'B-08', 'M-13', 'A-07'],
  fault: claims({ iss }),
  refuse: invalid
}))

const other = 'https://other-issuer.example'
const two = (): Options => ({
  issuer: [
    { issuer, jwks: issuerJwks() },
    {
      issuer: other,
      audience: 'urn:other',
      algorithms: ['ES256'],
      jwks: { keys: [{ ...key('another issuer').jwk, kid: 'key-1', alg: 'ES256' }] }
    }
  ]
})
const ofOther: Recipe = { token: { signedBy: 'another issuer', claims: { iss: other, aud: 'urn:other' } } }
const severalIssuers: Vector[] = [
  {
    title: 'RFC 8725 §3.8 accepts a token with the keys and the audience of its issuer: the first of two',
    rules: ['B-08', 'A-03'],
    options: two,
    accept: {}
  },
  {
    title: 'RFC 8725 §3.8 accepts a token with the keys and the audience of its issuer: the second of two',
    rules: ['B-08', 'A-03'],
    options: two,
    accept: ofOther
  },
  {
    title: 'RFC 8725 §3.8 a token signed with the key of a different issuer is rejected',
    rules: ['B-08', 'A-05', 'A-07'],
    options: two,
    control: ofOther,
    fault: { token: { claims: { iss: issuer, aud: origin } } },
    refuse: invalid
  },
  {
    title: 'RFC 8725 §3.8 a token with the audience of a different issuer is rejected',
    rules: ['B-08', 'A-04', 'A-12'],
    options: two,
    control: ofOther,
    fault: { token: { claims: { iss: other, aud: origin } } },
    refuse: invalid
  }
]

const inTime: Vector[] = (
  [
    ['exp in one second', { exp: now + 1 }],
    ['exp within the tolerance', { exp: now - 4 }],
    ['nbf now', { nbf: now }],
    ['nbf within the tolerance', { nbf: now + 5 }],
    ['fractional times', { iat: now - 0.5, exp: now + 0.5 }],
    ['iat in the future', { iat: now + 20 }]
  ] satisfies [string, Json][]
).map(([what, change]) => ({
  title: `RFC 7519 §4.1 accepts a valid token: ${what}`,
  rules: ['A-06', 'J-20', 'J-22'],
  accept: claims(change)
}))

const outOfTime: Vector[] = [
  ...(
    [
      ['at the end of the tolerance', { exp: now - 5 }],
      ['exp six seconds ago', { exp: now - 6 }],
      ['exp an hour ago', { exp: now - 3600 }],
      ['exp 0', { exp: 0 }]
    ] satisfies [string, Json][]
  ).map(
    ([what, change]): Vector => ({
      title: `RFC 7519 §4.1.4 rejects an expired token: ${what}`,
      rules: ['A-06', 'J-20', 'A-07', 'P-M2'],
      fault: claims(change),
      refuse: invalidToken('TOKEN_EXPIRED')
    })
  ),
  ...(
    [
      ['nbf in six seconds', { nbf: now + 6 }],
      ['nbf in one hour', { nbf: now + 3600 }]
    ] satisfies [string, Json][]
  ).map(
    ([what, change]): Vector => ({
      title: `RFC 7519 §4.1.5 rejects a token before nbf: ${what}`,
      rules: ['J-20', 'A-07'],
      fault: claims(change),
      refuse: invalid
    })
  )
]

const keysOfTheIssuer: Vector[] = (
  [
    ['another key', { signedBy: 'rotated issuer' }, ['A-05', 'J-11']],
    ['another key with an unknown kid', { signedBy: 'rotated issuer', header: { kid: 'key-9' } }, ['A-05']],
    ['a key in its own header', { signedBy: 'another ES256', header: { jwk: key('another ES256').jwk } }, ['J-11']],
    [
      'a key at a URL in its own header',
      { signedBy: 'another ES256', header: { jku: 'https://evil.example/jwks' } },
      ['J-11', 'B-11']
    ],
    [
      'a certificate in its own header',
      { signedBy: 'another ES256', header: { x5c: ['MIIB'], x5u: 'https://evil.example' } },
      ['J-11', 'B-11']
    ],
    ['an SQL injection as kid', { header: { kid: "../../x' OR 1=1 --" } }, ['B-11']],
    ['a kid that is not a string', { header: { kid: { $gt: '' } } }, ['B-11']],
    ['alg none', { header: { alg: 'none' }, signAs: 'RS256' }, ['A-05', 'J-18', 'B-03']],
    ['alg none in mixed case', { header: { alg: 'nOnE' }, signAs: 'RS256' }, ['A-05', 'B-14']],
    ['a MAC keyed with the public key', { header: { alg: 'HS256' } }, ['A-05', 'B-01']],
    ['another algorithm of the same key', { header: { alg: 'PS256' } }, ['B-01']],
    ['the key of the client', { signedBy: 'ES256', header: { kid: undefined } }, ['A-05']]
  ] satisfies [string, TokenRecipe, RuleId[]][]
).map(([what, token, rules]) => ({
  title: `RFC 9068 §4 rejects a signature that is not of a key of the issuer with its algorithm: ${what}`,
  rules: [...rules, 'A-07'],
  fault: { token },
  refuse: invalid
}))

const extensions: Vector[] = (
  [
    ['crit with an unknown extension', { crit: ['foo'], foo: 1 }, ['J-01']],
    ['an empty crit', { crit: [] }, ['J-02']],
    ['b64 false', { b64: false, crit: ['b64'] }, ['J-03']],
    ['b64 false without crit', { b64: false }, ['J-03']],
    ['b64 true', { b64: true }, ['J-03']]
  ] satisfies [string, Json, RuleId[]][]
).map(([what, change, rules]) => ({
  title: `RFC 7515 §4.1.11, RFC 7797 §7 rejects a token with crit or b64: ${what}`,
  rules: [...rules, 'A-07'],
  fault: header(change),
  refuse: invalid
}))

const encodings: Vector[] = (
  [
    ['a string without dots', () => 'garbage'],
    ['an opaque token', () => 'abc.def-ghi_jkl~mno+pqr/stu=='],
    ['two segments', (token) => `${split(token).header}.${split(token).payload}`],
    ['four segments', (token) => `${token}.x`],
    ['a JWE of five segments', (token) => `${split(token).header}.a.b.c.d`],
    ['no signature', (token) => join({ ...split(token), signature: '' })],
    ['padding after the signature', (token) => `${token}=`],
    ['a character of base64', (token) => join({ ...split(token), signature: `+${split(token).signature.slice(1)}` })],
    [
      'unused bits of the signature that are not zero',
      (token) => join({ ...split(token), signature: aliasOf(split(token).signature) })
    ],
    [
      'a signature with a bit changed',
      (token) =>
        join({ ...split(token), signature: split(token).signature.replace(/^./, (first) => (first === 'A' ? 'B' : 'A')) })
    ],
    [
      'a payload with a claim changed',
      (token) => join({ ...split(token), payload: base64url(JSON.stringify({ iss: issuer, aud: origin, exp: now + 9 })) })
    ],
    ['a payload that is a list', (token) => join({ ...split(token), payload: base64url('[]') })],
    ['a header that is not JSON', (token) => join({ ...split(token), header: base64url('{') })]
  ] satisfies [string, (token: string) => string][]
).map(([what, text]) => ({
  title: `RFC 7519 §7.2 rejects a token that is not a JWT of the issuer: ${what}`,
  rules: ['A-05', 'A-07', 'J-05', 'J-06', 'J-07', 'B-04', 'B-15', 'D-44b'],
  fault: { token: { text } },
  refuse: invalid
}))

const alias: Vector = {
  title: '§4.2 ath is the hash of the token as presented, not of another encoding of it',
  rules: ['D-14', 'D-29'],
  steps: () => {
    const sent = prepare()
    const token = tokenOf(sent)
    const otherEncoding = join({ ...split(token), signature: aliasOf(split(token).signature) })
    const lines = sent.lines.map(([name, value]) => [name, value.replace(token, otherEncoding)] as const)
    return [
      { send: prepare(), expect: accepted },
      { send: { ...sent, lines }, expect: { status: 401, error: 'invalid_dpop_proof', code: 'ERR_DPOP_PROOF_ATH', on: 'DPoP' } }
    ]
  }
}

const swapped: Vector = {
  title: '§4.3#12 rejects a proof for another token of the same key',
  rules: ['D-29', 'D-13', 'D-12'],
  steps: () => {
    const [first, second] = [prepare(), prepare()]
    const lines = [first.lines[0], first.lines[1], second.lines[2]] as typeof first.lines
    return [
      { send: { ...first }, expect: accepted },
      { send: { ...first, lines }, expect: { status: 401, error: 'invalid_dpop_proof', code: 'ERR_DPOP_PROOF_ATH', on: 'DPoP' } },
      { send: second, expect: accepted }
    ]
  }
}

/** Tokens of other algorithms, verified with a key set that has a key for each. */
const algorithms: Vector[] = (
  [
    ['RS256', 'RSA'],
    ['RS384', 'RSA'],
    ['RS512', 'RSA'],
    ['PS256', 'RSA'],
    ['PS384', 'RSA'],
    ['PS512', 'RSA'],
    ['ES256', 'another issuer'],
    ['ES384', 'ES384'],
    ['ES512', 'ES512'],
    ['EdDSA', 'Ed25519'],
    ['Ed25519', 'Ed25519']
  ] satisfies [string, KeyName][]
).map(([alg, name]) => ({
  title: `RFC 9068 §2.1 accepts a token that is signed with ${alg}`,
  rules: ['A-10', 'A-05', 'J-08'],
  options: () => ({ issuer: { issuer, jwks: { keys: [{ ...key(name).jwk, kid: 'key-1' }] } } }),
  accept: { token: { signedBy: name, header: { alg } } }
}))

const narrowed: Vector[] = [
  {
    title: 'RFC 8725 §3.1 rejects a token that is signed with RS256 if only ES256 is configured',
    rules: ['B-01', 'J-08'],
    options: () => ({
      token: { algorithms: ['ES256'] },
      issuer: { issuer, jwks: { keys: [...issuerJwks().keys, { ...key('another issuer').jwk, kid: 'key-2' }] } }
    }),
    control: { token: { signedBy: 'another issuer', header: { kid: 'key-2' } } },
    fault: { token: { signedBy: 'issuer', header: { kid: 'key-1' } } },
    refuse: invalid
  }
]

const keySets: Vector[] = [
  {
    title: 'FAPI 2.0 §5.4.3 distinguishes two keys with one kid by their type',
    rules: ['F-08'],
    options: () => ({
      issuer: { issuer, jwks: { keys: [{ ...key('another issuer').jwk, kid: 'key-1' }, ...issuerJwks().keys] } }
    }),
    accept: {}
  },
  {
    title: 'FAPI 2.0 §5.4.3 accepts a token that one of two keys with one kid and one type verifies',
    rules: ['F-08', 'A-11'],
    options: () => ({
      issuer: {
        issuer,
        jwks: {
          keys: [
            { ...key('RSA').jwk, kid: 'key-1' },
            { ...key('issuer').jwk, kid: 'key-1' }
          ]
        }
      }
    }),
    accept: {}
  },
  {
    title: 'RFC 9068 §5 accepts a token without a kid that a published key verifies',
    rules: ['A-11'],
    accept: header({ kid: undefined })
  },
  {
    title: 'RFC 9068 §5 a key published for encryption does not verify tokens',
    rules: ['A-05', 'J-19'],
    options: () => ({
      issuer: { issuer, jwks: { keys: [...issuerJwks().keys, { ...key('RSA').jwk, kid: 'key-2', use: 'enc' }] } }
    }),
    fault: { token: { signedBy: 'RSA', header: { kid: 'key-2', alg: 'RS256' } } },
    refuse: invalid
  }
]

const metadataUrl = `${issuer}/.well-known/oauth-authorization-server`
const jwksUrl = `${issuer}/jwks`
const metadata = { issuer, jwks_uri: jwksUrl }
const rotated = { ...key('rotated issuer').jwk, kid: 'key-2', alg: 'ES256' }
const newToken: Recipe = { token: { signedBy: 'rotated issuer', header: { kid: 'key-2' } } }
const keysUnavailable = unavailable('ERR_DPOP_KEYS_UNAVAILABLE')

/** A history whose documents depend on the elapsed seconds. */
const discovered = (
  title: string,
  rules: Vector['rules'],
  documents: (elapsed: number) => Record<string, unknown>,
  steps: () => readonly Step[]
): Vector => ({
  title,
  rules,
  options: (elapsed) => ({
    issuer,
    fetch: async (url) => {
      const document = documents(elapsed())[url]
      if (document === 'unreachable') throw new TypeError('fetch failed')
      return document === undefined ? new Response(null, { status: 404 }) : Response.json(document)
    }
  }),
  steps
})

const keysOverTheNetwork: Vector[] = [
  discovered(
    'RFC 8414 §3 the keys are found through the metadata of the issuer',
    ['M-01', 'A-05'],
    () => ({ [metadataUrl]: metadata, [jwksUrl]: issuerJwks() }),
    () => [{ send: prepare(), expect: accepted }]
  ),
  discovered(
    'OpenID Connect Discovery §4 the keys are found through the metadata of the provider',
    ['M-01', 'A-05'],
    () => ({ [`${issuer}/.well-known/openid-configuration`]: metadata, [jwksUrl]: issuerJwks() }),
    () => [{ send: prepare(), expect: accepted }]
  ),
  discovered(
    'RFC 9068 §5 a newly published key is fetched',
    ['A-11', 'B-11'],
    (at) => ({ [metadataUrl]: metadata, [jwksUrl]: { keys: [...issuerJwks().keys, ...(at >= 60 ? [rotated] : [])] } }),
    () => [
      { send: prepare(), expect: accepted },
      { at: 60, send: prepare(mix(newToken, { proof: { claims: { iat: now + 60 } } })), expect: accepted }
    ]
  ),
  discovered(
    'RFC 8414 §3.3 metadata of another issuer is discarded',
    ['M-01', 'B-08'],
    (at) => ({ [metadataUrl]: at < 10 ? { ...metadata, issuer: 'https://evil.example' } : metadata, [jwksUrl]: issuerJwks() }),
    () => [
      { send: prepare(), expect: keysUnavailable },
      { at: 10, send: prepare(), expect: accepted }
    ]
  ),
  discovered(
    'RFC 9449 §7.1 an unavailable issuer results in 503',
    ['L44', 'W-01'],
    (at) =>
      at < 10 ? { [metadataUrl]: metadata, [jwksUrl]: issuerJwks() } : { [metadataUrl]: 'unreachable', [jwksUrl]: 'unreachable' },
    () => [
      { send: prepare(), expect: accepted },
      { at: 4300, send: prepare(claimsAt(4300)), expect: keysUnavailable }
    ]
  ),
  discovered(
    'RFC 9449 §7.1 cached keys are used during a short outage of their issuer',
    ['L44', 'A-11'],
    (at) =>
      at < 10 ? { [metadataUrl]: metadata, [jwksUrl]: issuerJwks() } : { [metadataUrl]: 'unreachable', [jwksUrl]: 'unreachable' },
    () => [
      { send: prepare(), expect: accepted },
      { at: 900, send: prepare(claimsAt(900)), expect: accepted }
    ]
  )
]

function claimsAt(seconds: number): Recipe {
  return { token: { claims: { iat: now + seconds, exp: now + seconds + 60 } }, proof: { claims: { iat: now + seconds } } }
}

const revocation: Vector[] = [
  {
    title: 'FAPI 2.0 §5.3.4 accepts a token that was not revoked',
    rules: ['F-03', 'AMB-30'],
    options: { token: { isRevoked: () => false } },
    accept: {}
  },
  {
    title: 'FAPI 2.0 §5.3.4 rejects a token that was revoked',
    rules: ['F-03', 'AMB-30', 'A-07'],
    options: { token: { isRevoked: ({ jti }) => jti === 'revoked' } },
    fault: claims({ jti: 'revoked' }),
    refuse: invalid
  },
  {
    title: 'FAPI 2.0 §5.3.4 rejects a cached token that was revoked',
    rules: ['F-03', 'AMB-30', 'I-05'],
    options: () => {
      let uses = 0
      return { token: { isRevoked: async () => ++uses > 1 } }
    },
    steps: () => {
      const first = prepare()
      const second = prepare({ token: { text: () => tokenOf(first) } })
      return [
        { send: first, expect: accepted },
        { send: second, expect: invalid }
      ]
    }
  },
  {
    title: 'FAPI 2.0 §5.3.4 a failing revocation check results in 503',
    rules: ['F-03', 'L44'],
    options: () => {
      let uses = 0
      return {
        token: {
          isRevoked: () => {
            if (++uses > 1) throw new Error('unreachable')
            return false
          }
        }
      }
    },
    steps: () => [
      { send: prepare(), expect: accepted },
      { send: prepare(), expect: unavailable('ERR_DPOP_VERIFIER_UNAVAILABLE') }
    ]
  }
]

const again: Vector[] = [
  {
    title: '§7.1 the proof is verified on every request with a cached token',
    rules: ['I-05', 'D-41', 'C-02'],
    steps: () => {
      const first = prepare()
      const token = tokenOf(first)
      const again = (recipe: Recipe = {}) => prepare(mix({ token: { text: () => token } }, recipe))
      return [
        { send: first, expect: accepted },
        { send: again(), expect: accepted },
        { send: again({ proof: { signedBy: 'another ES256' } }), expect: invalidSignature },
        { send: again({ key: 'another ES256' }), expect: invalidToken('TOKEN_BINDING') }
      ]
    }
  },
  {
    title: 'RFC 7519 §4.1.4 rejects a cached token when it has expired',
    rules: ['A-06', 'J-20', 'I-04'],
    steps: () => {
      const first = prepare(claims({ exp: now + 60 }))
      const token = tokenOf(first)
      const later = (iat: number) => prepare({ token: { text: () => token }, proof: { claims: { iat } } })
      return [
        { send: first, expect: accepted },
        { at: 64, send: later(now + 64), expect: accepted },
        { at: 65, send: later(now + 65), expect: invalidToken('TOKEN_EXPIRED') }
      ]
    }
  }
]

const invalidSignature = {
  status: 401,
  error: 'invalid_dpop_proof',
  code: 'ERR_DPOP_PROOF_SIGNATURE',
  on: 'DPoP'
} as const

const extraClaims: Vector[] = (
  [
    ['unknown claims', { foo: 'bar', deep: { er: [1] } }],
    ['roles and groups', { roles: ['a'], groups: ['b'], entitlements: ['c'] }],
    ['authentication information', { acr: 'urn:mace:incommon:iap:silver', auth_time: now - 60, amr: ['pwd'] }],
    ['a chain of actors', { act: { sub: 'service', act: { sub: 'other' } } }],
    ['a non-ASCII subject', { sub: 'Zoë 日本' }],
    ['a long subject', { sub: 's'.repeat(1000) }],
    ['many scopes', { scope: Array.from({ length: 100 }, (_, i) => `scope:${i}`).join(' ') }],
    ['no scope', { scope: undefined }],
    ['the token_type Bearer, which does not determine the binding', { token_type: 'Bearer' }]
  ] satisfies [string, Json][]
).map(([what, change]) => ({
  title: `RFC 7519 §4 accepts other claims: ${what}`,
  rules: ['J-23', ...when(/token_type/.test(what), 'L13')],
  accept: claims(change)
}))

export const token: VectorGroup = {
  subject: 'access token',
  vectors: [
    ...acceptedTypes,
    ...extraClaims,
    ...audiences,
    ...inTime,
    ...algorithms,
    ...rejectedTypes,
    ...otherTypes,
    ...required,
    ...wrongTypes,
    ...wrongAudiences,
    ...ownAudience,
    ...issuers,
    ...severalIssuers,
    ...outOfTime,
    ...keysOfTheIssuer,
    ...extensions,
    ...encodings,
    alias,
    swapped,
    ...narrowed,
    ...keySets,
    ...keysOverTheNetwork,
    ...revocation,
    ...again
  ]
}
