import { describe, expect, it } from 'vitest'
import { printable } from '../../src/encoding/printable.js'

describe('printable', () => {
  it.each<[value: unknown, text: string]>([
    ['a', '"a"'],
    ['a"\\', '"a\\"\\\\"'],
    ['a\r\nb\u2028é\u0000', '"a??b???"'],
    ['x'.repeat(200), `"${'x'.repeat(200)}"`],
    ['x'.repeat(201), `"${'x'.repeat(200)}…"`],
    [['a', 7], '["a", number]'],
    [Array(11).fill('a'), 'an array of 11'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{ secret: 1 }, 'object']
  ])('prints %j on one line of printable ASCII', (value, text) => {
    expect(printable(value)).toBe(text)
  })
})
