import { describe, expect, it } from 'vitest'
import { copyPlain, isEqual } from '../../src/encoding/plain-values.js'

class Store {
  readonly entries = 1
}

describe('isEqual compares plain objects and arrays by their members', () => {
  it.each([
    ['a string', 'a'],
    ['NaN', Number.NaN],
    ['null', null],
    ['undefined', undefined],
    ['an array', ['a', { b: 1 }]],
    ['an object', { a: 1, b: ['c'] }],
    ['an object without a prototype', Object.assign(Object.create(null), { a: 1 })]
  ])('is true for the same value in two objects: %s', (_, value) => {
    expect(isEqual(value, structuredClone(value))).toBe(true)
  })

  it.each<[string, unknown, unknown]>([
    ['another string', 'a', 'b'],
    ['another order', ['a', 'b'], ['b', 'a']],
    ['a longer array', ['a'], ['a', 'b']],
    ['a further member', { a: 1 }, { a: 1, b: 2 }],
    ['a member instead of another', { a: undefined }, { b: undefined }],
    ['a member that the prototype of the other has', { toString: Object.prototype.toString }, { a: 1 }],
    ['one of two members', { a: 1, b: 2 }, { a: 1, b: 3 }],
    ['an array and an object', ['a'], { 0: 'a' }],
    ['an object and an array', { 0: 'a' }, ['a']],
    ['an object and a string', {}, 'a'],
    ['a string and an object', 'a', {}],
    ['an object and null', {}, null],
    ['two functions', () => 1, () => 1],
    ['two instances of a class', new Store(), new Store()],
    ['an instance and a plain object', new Store(), { entries: 1 }],
    ['two dates', new Date(0), new Date(0)]
  ])('is false for %s', (_, a, b) => {
    expect(isEqual(a, b)).toBe(false)
  })

  it('is true for one instance', () => {
    const store = new Store()
    expect(isEqual({ store }, { store })).toBe(true)
  })
})

describe('copyPlain', () => {
  it('copies plain objects and arrays at every depth', () => {
    const value = { a: ['b', { c: 1 }] }
    const copy = copyPlain(value)
    expect(copy).toEqual(value)
    expect(copy).not.toBe(value)
    expect(copy.a).not.toBe(value.a)
    expect(copy.a[1]).not.toBe(value.a[1])
  })

  it('keeps anything else', () => {
    const kept = { store: new Store(), call: () => 1, none: undefined, text: 'a' }
    const copy = copyPlain(kept)
    expect(copy.store).toBe(kept.store)
    expect(copy.call).toBe(kept.call)
    expect(Object.keys(copy)).toEqual(['store', 'call', 'none', 'text'])
  })
})
