/** Header field lines, schemes and credentials: RFC 9449 §4.1, §7.1, §7.2; RFC 9110 §5, §11; RFC 6750 §2, §3. @module */

import type { RuleId } from '../conformance/rules.js'
import type { Line, Recipe, Sent } from './recipe.js'
import { mix, prepare } from './recipe.js'
import {
  accepted,
  invalidProof,
  invalidRequest,
  invalidToken,
  noCredentials,
  tokenOf,
  type Vector,
  type VectorGroup
} from './vector.js'

/** A request whose Authorization field has this value instead of `DPoP <token>`. */
const authorization = (value: (token: string) => string): Recipe => ({
  lines: ({ host, token, proof }) => [host, ['Authorization', value(token)], ['DPoP', proof]]
})
/** A request with these DPoP field lines. */
const proofLines = (lines: (sent: Sent) => readonly Line[]): Recipe => ({
  lines: (sent) => [sent.host, ['Authorization', `DPoP ${sent.token}`], ...lines(sent)]
})
const proofLine = (value: (proof: string) => string): Recipe => proofLines(({ proof }) => [['DPoP', value(proof)]])
const withExtra = (...extra: Line[]): Recipe => ({
  lines: ({ host, token, proof }) => [host, ...extra, ['Authorization', `DPoP ${token}`], ['DPoP', proof]]
})

const names: Vector[] = [
  ['AUTHORIZATION', 'DPOP'],
  ['authorization', 'dpop'],
  ['aUtHoRiZaTiOn', 'dPoP']
].map(([first = '', second = '']) => ({
  title: `§4.1 field names are case-insensitive: ${first}, ${second}`,
  rules: ['D-04', 'H-01'],
  accept: { lines: ({ host, token, proof }) => [host, [first, `DPoP ${token}`], [second, proof]] }
}))

const schemes: Vector[] = ['dpop', 'DPOP', 'dPoP'].map((scheme) => ({
  title: `§7.1 the scheme is case-insensitive: ${scheme}`,
  rules: ['D-40', 'H-06', 'L19'],
  accept: authorization((token) => `${scheme} ${token}`)
}))

const spaces: Vector[] = [2, 3, 8].map((count) => ({
  title: `§7.1 credentials = "DPoP" 1*SP token68: ${count} spaces`,
  rules: ['D-40', 'L35'],
  accept: authorization((token) => `DPoP${' '.repeat(count)}${token}`)
}))

const malformedCredentials: Vector[] = (
  [
    ['the scheme without a token', () => 'DPoP'],
    ['the scheme and a space without a token', () => 'DPoP '],
    ['two tokens', (token) => `DPoP ${token} ${token}`],
    ['a token and a further string', (token) => `DPoP ${token} b`],
    ['an auth-param', (token) => `DPoP token="${token}"`],
    ['a quoted token', (token) => `DPoP "${token}"`],
    ['a comma after the token', (token) => `DPoP ${token},`],
    ['two credentials in one field line', (token) => `DPoP ${token}, DPoP ${token}`],
    ['a tab instead of the space', (token) => `DPoP\t${token}`],
    ['a tab after the space', (token) => `DPoP \t${token}`],
    ['padding before the token', (token) => `DPoP =${token}`],
    ['padding inside the token', (token) => `DPoP ${token.slice(0, 9)}=${token.slice(9)}`],
    ['non-ASCII bytes', (token) => `DPoP ${token}\xe9`]
  ] satisfies [string, (token: string) => string][]
).map(([what, value]) => ({
  title: `§7.1 rejects credentials that are not one token68: ${what}`,
  rules: ['D-40', 'W-06', 'P-M2'],
  fault: authorization(value),
  refuse: invalidRequest('AUTHORIZATION_MALFORMED')
}))

const noToken: Vector[] = (
  [
    ['no credentials', ['D-42', 'D-53', 'W-01', 'H-09', 'H-10'], ({ host }) => [host]],
    ['a proof without an access token', ['D-03', 'D-41'], ({ host, proof }) => [host, ['DPoP', proof]]],
    ['another scheme', ['W-07', 'D-53'], ({ host, proof }) => [host, ['Authorization', 'Basic dTpw'], ['DPoP', proof]]],
    [
      'a Digest field, whose commas do not separate credentials',
      ['W-07'],
      ({ host, proof }) => [host, ['Authorization', 'Digest username="u", realm="r"'], ['DPoP', proof]]
    ],
    [
      'the scheme and the token without a space',
      ['D-40'],
      ({ host, token, proof }) => [host, ['Authorization', `DPoP${token}`], ['DPoP', proof]]
    ],
    ['an empty Authorization field', ['W-07'], ({ host, proof }) => [host, ['Authorization', ''], ['DPoP', proof]]],
    [
      'credentials for a proxy',
      ['D-44d', 'H-12'],
      ({ host, token, proof }) => [host, ['Proxy-Authorization', `DPoP ${token}`], ['DPoP', proof]]
    ],
    [
      'a token in a cookie',
      ['AMB-27', 'W-08'],
      ({ host, token, proof }) => [host, ['Cookie', `access_token=${token}`], ['DPoP', proof]]
    ],
    [
      'a token in another header field',
      ['AMB-27'],
      ({ host, token, proof }) => [host, ['X-Access-Token', token], ['DPoP', proof]]
    ]
  ] satisfies [string, RuleId[], (sent: Sent) => readonly Line[]][]
).map(([what, rules, lines]) => ({
  title: `RFC 6750 §3.1 a request without credentials gets a challenge without an error code: ${what}`,
  rules,
  fault: { lines },
  refuse: noCredentials
}))

const multipleProofs: Vector[] = (
  [
    [
      'two valid proofs',
      ({ proof, anotherProof }) => [
        ['DPoP', proof],
        ['DPoP', anotherProof()]
      ]
    ],
    [
      'two copies of one proof',
      ({ proof }) => [
        ['DPoP', proof],
        ['DPoP', proof]
      ]
    ],
    [
      'field names in different case',
      ({ proof, anotherProof }) => [
        ['DPoP', proof],
        ['dpop', anotherProof()]
      ]
    ],
    [
      'a valid proof and an empty field',
      ({ proof }) => [
        ['DPoP', proof],
        ['DPoP', '']
      ]
    ],
    [
      'an invalid proof and a valid one',
      ({ proof }) => [
        ['DPoP', 'x'],
        ['DPoP', proof]
      ]
    ],
    [
      'three copies of one proof',
      ({ proof }) => [
        ['DPoP', proof],
        ['DPoP', proof],
        ['DPoP', proof]
      ]
    ],
    ['two proofs in one field line', ({ proof, anotherProof }) => [['DPoP', `${proof}, ${anotherProof()}`]]],
    ['two proofs in one field line without a space', ({ proof, anotherProof }) => [['DPoP', `${proof},${anotherProof()}`]]]
  ] satisfies [string, (sent: Sent) => readonly Line[]][]
).map(([what, lines]) => ({
  title: `§4.3#1 rejects more than one DPoP field: ${what}`,
  rules: ['D-18', 'H-02', 'P-M7'],
  fault: proofLines(lines),
  refuse: invalidProof('PROOF_MULTIPLE')
}))

const proofValues: Vector[] = (
  [
    ['a comma after the proof', (proof) => `${proof}, `, 'PROOF_MULTIPLE'],
    ['a comma before the proof', (proof) => `,${proof}`, 'PROOF_MULTIPLE'],
    ['a quoted proof', (proof) => `"${proof}"`, 'PROOF_MALFORMED'],
    ['a string after the proof', (proof) => `${proof} x`, 'PROOF_MALFORMED'],
    ['a parameter after the proof', (proof) => `${proof};x=1`, 'PROOF_MALFORMED'],
    ['a scheme before the proof', (proof) => `DPoP ${proof}`, 'PROOF_MALFORMED'],
    ['non-ASCII bytes', (proof) => `${proof}\xe9`, 'PROOF_MALFORMED']
  ] satisfies [string, (proof: string) => string, 'PROOF_MULTIPLE' | 'PROOF_MALFORMED'][]
).map(([what, value, code]) => ({
  title: `§4.1 rejects a DPoP field that is not one token68: ${what}`,
  rules: ['D-06', 'B-16'],
  fault: proofLine(value),
  refuse: invalidProof(code)
}))

const absentProof: Vector[] = (
  [
    ['no field', () => []],
    ['an empty field', () => [['DPoP', '']]],
    ['a field of white space', () => [['DPoP', ' \t ']]]
  ] satisfies [string, (sent: Sent) => readonly Line[]][]
).map(([what, lines]) => ({
  title: `§7 rejects a DPoP token without a proof: ${what}`,
  rules: ['D-39', 'AMB-05', 'D-41'],
  fault: proofLines(lines),
  refuse: invalidProof('PROOF_MISSING')
}))

const twoAuthorizations: Vector[] = (
  [
    [
      'two tokens',
      ({ token }) => [
        ['Authorization', `DPoP ${token}`],
        ['Authorization', 'DPoP x']
      ]
    ],
    [
      'the same token twice',
      ({ token }) => [
        ['Authorization', `DPoP ${token}`],
        ['Authorization', `DPoP ${token}`]
      ]
    ],
    [
      'Bearer and DPoP',
      ({ token }) => [
        ['Authorization', 'Bearer x'],
        ['Authorization', `DPoP ${token}`]
      ]
    ],
    [
      'DPoP and Bearer',
      ({ token }) => [
        ['Authorization', `DPoP ${token}`],
        ['authorization', 'Bearer x']
      ]
    ],
    [
      'DPoP and Basic',
      ({ token }) => [
        ['Authorization', `DPoP ${token}`],
        ['Authorization', 'Basic dTpw']
      ]
    ],
    [
      'DPoP and an empty field',
      ({ token }) => [
        ['Authorization', `DPoP ${token}`],
        ['Authorization', '']
      ]
    ]
  ] satisfies [string, (sent: Sent) => readonly Line[]][]
).map(([what, lines]) => ({
  title: `§7.2 rejects two Authorization field lines: ${what}`,
  rules: ['D-55', 'AMB-16', 'H-02', 'W-06'],
  fault: { lines: (sent) => [sent.host, ...lines(sent), ['DPoP', sent.proof]] },
  refuse: invalidRequest('AUTHORIZATION_MALFORMED')
}))

const bearer: Vector[] = (
  [
    [
      'a bound token',
      'with its proof',
      {},
      ({ host, token, proof }) => [host, ['Authorization', `Bearer ${token}`], ['DPoP', proof]]
    ],
    ['a bound token', 'without a proof', {}, ({ host, token }) => [host, ['Authorization', `Bearer ${token}`]]],
    ['an unbound token', 'without a proof', { boundTo: null }, ({ host, token }) => [host, ['Authorization', `bearer ${token}`]]]
  ] satisfies [string, string, Recipe['token'], (sent: Sent) => readonly Line[]][]
).map(([what, how, token, lines]) => ({
  title: `§7.2 rejects Bearer by default: ${what} ${how}`,
  rules: ['D-50', 'C-01', 'L15', 'P-M5'],
  fault: { token, lines },
  refuse: invalidToken('SCHEME_NOT_ALLOWED')
}))

const hosts: Vector[] = [
  {
    title: 'RFC 9112 §3.2 rejects two Host field lines',
    rules: ['U-15', 'L3'],
    fault: {
      lines: ({ host, token, proof }) => [host, ['Host', 'evil.example'], ['Authorization', `DPoP ${token}`], ['DPoP', proof]]
    },
    refuse: invalidRequest('REQUEST_MALFORMED')
  },
  {
    title: 'RFC 9113 §8.3.1 accepts :authority instead of Host',
    rules: ['L21'],
    only: 'core',
    accept: {
      lines: ({ token, proof }) => [
        [':authority', 'api.example'],
        ['authorization', `DPoP ${token}`],
        ['dpop', proof]
      ]
    }
  },
  {
    title: 'RFC 9113 §8.3.1 accepts :authority and an equivalent Host',
    rules: ['L21'],
    only: 'core',
    accept: {
      lines: ({ token, proof }) => [
        [':authority', 'api.example'],
        ['host', 'API.example'],
        ['authorization', `DPoP ${token}`],
        ['dpop', proof]
      ]
    }
  },
  {
    title: 'RFC 9113 §8.3.1 rejects a Host that differs from :authority',
    rules: ['L21', 'U-15'],
    only: 'core',
    fault: {
      lines: ({ token, proof }) => [
        [':authority', 'api.example'],
        ['host', 'evil.example'],
        ['authorization', `DPoP ${token}`],
        ['dpop', proof]
      ]
    },
    refuse: invalidRequest('REQUEST_MALFORMED')
  }
]

const sizes: Vector[] = [
  {
    title: 'RFC 9110 §5.4 accepts a proof of six thousand characters',
    rules: ['Q-07', 'D-16'],
    accept: { proof: { claims: { note: 'n'.repeat(4000) } } }
  },
  {
    title: 'RFC 9110 §5.4 rejects a proof above the limit as malformed',
    rules: ['Q-07', 'H-05', 'D-47', 'L9'],
    fault: { proof: { claims: { note: 'n'.repeat(7000) } } },
    refuse: invalidProof('PROOF_MALFORMED')
  },
  {
    title: 'RFC 9110 §5.4 rejects a proof of 20 kB',
    rules: ['Q-07', 'H-05'],
    fault: { proof: { claims: { note: 'n'.repeat(15_000) } } },
    refuse: invalidProof('PROOF_MALFORMED'),
    node: 431
  },
  {
    title: 'RFC 9110 §5.4 rejects a token above the limit',
    rules: ['H-05'],
    fault: { token: { claims: { note: 'n'.repeat(15_000) } } },
    refuse: invalidToken('TOKEN_INVALID'),
    node: 431
  },
  {
    title: 'RFC 9110 §5.4 rejects a proof above proof.maxBytes',
    rules: ['Q-07'],
    options: { proof: { maxBytes: 1024 } },
    fault: { proof: { claims: { note: 'n'.repeat(1000) } } },
    refuse: invalidProof('PROOF_MALFORMED')
  }
]

const unaffected: Vector[] = [
  {
    title: 'RFC 9110 §5.5 ignores white space around a field value',
    rules: ['H-03'],
    accept: {
      lines: ({ host, token, proof }) => [host, ['Authorization', `  DPoP ${token}\t`], ['DPoP', ` \t${proof}  `]]
    }
  },
  {
    title: '§7 accepts the header fields in any order',
    rules: ['D-39'],
    accept: { lines: ({ host, token, proof }) => [['DPoP', proof], host, ['Authorization', `DPoP ${token}`]] }
  },
  {
    title: 'RFC 9700 §4.13 ignores X-Forwarded-* and Forwarded',
    rules: ['C-06', 'L3', 'AMB-23'],
    accept: withExtra(
      ['X-Forwarded-Host', 'evil.example'],
      ['X-Forwarded-Proto', 'http'],
      ['X-Forwarded-Prefix', '/evil'],
      ['Forwarded', 'host=evil.example;proto=http']
    )
  },
  {
    title: 'RFC 9110 §9.1 compares htm with the method of the request line, not with an override',
    rules: ['AMB-09'],
    accept: withExtra(['X-HTTP-Method-Override', 'DELETE'], ['X-Method-Override', 'DELETE'])
  },
  {
    title: '§7.1 ignores credentials for a proxy',
    rules: ['D-44d', 'H-12'],
    accept: withExtra(['Proxy-Authorization', 'Basic dTpw'])
  },
  {
    title: '§11.7 accepts any other header fields, which the proof does not cover',
    rules: ['D-79'],
    accept: withExtra(['Cookie', 'a=b; c=d'], ['Accept', '*/*'], ['X-Anything', 'at all'])
  },
  {
    title: 'RFC 9110 §5.2 accepts repeated field lines of other fields',
    rules: ['H-02'],
    accept: withExtra(['Accept', 'text/html'], ['Accept', 'application/json'], ['X-DPoP', 'a'], ['X-DPoP', 'b'])
  },
  {
    title: 'RFC 6750 §2 ignores a token in the query if there is one in the Authorization field',
    rules: ['W-09', 'F-02', 'AMB-27', 'D-51'],
    accept: { target: '/r?access_token=abc' }
  },
  {
    title: 'RFC 6750 §2.1 accepts credentials in the Authorization field',
    rules: ['W-08', 'F-01', 'D-39', 'D-34', 'F-05', 'D-41', 'P-M10'],
    accept: {}
  }
]

const others: Vector[] = [
  {
    title: 'RFC 6750 §2.3 does not accept a token in the query as credentials',
    rules: ['D-51', 'F-02', 'C-08', 'P-M3', 'V-05', 'AMB-27'],
    steps: () => {
      const valid = prepare()
      const inQuery = mix(
        { target: `/r?access_token=${tokenOf(valid)}` },
        { lines: ({ host, proof }) => [host, ['DPoP', proof]] }
      )
      return [
        { send: valid, expect: accepted },
        { send: prepare(inQuery), expect: noCredentials }
      ]
    }
  },
  {
    title: '§4.1 compares the value of the DPoP field case-sensitively',
    rules: ['D-05'],
    fault: proofLine((proof) => proof.toUpperCase()),
    refuse: invalidProof('PROOF_MALFORMED')
  }
]

export const transport: VectorGroup = {
  subject: 'transport',
  vectors: [
    ...unaffected,
    ...names,
    ...schemes,
    ...spaces,
    ...noToken,
    ...malformedCredentials,
    ...twoAuthorizations,
    ...multipleProofs,
    ...proofValues,
    ...absentProof,
    ...bearer,
    ...hosts,
    ...sizes,
    ...others
  ]
}
