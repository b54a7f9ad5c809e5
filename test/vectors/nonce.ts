/** Nonces: RFC 9449 §4.3 check 10, §8, §9 and §11.3. @module */

import { mix, now, prepare, type Recipe, type WireRequest } from './recipe.js'
import {
  accepted,
  invalidProof,
  invalidToken,
  needsNonce,
  noCredentials,
  type Options,
  type Step,
  tokenOf,
  type Vector,
  type VectorGroup
} from './vector.js'

const options: Options = { nonce: { secrets: ['a secret that is 32 bytes long, really'], maxAgeSeconds: 100 } }
/** A nonce is accepted for at least half of its maximum age. */
const step = 50

/** A request with the nonce and the changes of the recipe. */
const using = (nonce: unknown, recipe: Recipe = {}): WireRequest => prepare(mix({ proof: { claims: { nonce } } }, recipe))
const dated = (at: number): Recipe => ({ proof: { claims: { iat: now + at } } })

const history = (title: string, rules: Vector['rules'], steps: () => readonly Step[], more: Options = {}): Vector => ({
  title,
  rules,
  options: { ...options, ...more },
  steps
})

/** A request without a nonce, which is rejected with the current nonce. */
const requestNonce: () => Step = () => ({ send: prepare(), expect: needsNonce('NONCE_REQUIRED') })
const use = (recipe: Recipe = {}): Step => ({ send: (nonce) => using(nonce, recipe), expect: accepted })

const flow: Vector[] = [
  history(
    '§9 a proof without a nonce is rejected with a nonce, and accepted with that nonce',
    ['D-15', 'D-60', 'D-61', 'D-64', 'D-62', 'D-67', 'D-69', 'L43', 'AMB-17'],
    () => [requestNonce(), use()]
  ),
  history('§11.3 a client that received a nonce is always rejected without one', ['D-72', 'D-75', 'AMB-12'], () => [
    requestNonce(),
    use(),
    requestNonce(),
    requestNonce()
  ]),
  history('§8.2 a nonce may be used more than once', ['D-66', 'D-27'], () => [
    requestNonce(),
    use(),
    use({ method: 'POST' }),
    use({ target: '/x' })
  ]),
  history(
    '§8.2 after a rotation the previous nonce is accepted, and the response has the new one',
    ['D-66', 'D-68', 'D-69', 'AMB-18'],
    () => [requestNonce(), { ...use(dated(step)), at: step }, { ...use(dated(step)), at: step }]
  ),
  history('§9 a nonce expires after maxAgeSeconds: it is rejected and a new one is issued', ['D-64', 'D-65', 'L18'], () => [
    requestNonce(),
    { at: 3 * step, send: (nonce) => using(nonce, dated(3 * step)), expect: needsNonce('NONCE_INVALID') },
    { at: 3 * step, send: (nonce) => using(nonce, dated(3 * step)), expect: accepted }
  ]),
  history('§11.1 with a nonce, an iat of any time is accepted: an hour ago', ['D-49', 'AMB-11', 'D-28'], () => [
    requestNonce(),
    use(dated(-3600))
  ]),
  history('§11.1 with a nonce, an iat of any time is accepted: an hour ahead', ['D-49', 'AMB-11', 'D-28'], () => [
    requestNonce(),
    use(dated(3600))
  ]),
  history('§9 a retry may keep its jti: a proof that lacked the nonce is not consumed', ['AMB-22', 'L9'], () => [
    { send: prepare({ proof: { claims: { jti: 'kept' } } }), expect: needsNonce('NONCE_REQUIRED') },
    use({ proof: { claims: { jti: 'kept' } } })
  ]),
  history('§11.1 the entry of a proof is kept until its nonce expires', ['D-73', 'D-45', 'AT-04', 'AMB-20'], () => [
    requestNonce(),
    use({ proof: { claims: { jti: 'once' } } }),
    { send: (nonce) => using(nonce, { proof: { claims: { jti: 'once' } } }), expect: invalidProof('PROOF_REPLAYED') },
    {
      at: step + 40,
      send: (nonce) => using(nonce, { proof: { claims: { jti: 'once' } } }),
      expect: invalidProof('PROOF_REPLAYED')
    }
  ])
]

const wrong: Vector[] = (
  [
    ['a nonce of another server', () => 'n-0S6_WzA2Mj'],
    ['an empty string', () => ''],
    ['a truncated nonce', (nonce) => nonce.slice(0, -1)],
    ['a valid nonce with a suffix', (nonce) => `${nonce}x`],
    ['a valid nonce in another case', (nonce) => (nonce.toLowerCase() === nonce ? nonce.toUpperCase() : nonce.toLowerCase())],
    ['a valid nonce twice', (nonce) => `${nonce} ${nonce}`]
  ] satisfies [string, (nonce: string) => string][]
).map(([what, change]) =>
  history(`§9 rejects a nonce that this server did not issue: ${what}`, ['D-65', 'D-27', 'D-64', 'L43'], () => [
    requestNonce(),
    use(),
    requestNonce(),
    { send: (nonce) => using(change(nonce)), expect: needsNonce('NONCE_INVALID') },
    use()
  ])
)

const notStrings: Vector[] = [1, true, {}, ['n'], null].map((nonce) =>
  history(`§9 rejects a nonce that is not a string: ${JSON.stringify(nonce)}`, ['D-65', 'L41'], () => [
    requestNonce(),
    use(),
    { send: using(nonce), expect: invalidProof('PROOF_CLAIMS') }
  ])
)

const precedence: Vector[] = (
  [
    ['a signature of another key', { proof: { signedBy: 'another ES256' } }, invalidProof('PROOF_SIGNATURE')],
    ['another htm', { proof: { claims: { htm: 'PUT' } } }, invalidProof('PROOF_HTM')],
    ['another htu', { proof: { claims: { htu: 'https://evil.example/' } } }, invalidProof('PROOF_HTU')],
    ['another ath', { proof: { claims: { ath: 'x' } } }, invalidProof('PROOF_ATH')],
    ['another typ', { proof: { header: { typ: 'JWT' } } }, invalidProof('PROOF_TYP')],
    ['an expired token', { token: { claims: { exp: 1 } } }, invalidToken('TOKEN_EXPIRED')],
    ['another key', { key: 'another ES256', token: { boundTo: 'ES256' } }, invalidToken('TOKEN_BINDING')],
    ['no credentials', { lines: ({ host }) => [host] }, noCredentials]
  ] satisfies [string, Recipe, Step['expect']][]
).map(([what, fault, expect]) =>
  history(
    `§9 rejects an otherwise invalid request with its own error instead of use_dpop_nonce: ${what}`,
    ['AMB-26', 'L43'],
    () => [requestNonce(), use(), { send: prepare(fault), expect }]
  )
)

const others: Vector[] = [
  history(
    '§9 with allowBearer, only the DPoP challenge has use_dpop_nonce',
    ['D-61', 'D-54', 'D-60'],
    () => [requestNonce(), use()],
    {
      allowBearer: true
    }
  ),
  history(
    '§9 with nonce.required, only the requests for which it returns false are accepted without a nonce',
    ['D-60', 'AMB-12'],
    () => [
      { send: prepare({ method: 'GET' }), expect: accepted },
      { send: prepare({ method: 'POST' }), expect: needsNonce('NONCE_REQUIRED') },
      use({ method: 'POST' })
    ],
    {
      nonce: {
        ...(options.nonce as object),
        secrets: ['a secret that is 32 bytes long, really'],
        required: (request) => request.method === 'POST'
      }
    }
  ),
  history('§9 requires a nonce in the proof also with a cached token', ['D-72', 'I-05'], () => {
    const first = using('none')
    return [
      requestNonce(),
      use({ token: { text: () => tokenOf(first) } }),
      { send: prepare({ token: { text: () => tokenOf(first) } }), expect: needsNonce('NONCE_REQUIRED') }
    ]
  })
]

export const nonce: VectorGroup = {
  subject: 'nonces',
  vectors: [...flow, ...wrong, ...notStrings, ...precedence, ...others]
}
