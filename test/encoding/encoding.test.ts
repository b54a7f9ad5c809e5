import { describe, expect, it } from 'vitest'
import { decodeJsonObject, splitCompactJws } from '../../src/encoding/compact-jws.js'
import { copyString } from '../../src/encoding/copy-string.js'
import { deepFreeze } from '../../src/encoding/json.js'
import { isNumericDate } from '../../src/encoding/numeric-date.js'
import { encode } from '../support/world.js'

describe('splitCompactJws requires three non-empty segments (RFC 7515 §7.1)', () => {
  it('returns the segments and the signing input', () => {
    expect(splitCompactJws('a.bc.d')).toEqual({ header: 'a', payload: 'bc', signature: 'd', signingInput: 'a.bc' })
    expect(splitCompactJws('a.b.c')).toEqual({ header: 'a', payload: 'b', signature: 'c', signingInput: 'a.b' })
  })

  it.each(['', '.', '..', 'a', 'a.b', 'a..c', '.b.c', 'a.b.', 'a.b.c.', 'a.b.c.d', 'a.b..d', '....'])('rejects %j', (text) => {
    expect(splitCompactJws(text)).toBeUndefined()
  })
})

describe('decodeJsonObject requires canonical base64url of a JSON object in UTF-8 (RFC 7515 §2, RFC 7519 §7.2)', () => {
  it.each([
    ['{}', {}],
    ['{"a":"é😀\\u0000"}', { a: 'é😀\u0000' }],
    [' {"a":1}\n', { a: 1 }],
    ['{"a":1,"a":2}', { a: 2 }]
  ])('decodes %j', (json, expected) => {
    expect(decodeJsonObject(encode(json))).toEqual(expected)
  })

  it.each(['', ' ', '[]', '[{}]', '1', '"x"', 'null', 'true', '{', '{"a":1}x', '{a:1}', "{'a':1}", '\ufeff{}'])(
    'rejects %j',
    (json) => {
      expect(decodeJsonObject(encode(json))).toBeUndefined()
    }
  )

  it.each([
    ['Latin-1', Buffer.from('{"a":"é"}', 'latin1')],
    ['UTF-16', Buffer.from('{}', 'utf16le')],
    ['a lone surrogate', Buffer.from('7b2261223a22eda080227d', 'hex')],
    ['an overlong encoding', Buffer.from('7b2261223a22c0af227d', 'hex')]
  ])('rejects %s, which is not UTF-8', (_title, bytes) => {
    expect(decodeJsonObject(bytes.toString('base64url'))).toBeUndefined()
  })

  it('does not set the prototype to the value of a member __proto__', () => {
    const value = decodeJsonObject(encode('{"__proto__":{"polluted":1},"constructor":{"prototype":{"polluted":1}}}'))
    expect(Object.getPrototypeOf(value)).toBe(Object.prototype)
    expect(value?.['polluted']).toBeUndefined()
    expect(({} as Record<string, unknown>)['polluted']).toBeUndefined()
  })

  it('decodes deeply nested values, which deepFreeze freezes without recursion', () => {
    const deep = `${'{"a":'.repeat(20_000)}1${'}'.repeat(20_000)}`
    const value = decodeJsonObject(encode(deep))
    expect(deepFreeze(value as object)).toBe(value)
  })
})

it('deepFreeze freezes nested arrays and objects', () => {
  const value = deepFreeze({ a: [{ b: {} }], c: null, d: 'x', e: undefined })
  for (const part of [value, value.a, value.a[0], value.a[0]?.b]) expect(Object.isFrozen(part)).toBe(true)
  expect(Object.isFrozen(deepFreeze({ flat: 1 }))).toBe(true)
})

it('deepFreeze ends if a library has added an enumerable object to Object.prototype', () => {
  const added = 'addedByTheTest'
  Object.defineProperty(Object.prototype, added, { value: { a: 1 }, enumerable: true, writable: true, configurable: true })
  try {
    expect(Object.isFrozen(deepFreeze({ a: {} }).a)).toBe(true)
  } finally {
    Reflect.deleteProperty(Object.prototype, added)
  }
})

it('copyString returns an equal string', () => {
  for (const text of ['', 'abc', 'é😀', 'x'.repeat(10_000)]) expect(copyString(text)).toBe(text)
})

describe('isNumericDate accepts numbers of seconds whose milliseconds are exact (RFC 7519 §2)', () => {
  const last = Number.MAX_SAFE_INTEGER / 1000
  it.each([0, -1, 1.5, 1_800_000_000, last, -last])('accepts %d', (value) => {
    expect(isNumericDate(value)).toBe(true)
  })

  const others = [
    last * 1.001,
    -last * 1.001,
    1e300,
    Number.POSITIVE_INFINITY,
    Number.NaN,
    '1',
    '',
    null,
    undefined,
    true,
    [1],
    {}
  ]
  it.each(others.map((value) => [value]))('rejects %s', (value) => {
    expect(isNumericDate(value)).toBe(false)
  })
})
