import { describe, expect, it } from 'vitest'
import { onOneLine, printable } from '../../src/encoding/printable.js'

describe('printable', () => {
  it.each<[value: unknown, text: string]>([
    ['a', '"a"'],
    ['a"\\', '"a\\"\\\\"'],
    ['a\r\nb\u2028é\u0000', '"a??b???"'],
    ['x'.repeat(200), `"${'x'.repeat(200)}"`],
    ['x'.repeat(201), `"${'x'.repeat(200)}…"`],
    [['a', 7], '["a", number]'],
    [Array(10).fill('a'), `[${Array(10).fill('"a"').join(', ')}]`],
    [Array(11).fill('a'), 'an array of 11'],
    [['a', [['b']]], '["a", an array of 1]'],
    [null, 'null'],
    [undefined, 'undefined'],
    [{ secret: 1 }, 'object']
  ])('prints %j on one line of printable ASCII', (value, text) => {
    expect(printable(value)).toBe(text)
  })

  it('does not descend into nested arrays, of which a token may have thousands', () => {
    expect(printable(JSON.parse(`${'['.repeat(100_000)}${']'.repeat(100_000)}`))).toBe('[an array of 1]')
  })
})

describe('onOneLine', () => {
  it('replaces what could change the lines or the colors of a terminal, and keeps other characters', () => {
    expect(onOneLine('é …\u001b[2K\r\n\u0085\u200f\u2028\u2029')).toBe('é …?[2K??????')
  })
})
