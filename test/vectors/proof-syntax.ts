/** The proof as a JWT: RFC 9449 §4.2 and §4.3 checks 2, 4 and 5; RFC 7515, RFC 7519, RFC 7797, RFC 8725. @module */

import type { RuleId } from '../conformance/rules.js'
import { aliasOf, base64url, type Json, join, key, split } from './forge.js'
import { type ProofRecipe, prepare, type Recipe } from './recipe.js'
import { invalidProof, invalidToken, type Vector, type VectorGroup, when } from './vector.js'

const text = (change: (proof: string) => string): Recipe => ({ proof: { text: change } })
const header = (change: Json): Recipe => ({ proof: { header: change } })

const shapes: Vector[] = (
  [
    ['a string without dots', () => 'proof'],
    ['one segment', (proof) => split(proof).header],
    ['two segments', (proof) => `${split(proof).header}.${split(proof).payload}`],
    ['two segments and a dot', (proof) => `${split(proof).header}.${split(proof).payload}.`],
    ['four segments', (proof) => `${proof}.x`],
    ['a trailing dot', (proof) => `${proof}.`],
    ['a leading dot', (proof) => `.${proof}`],
    ['an empty header', (proof) => join({ ...split(proof), header: '' })],
    ['an empty payload', (proof) => join({ ...split(proof), payload: '' })],
    ['only dots', () => '..'],
    ['a JWE of five segments', (proof) => `${split(proof).header}.a.b.c.d`],
    ['a JWS in JSON serialization', (proof) => `{"payload":"${split(proof).payload}"}`],
    ['a URL', () => 'https://evil.example/proof.jwt']
  ] satisfies [string, (proof: string) => string][]
).map(([what, change]) => ({
  title: `§4.3#2 rejects a value that is not a well-formed JWT in compact serialization: ${what}`,
  rules: ['D-19', 'J-07', 'B-15', 'B-16', 'P-M7'],
  fault: text(change),
  refuse: invalidProof('PROOF_MALFORMED')
}))

const utf8 = (bytes: number[]) => (json: string) => Buffer.concat([Buffer.from(bytes), Buffer.from(json)])
const latin1 = (json: string) => Buffer.from(json.replace(/}$/, ',"n":"\xe9"}'), 'latin1')
const objects: Vector[] = (
  [
    ['an array', (json) => `[${json}]`],
    ['a string', (json) => JSON.stringify(json)],
    ['a number', () => '1'],
    ['null', () => 'null'],
    ['true', () => 'true'],
    ['a string that is not JSON', () => 'proof'],
    ['truncated JSON', (json) => json.slice(0, -1)],
    ['a trailing comma', (json) => json.replace(/}$/, ',}')],
    ['a comment', (json) => `/**/${json}`],
    ['two objects', (json) => json + json],
    ['a byte order mark', utf8([0xef, 0xbb, 0xbf])],
    ['a leading NUL', utf8([0])],
    ['Latin-1', latin1],
    [
      'an overlong encoding',
      (json) => Buffer.concat([Buffer.from(json.slice(0, -1)), Buffer.from(',"n":"\xc0\xaf"}', 'latin1')])
    ],
    [
      'a lone surrogate',
      (json) => Buffer.concat([Buffer.from(json.slice(0, -1)), Buffer.from(',"n":"\xed\xa0\x80"}', 'latin1')])
    ],
    ['UTF-16', (json) => Buffer.from(json, 'utf16le')]
  ] satisfies [string, (json: string) => string | Uint8Array][]
).flatMap(([what, change]) => [
  {
    title: `RFC 7519 §7.2 rejects a header that is not a JSON object in UTF-8: ${what}`,
    rules: ['D-19', 'J-06', 'B-07'],
    fault: { proof: { headerText: change } },
    refuse: invalidProof('PROOF_MALFORMED')
  },
  {
    title: `RFC 7519 §7.2 rejects a payload that is not a JSON object in UTF-8: ${what}`,
    rules: ['D-19', 'J-06', 'B-07'],
    fault: { proof: { claimsText: change } },
    refuse: invalidProof('PROOF_MALFORMED')
  }
])

/** Adjusts the length so that the last character has unused bits. */
const unusedBits = (json: string): string => (json.length % 3 === 0 ? json.replace(/}$/, ' }') : json)
const encodings: Vector[] = (
  [
    ['padding', (segment) => `${segment}=`],
    ['padding of the correct length', (segment) => segment + '='.repeat((4 - (segment.length % 4)) % 4 || 4)],
    ['a character outside of the alphabet', (segment) => `${segment}!`],
    ['a space inside', (segment) => `${segment.slice(0, 8)} ${segment.slice(8)}`],
    ['a tab inside', (segment) => `${segment.slice(0, 8)}\t${segment.slice(8)}`],
    ['a percent-encoded character', (segment) => segment.replace(/^./, '%$&')],
    ['unused bits that are not zero', aliasOf],
    ['an additional character', (segment) => segment + 'A'.repeat((5 - (segment.length % 4)) % 4 || 4)]
  ] satisfies [string, (segment: string) => string][]
).flatMap(([what, change]) => {
  const rules: RuleId[] = ['J-05', 'D-19', 'L7', 'B-16']
  const refuse = invalidProof('PROOF_MALFORMED')
  return [
    {
      title: `RFC 7515 §2 rejects non-canonical base64url; the header with ${what}`,
      rules,
      fault: { proof: { headerText: unusedBits, headerSegment: change } },
      refuse
    },
    {
      title: `RFC 7515 §2 rejects non-canonical base64url; the payload with ${what}`,
      rules,
      fault: { proof: { claimsText: unusedBits, claimsSegment: change } },
      refuse
    },
    {
      title: `RFC 7515 §2 rejects non-canonical base64url; the signature with ${what}`,
      rules,
      fault: text((proof) => join({ ...split(proof), signature: change(split(proof).signature) })),
      refuse
    }
  ]
})

const standardAlphabet: Vector[] = (['header', 'payload', 'signature'] as const).map((part) => ({
  title: `RFC 7515 §2 rejects characters of base64 that are not in base64url: in the ${part}`,
  rules: ['J-05'],
  fault: {
    proof: {
      // The encoding of this string has both characters in which the alphabets differ.
      header: { note: '??>>??>>' },
      claims: { note: '??>>??>>' },
      text: (proof) => {
        const segment = split(proof)[part]
        const standard = segment.replaceAll('-', '+').replaceAll('_', '/')
        return join({ ...split(proof), [part]: standard === segment ? `+${segment.slice(1)}` : standard })
      }
    }
  },
  refuse: invalidProof('PROOF_MALFORMED')
}))

const newlines: Vector[] = ['\n', '\r\n', '\0'].flatMap((char) =>
  (['header', 'payload', 'signature'] as const).map((part) => ({
    title: `RFC 7515 §2 rejects line breaks: ${JSON.stringify(char)} in the ${part}`,
    rules: ['J-05', 'H-04'],
    only: 'core' as const,
    fault: text((proof) => {
      const segment = split(proof)[part]
      return join({ ...split(proof), [part]: `${segment.slice(0, 9)}${char}${segment.slice(9)}` })
    }),
    refuse: invalidProof('PROOF_MALFORMED')
  }))
)

const types: Vector[] = (
  [
    'JWT',
    'jwt',
    'at+jwt',
    'dpop+jwt+x',
    'dpop',
    'dpop+jws',
    'DPoP+JWT',
    'DPOP+JWT',
    'application/dpop+jwt',
    ' dpop+jwt',
    'dpop+jwt ',
    '',
    123,
    null,
    true,
    ['dpop+jwt'],
    { 'dpop+jwt': true },
    undefined
  ] as unknown[]
).map((typ) => ({
  title: `§4.3#4 rejects a typ other than dpop+jwt: ${typ === undefined ? 'absent' : JSON.stringify(typ)}`,
  rules: ['D-08', 'D-21', 'AMB-07', 'B-12', ...when(typ === undefined, 'D-07')],
  fault: header({ typ }),
  refuse: invalidProof('PROOF_TYP')
}))

const algorithms: Vector[] = (
  [
    'none',
    'None',
    'NONE',
    'nOnE',
    'noNE',
    '',
    'es256',
    'ES256 ',
    'ES256K',
    'ESP256',
    'ES257',
    'Ed448',
    'eddsa',
    'RSA-OAEP',
    'dir',
    'A128KW',
    'ML-DSA-44',
    'constructor',
    '__proto__',
    256,
    null,
    true,
    ['ES256'],
    undefined
  ] as unknown[]
).map((alg) => ({
  title: `§4.3#5 rejects an alg that is not a registered, asymmetric and accepted signature algorithm: ${alg === undefined ? 'absent' : JSON.stringify(alg)}`,
  rules: [
    'D-09',
    'D-22',
    'J-08',
    'J-09',
    'B-01',
    ...when(alg === undefined, 'D-07'),
    ...when(/^none$/i.test(String(alg)), 'J-18', 'B-03', 'B-14', 'D-78'),
    ...when(alg === 'ESP256', 'Q-02'),
    ...when(alg === 'Ed448', 'Q-01')
  ],
  fault: { proof: { header: { alg }, signAs: 'ES256' } },
  refuse: invalidProof('PROOF_ALG')
}))

const macs: Vector[] = ['HS256', 'HS384', 'HS512'].flatMap((alg) => [
  {
    title: `§4.2 rejects a MAC: ${alg} with the encoded public key as its secret`,
    rules: ['D-09', 'D-22', 'L17'],
    fault: header({ alg }),
    refuse: invalidProof('PROOF_ALG')
  },
  {
    title: `§4.2 rejects a MAC: ${alg} with a symmetric key in the header`,
    rules: ['D-09', 'D-10', 'D-24'],
    fault: { proof: { header: { alg }, jwk: () => ({ kty: 'oct', k: base64url('k'.repeat(32)) }) } },
    refuse: invalidProof('PROOF_ALG')
  }
])

const policy: Vector[] = [
  ...(['RS256', 'RS384', 'RS512'] as const).map(
    (alg): Vector => ({
      title: `§4.3#5 rejects a registered algorithm that is not accepted by default: ${alg}`,
      rules: ['D-22', 'J-08', 'B-02'],
      control: { key: 'RSA' },
      fault: header({ alg }),
      refuse: invalidProof('PROOF_ALG')
    })
  ),
  {
    title: '§4.3#5 rejects PS256 if only ES256 is configured, and sends ES256 as algs',
    rules: ['D-22', 'D-43', 'B-01'],
    options: { proof: { algorithms: ['ES256'] } },
    fault: { key: 'RSA' },
    refuse: invalidProof('PROOF_ALG')
  },
  {
    title: '§4.3#5 rejects the name EdDSA if only Ed25519 is configured',
    rules: ['D-22', 'B-01', 'Q-01'],
    options: { proof: { algorithms: ['Ed25519'] } },
    control: { key: 'Ed25519' },
    fault: header({ alg: 'EdDSA' }),
    refuse: invalidProof('PROOF_ALG')
  },
  {
    title: '§4.3#5 accepts an RSA key only with the configured algorithm: RS256, not PS256',
    rules: ['B-01', 'D-22'],
    options: { proof: { algorithms: ['RS256'] } },
    control: { key: 'RSA', proof: { header: { alg: 'RS256' } } },
    fault: header({ alg: 'PS256' }),
    refuse: invalidProof('PROOF_ALG')
  }
]

const noneWithoutSignature: Vector = {
  title: '§4.3#5 rejects an unsecured JWT: alg none and an empty signature',
  rules: ['D-09', 'J-18', 'B-03'],
  fault: { proof: { header: { alg: 'none' }, signAs: 'ES256', text: (proof) => join({ ...split(proof), signature: '' }) } },
  refuse: invalidProof('PROOF_MALFORMED')
}

const extensions: Vector[] = (
  [
    ['an unknown extension', { crit: ['foo'], foo: 1 }, ['J-01']],
    ['an empty list', { crit: [] }, ['J-02']],
    ['a registered header parameter', { crit: ['alg'] }, ['J-02']],
    ['a string instead of an array', { crit: 'b64' }, ['J-02']],
    ['a name that is not in the header', { crit: ['exp'] }, ['J-02']],
    ['a name that is in the header', { crit: ['exp'], exp: 1 }, ['J-01']],
    ['null', { crit: null }, ['J-02']],
    ['an unencoded payload, declared', { b64: false, crit: ['b64'] }, ['J-03', 'J-01']],
    ['an unencoded payload, undeclared', { b64: false }, ['J-03']]
  ] satisfies [string, Json, RuleId[]][]
).map(([what, change, rules]) => ({
  title: `RFC 7515 §4.1.11, RFC 7797 §7 rejects a proof with crit or b64: ${what}`,
  rules,
  fault: header(change),
  refuse: invalidProof('PROOF_MALFORMED')
}))

const extras: Vector[] = (
  [
    ['unknown header parameters', { header: { tx_id: 'abc', foo: { bar: [1] } } }],
    ['a kid', { header: { kid: '../../etc/passwd' } }],
    ['a content type', { header: { cty: 'JWT' } }],
    ['URLs of keys, which are not fetched', { header: { jku: 'https://evil.example/jwks', x5u: 'https://evil.example/x5u' } }],
    ['certificates, which are not used', { header: { x5c: ['MIIB'], x5t: 'abc', 'x5t#S256': 'abc' } }],
    ['unknown claims', { claims: { foo: 'bar', deep: { er: [null] } } }],
    ['claims of an access token', { claims: { aud: 'x', iss: 'y', sub: 'z', client_id: 'c', scope: 's', cnf: {} } }],
    ['a nonce while nonces are disabled', { claims: { nonce: 'n-0S6_WzA2Mj' } }],
    ['a claim of the token endpoint', { claims: { dpop_jkt: 'abc' } }],
    ['a member named __proto__', { headerText: (json) => json.replace(/}$/, ',"__proto__":{"alg":"none"}}') }],
    ['a claim named __proto__', { claimsText: (json) => json.replace(/}$/, ',"__proto__":{"htm":"PUT"}}') }],
    ['non-ASCII characters', { claims: { note: 'naïve 日本語 🔑' }, header: { note: 'ü' } }]
  ] satisfies [string, ProofRecipe][]
).map(([what, proof]) => ({
  title: `§4.2 ignores other header parameters and claims: ${what}`,
  rules: [
    'D-16',
    'J-23',
    ...when('header' in proof && /URLs|kid|certificates/.test(what), 'J-10'),
    ...when(/nonce/.test(what), 'AMB-13'),
    ...when(/token endpoint/.test(what), 'D-82')
  ],
  accept: { proof }
}))

const json: Vector[] = (
  [
    ['white space', { headerText: spaced, claimsText: spaced }],
    ['members in reverse order', { headerText: reversed, claimsText: reversed }],
    ['escaped characters', { headerText: escaped, claimsText: escaped }],
    ['escaped slashes', { claimsText: (text) => text.replaceAll('/', '\\/') }]
  ] satisfies [string, ProofRecipe][]
).map(([what, proof]) => ({
  title: `RFC 7515 §4 accepts any serialization of JSON: ${what}`,
  rules: ['T-06', 'J-06'],
  accept: { proof }
}))

const front = (members: string) => (json: string) => json.replace(/^{/, `{${members},`)
const back = (members: string) => (json: string) => json.replace(/}$/, `,${members}}`)
const twice: Vector[] = [
  {
    title: 'RFC 7515 §4 uses the last of duplicate members: alg none, then ES256',
    rules: ['J-04'],
    accept: { proof: { headerText: front('"alg":"none"') } }
  },
  {
    title: 'RFC 7515 §4 uses the last of duplicate members: alg ES256, then none',
    rules: ['J-04', 'D-09'],
    fault: { proof: { headerText: back('"alg":"none"') } },
    refuse: invalidProof('PROOF_ALG')
  },
  {
    title: 'RFC 7515 §4 uses the last of duplicate members: typ',
    rules: ['J-04', 'D-08'],
    fault: { proof: { headerText: back('"typ":"JWT"') } },
    refuse: invalidProof('PROOF_TYP')
  },
  {
    title: 'RFC 7515 §4 uses the last of duplicate members: jwk of another key, then that of the client',
    rules: ['J-04', 'D-23'],
    accept: { proof: { headerText: (json) => front(`"jwk":${JSON.stringify(key('another ES256').jwk)}`)(json) } }
  },
  {
    title: 'RFC 7515 §4 uses the last of duplicate members: jwk of the client, then that of another key',
    rules: ['J-04', 'D-30'],
    fault: { proof: { headerText: (json) => back(`"jwk":${JSON.stringify(key('another ES256').jwk)}`)(json) } },
    refuse: invalidToken('TOKEN_BINDING')
  },
  {
    title: 'RFC 7515 §4 uses the last of duplicate members: htm',
    rules: ['J-04', 'D-25'],
    fault: { proof: { claimsText: back('"htm":"PUT"') } },
    refuse: invalidProof('PROOF_HTM')
  },
  {
    title: 'RFC 7515 §4 does not read members of __proto__: typ',
    rules: ['D-07', 'J-06'],
    fault: {
      proof: { header: { typ: undefined }, headerText: (json) => back('"__proto__":{"typ":"dpop+jwt"}')(json) }
    },
    refuse: invalidProof('PROOF_TYP')
  },
  {
    title: 'RFC 7515 §4 does not read members of __proto__: jti',
    rules: ['D-11', 'J-06'],
    fault: { proof: { claims: { jti: undefined }, claimsText: (json) => back('"__proto__":{"jti":"1"}')(json) } },
    refuse: invalidProof('PROOF_CLAIMS')
  }
]

const confusion: Vector[] = [
  {
    title: '§11.5 rejects an access token as a proof',
    rules: ['D-77', 'B-13', 'D-08'],
    fault: { proof: { text: (_, { token }) => token } },
    refuse: invalidProof('PROOF_TYP')
  },
  {
    title: '§11.5 rejects an ID token as a proof',
    rules: ['D-77', 'B-13', 'D-08'],
    fault: { proof: { header: { typ: 'JWT' }, claims: { iss: 'https://issuer.example', aud: 'client', nonce: 'n' } } },
    refuse: invalidProof('PROOF_TYP')
  },
  {
    title: '§11.5 rejects a proof as an access token',
    rules: ['D-77', 'B-13', 'A-01', 'A-07'],
    fault: {
      token: {
        text: () => {
          const [, , last] = prepare().lines
          return last?.[1] as string
        }
      }
    },
    refuse: invalidToken('TOKEN_INVALID')
  }
]

function spaced(text: string): string {
  return `\n ${JSON.stringify(JSON.parse(text), null, 4)}\r\n`
}

function reversed(text: string): string {
  return JSON.stringify(reverse(JSON.parse(text)))
}

function reverse(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value
  return Object.fromEntries(
    Object.entries(value)
      .reverse()
      .map(([name, member]) => [name, reverse(member)])
  )
}

/** Replaces every letter in a string by an escape sequence. */
function escaped(text: string): string {
  return text.replace(/"[^"]*"/g, (string) =>
    string.replace(/[A-Za-z]/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
  )
}

export const proofSyntax: VectorGroup = {
  subject: 'proof syntax',
  vectors: [
    ...extras,
    ...json,
    ...shapes,
    ...objects,
    ...encodings,
    ...standardAlphabet,
    ...newlines,
    ...types,
    ...algorithms,
    ...macs,
    ...policy,
    noneWithoutSignature,
    ...extensions,
    ...twice,
    ...confusion
  ]
}
