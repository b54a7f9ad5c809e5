import { describe, expect, it } from 'vitest'
import { readConfirmation } from '../../src/token/confirmation.js'

const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'
const x5tS256 = 'bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2'.replace(/.$/, 'U')

describe('readConfirmation reads cnf (RFC 7800 §3.1)', () => {
  it.each([
    [undefined, { isBound: false, jkt: undefined, x5tS256: undefined }],
    [{}, { isBound: true, jkt: undefined, x5tS256: undefined }],
    [{ jkt }, { isBound: true, jkt, x5tS256: undefined }],
    [{ 'x5t#S256': x5tS256 }, { isBound: true, jkt: undefined, x5tS256 }],
    [
      { jkt, 'x5t#S256': x5tS256 },
      { isBound: true, jkt, x5tS256 }
    ],
    // Unregistered members are ignored: "in the absence of such requirements, all claims that are not understood".
    [
      { jkt, 'kc-jkt-type': 'x', other: { a: 1 } },
      { isBound: true, jkt, x5tS256: undefined }
    ]
  ])('returns the binding of cnf %j', (cnf, expected) => {
    expect(readConfirmation(cnf === undefined ? {} : { cnf })).toEqual(expected)
  })

  const objects: unknown[] = [null, 'x', 1, true, [], [{ jkt }]]
  it.each(objects.map((cnf) => [cnf]))(
    'rejects a cnf that is not an object instead of treating the token as unbound: %j',
    (cnf) => {
      const refusal = { code: 'ERR_DPOP_TOKEN_BINDING', detail: { reason: 'cnf is not an object' } }
      expect(() => readConfirmation({ cnf })).toThrow(expect.objectContaining(refusal))
    }
  )

  const malformed: { jkt: unknown; 'x5t#S256'?: unknown }[] = [
    ...[null, '', 1, true, {}, [jkt], `${jkt}=`, ` ${jkt}`, jkt.slice(1), `${jkt}A`, 'a'.repeat(64), jkt.replace('I', 'J')].map(
      (value) => ({ jkt: value })
    ),
    ...['', 1, null, 'x'].map((value) => ({ jkt, 'x5t#S256': value }))
  ]
  it.each(malformed.map((cnf) => [cnf]))('rejects a malformed cnf instead of treating the token as unbound: %j', (cnf) => {
    const detail = { reason: `cnf has a malformed ${cnf.jkt === jkt ? 'x5t#S256' : 'jkt'}` }
    expect(() => readConfirmation({ cnf })).toThrow(expect.objectContaining({ code: 'ERR_DPOP_TOKEN_BINDING', detail }))
  })

  it.each(['jwk', 'jwe', 'kid', 'jku', 'osc'])(
    'rejects the registered confirmation method %s, which is not supported',
    (name) => {
      for (const value of [{}, 'x', null, undefined]) {
        const refusal = { code: 'ERR_DPOP_TOKEN_BINDING', detail: { reason: `cnf has ${name}, which is not verified here` } }
        expect(() => readConfirmation({ cnf: { jkt, [name]: value } })).toThrow(expect.objectContaining(refusal))
      }
    }
  )

  it('ignores inherited members', () => {
    const claims = JSON.parse(`{"cnf":{"__proto__":{"jkt":"${jkt}"}}}`)
    expect(readConfirmation(claims).jkt).toBeUndefined()
    expect(readConfirmation(JSON.parse(`{"__proto__":{"cnf":{"jkt":"${jkt}"}}}`)).isBound).toBe(false)
  })
})
