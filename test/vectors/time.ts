/** The time window of a proof and replay detection: RFC 9449 §4.3 check 11, §11.1; RFC 7519 §4.1.4, §4.1.5. @module */

import type { ReplayStore } from 'dpop-guard'
import type { RuleId } from '../conformance/rules.js'
import type { Json } from './forge.js'
import { mix, now, prepare, type Recipe, type WireRequest } from './recipe.js'
import {
  accepted,
  invalidProof,
  invalidToken,
  lacksScope,
  type Options,
  type Step,
  unavailable,
  type Vector,
  type VectorGroup
} from './vector.js'

const claims = (change: Json): Recipe => ({ proof: { claims: change } })
const replayed = invalidProof('PROOF_REPLAYED')
const outOfTime = invalidProof('PROOF_IAT')

const inWindow: Vector[] = (
  [
    ['now', 0, []],
    ['ten seconds ago', -10, ['F-09']],
    ['eight seconds ahead', 8, ['D-48', 'F-09']],
    ['300 seconds ago, the last second', -300, ['D-46', 'AMB-10']],
    ['299.5 seconds ago', -299.5, ['D-46', 'J-22']],
    ['30 seconds ahead, the last second', 30, ['D-48', 'AMB-10']],
    ['a second ago', -1, []],
    ['a minute ago', -60, ['P-M6']],
    ['four minutes ago', -240, ['P-M6']],
    ['a second ahead', 1, ['D-48']],
    ['29 seconds ahead', 29, ['D-48']],
    ['half a second ago', -0.5, ['J-22']],
    ['half a second ahead', 0.5, ['J-22']]
  ] satisfies [string, number, RuleId[]][]
).map(([what, offset, rules]) => ({
  title: `§4.3#11 accepts an iat inside the window: ${what}`,
  rules: ['D-28', ...rules],
  accept: claims({ iat: now + offset })
}))

const outsideWindow: Vector[] = (
  [
    ['301 seconds ago', now - 301, ['AMB-10', 'D-46']],
    ['300.5 seconds ago', now - 300.5, ['AMB-10', 'J-22']],
    ['303 seconds ago', now - 303, ['D-46', 'P-M6', 'P-M8']],
    ['an hour ago', now - 3600, ['D-28']],
    ['31 seconds ahead', now + 31, ['AMB-10', 'D-48']],
    ['30.5 seconds ahead', now + 30.5, ['AMB-10', 'J-22']],
    ['303 seconds ahead', now + 303, ['D-48', 'P-M6']],
    ['an hour ahead', now + 3600, ['D-28']],
    ['zero', 0, ['D-28']],
    ['negative', -now, ['D-28']],
    ['in milliseconds', now * 1000, ['D-28']]
  ] satisfies [string, number, RuleId[]][]
).map(([what, iat, rules]) => ({
  title: `§4.3#11 rejects an iat outside the window: ${what}`,
  rules: ['D-28', 'D-46', 'L12', ...rules],
  fault: claims({ iat }),
  refuse: outOfTime
}))

const noTimes: Vector[] = ['1e400', '-1e400', '1e300'].map((number) => ({
  title: `RFC 7519 §2 rejects a time that is not a finite number: iat is ${number}`,
  rules: ['D-28', 'J-22', 'L41'],
  fault: { proof: { claimsText: (json: string) => json.replace(/"iat":\d+/, `"iat":${number}`) } },
  refuse: invalidProof('PROOF_CLAIMS')
}))

const ownTimes: Vector[] = (
  [
    ['nbf now, exp in five minutes', { nbf: now, exp: now + 300 }],
    ['nbf two seconds ahead', { nbf: now + 2 }],
    ['nbf at the end of the tolerance', { nbf: now + 30 }],
    ['exp a second ago', { exp: now - 1 }],
    ['exp at the end of the tolerance', { exp: now - 29 }],
    ['exp far away', { exp: now + 1e9 }]
  ] satisfies [string, Json][]
).map(([what, change]) => ({
  title: `RFC 7519 §4.1 accepts exp and nbf of a proof with the clock tolerance of iat: ${what}`,
  rules: ['J-20', 'AMB-25', 'L31'],
  accept: claims(change)
}))

const notTheirTime: Vector[] = (
  [
    ['exp 30 seconds ago', { exp: now - 30 }],
    ['exp an hour ago', { exp: now - 3600 }],
    ['exp zero', { exp: 0 }],
    ['nbf 31 seconds ahead', { nbf: now + 31 }],
    ['nbf an hour ahead', { nbf: now + 3600 }]
  ] satisfies [string, Json][]
).map(([what, change]) => ({
  title: `RFC 7519 §4.1 rejects a proof outside exp and nbf: ${what}`,
  rules: ['J-20', 'AMB-25'],
  fault: claims(change),
  refuse: outOfTime
}))

const window = { proof: { maxAgeSeconds: 60, maxFutureSeconds: 10 } } satisfies Options
const narrowed: Vector[] = [
  ...[-60, 10].map(
    (offset): Vector => ({
      title: `§11.1 accepts an iat inside a configured window of 60 and 10 seconds: ${offset}`,
      rules: ['D-46', 'AMB-10', 'P-M6'],
      options: window,
      accept: claims({ iat: now + offset })
    })
  ),
  ...[-61, 11].map(
    (offset): Vector => ({
      title: `§11.1 rejects an iat outside a configured window of 60 and 10 seconds: ${offset}`,
      rules: ['D-46', 'AMB-10', 'P-M6'],
      options: window,
      fault: claims({ iat: now + offset }),
      refuse: outOfTime
    })
  )
]

const fresh = (jti: string, recipe: Recipe = {}): WireRequest => prepare(mix(claims({ jti }), recipe))

/** A sequence of requests, accepted by default. */
const history = (
  title: string,
  rules: Vector['rules'],
  steps: () => readonly (Omit<Step, 'expect'> & { expect?: Step['expect'] })[],
  options?: Vector['options']
): Vector => ({
  title,
  rules,
  ...(options !== undefined && { options }),
  steps: () => steps().map((step) => ({ expect: accepted, ...step }))
})

const again: Vector[] = [
  history('§11.1 a proof is accepted once', ['D-45', 'D-02', 'D-56', 'C-05', 'D-41', 'P-M8'], () => {
    const send = prepare()
    return [{ send }, { send, expect: replayed }, { send, expect: replayed, at: 1 }]
  }),
  history('§7.3 a retry with a new proof is a new request', ['D-56', 'D-02'], () => [{ send: prepare() }, { send: prepare() }]),
  history('§11.1 a proof is accepted once, for any query', ['D-45', 'U-11'], () => {
    const send = prepare({ target: '/r?page=1' })
    return [{ send }, { send: { ...send, target: '/r?page=2' }, expect: replayed }]
  }),
  history('§11.1 a proof is accepted once, with any other header fields', ['D-45', 'D-79'], () => {
    const send = prepare()
    return [{ send }, { send: { ...send, lines: [...send.lines, ['X-Retry', '1']] }, expect: replayed }]
  }),
  history('§11.1 a jti is consumed for its key and for all equivalent URIs', ['D-45', 'AMB-19', 'L7'], () => [
    { send: fresh('same', { target: '/%7Eme' }) },
    { send: fresh('same', { target: '/~me' }), expect: replayed },
    { send: fresh('same', { target: '/~me', proof: { claims: { htu: 'HTTPS://API.EXAMPLE:443/%7eme?x#y' } } }), expect: replayed }
  ]),
  history('§11.1 a jti is consumed for any other claims of the proof', ['D-45', 'AMB-19', 'L7'], () => [
    { send: fresh('same') },
    { send: fresh('same', claims({ iat: now - 5, extra: true })), expect: replayed },
    { send: fresh('same', { proof: { jwk: (jwk) => ({ ...jwk, kid: 'k' }) } }), expect: replayed },
    { send: fresh('same', { method: 'POST' }), expect: replayed }
  ]),
  history('§11.1 accepts one jti of two clients', ['L8', 'AMB-19'], () => [
    { send: fresh('same') },
    { send: fresh('same', { key: 'another ES256' }) },
    { send: fresh('same', { key: 'Ed25519' }) },
    { send: fresh('same'), expect: replayed }
  ]),
  history('§11.1 accepts one jti for two URIs', ['AMB-19', 'D-45'], () => [
    { send: fresh('same', { target: '/a' }) },
    { send: fresh('same', { target: '/b' }) },
    { send: fresh('same', { target: '/a' }), expect: replayed }
  ]),
  history('§11.1 jti is compared case-sensitively', ['D-45', 'D-05'], () => [{ send: fresh('abc') }, { send: fresh('ABC') }]),
  history('§11.1 exactly one of fifty concurrent copies is accepted', ['D-45', 'L6', 'AMB-21'], () => [
    { send: prepare(), copies: 50, others: replayed }
  ]),
  history(
    '§11.1 exactly one of fifty concurrent copies is accepted, also with a slow store',
    ['D-45', 'L6', 'AMB-21'],
    () => [{ send: prepare(), copies: 50, others: replayed }],
    () => ({ replay: slowStore() })
  ),
  history('§4.3 a rejected proof is not consumed', ['L9', 'AMB-22', 'D-41'], () => {
    const { lines, ...line } = fresh('kept')
    const send = { ...line, lines }
    return [
      { send: prepare() },
      { send: { ...send, method: 'POST' }, expect: invalidProof('PROOF_HTM') },
      { send: { ...send, target: '/other' }, expect: invalidProof('PROOF_HTU') },
      { send }
    ]
  }),
  history('§4.3 a proof that is rejected for a future iat is not consumed', ['L9', 'AMB-22'], () => {
    const send = fresh('early', claims({ iat: now + 60 }))
    return [{ send: prepare() }, { send, expect: outOfTime }, { send, at: 40 }, { send, at: 40, expect: replayed }]
  }),
  history('RFC 6750 §3.1 a proof whose token lacks a scope is not consumed', ['L9', 'AMB-22', 'W-06'], () => {
    const send = fresh('scope')
    return [
      { send: prepare() },
      { send, scopes: ['notes:write'], expect: lacksScope('SCOPE_INSUFFICIENT') },
      { send, scopes: ['notes:read'] }
    ]
  }),
  history('§11.1 an attacker without the token cannot consume the proof of a client', ['L8', 'L9', 'AMB-19'], () => [
    { send: fresh('other') },
    { send: fresh('victim', { key: 'another ES256', token: { boundTo: 'ES256' } }), expect: invalidToken('TOKEN_BINDING') },
    { send: fresh('victim') }
  ])
]

const arithmetic: Vector[] = [
  history(
    '§11.1 the entry of a proof with a future iat expires when the proof does, not maxAgeSeconds after its first use',
    ['L5', 'AMB-20', 'D-45', 'D-46'],
    () => {
      const send = prepare(claims({ iat: now + 29 }))
      return [
        { send },
        { send, at: 70, expect: replayed },
        { send, at: 89, expect: replayed },
        { send, at: 90, expect: outOfTime }
      ]
    },
    { proof: { maxAgeSeconds: 60, maxFutureSeconds: 30 } }
  ),
  history('§11.1 a proof is rejected as replayed until the last second of its time window', ['L5', 'AMB-20'], () => {
    const send = prepare()
    return [
      { send },
      { send, at: 299, expect: replayed },
      { send, at: 300, expect: replayed },
      { send, at: 300.999, expect: replayed },
      { send, at: 301, expect: outOfTime }
    ]
  }),
  history('§11.1 a proof with a fractional iat is rejected as replayed until its time window ends', ['L5', 'J-22'], () => {
    const send = prepare(claims({ iat: now + 29.5 }))
    return [{ send }, { send, at: 329.999, expect: replayed }, { send, at: 330, expect: outOfTime }]
  }),
  history('§11.1 a proof that is accepted at the end of its window is consumed', ['L5'], () => {
    const send = prepare(claims({ iat: now - 300 }))
    return [{ send }, { send, at: 0.999, expect: replayed }, { send, at: 1, expect: outOfTime }]
  }),
  history('§4.3#11 a proof that arrives late is accepted within its window', ['D-46', 'AMB-10'], () => {
    const [first, last] = [prepare(), prepare()]
    return [
      { send: first, at: 150 },
      { send: last, at: 300 },
      { send: last, at: 301, expect: outOfTime }
    ]
  })
]

const stores: Vector[] = [
  history(
    '§11.1 with replay: false a proof is accepted repeatedly within its time window',
    ['P-M8', 'D-46'],
    () => {
      const send = prepare()
      return [{ send }, { send }, { send, at: 301, expect: outOfTime }]
    },
    { replay: false }
  ),
  history(
    '§11.1 a replay store that rejects results in 503',
    ['L44', 'AMB-21'],
    () => [{ send: prepare() }, { send: prepare(), expect: unavailable('ERR_DPOP_REPLAY_STORE_UNAVAILABLE') }],
    () => ({ replay: failingStore(() => Promise.reject(new Error('connection lost'))) })
  ),
  history(
    '§11.1 a replay store that throws results in 503',
    ['L44', 'AMB-21', 'AMB-20'],
    () => [{ send: prepare() }, { send: prepare(), expect: unavailable('ERR_DPOP_REPLAY_STORE_UNAVAILABLE') }],
    () => ({
      replay: failingStore(() => {
        throw new Error('full')
      })
    })
  )
]

/** An atomic store that responds some event-loop turns later. */
function slowStore(): ReplayStore {
  const seen = new Set<string>()
  return {
    reserve: async (key) => {
      const isFirst = !seen.has(key)
      seen.add(key)
      for (let turn = 0; turn < 5; turn++) await new Promise(setImmediate)
      return isFirst
    }
  }
}

/** Accepts the first key and then fails. */
function failingStore(fail: () => Promise<never>): ReplayStore {
  let calls = 0
  return { reserve: () => (calls++ === 0 ? true : fail()) }
}

export const time: VectorGroup = {
  subject: 'time and replay',
  vectors: [
    ...inWindow,
    ...ownTimes,
    ...outsideWindow,
    ...noTimes,
    ...notTheirTime,
    ...narrowed,
    ...again,
    ...arithmetic,
    ...stores
  ]
}
