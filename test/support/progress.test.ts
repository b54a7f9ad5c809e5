/** The progress line of long commands. */

import { PassThrough } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { createProgress } from './progress.mjs'

const CLEAR = '\u001b[1G\u001b[2K'

function createStreams(terminal: { isTTY?: boolean; columns?: number }) {
  const [stream, output] = [new PassThrough(), new PassThrough()]
  const progress = createProgress(Object.assign(stream, terminal), output)
  return { progress, written: () => String(stream.read() ?? ''), printed: () => String(output.read() ?? '') }
}

describe('createProgress', () => {
  it('rewrites one line on a terminal', () => {
    const { progress, written } = createStreams({ isTTY: true, columns: 40 })
    progress.show('1 of 2')
    progress.show('2 of 2')
    progress.clear()
    progress.clear()
    expect(written()).toBe(`1 of 2${CLEAR}2 of 2${CLEAR}`)
  })

  it('writes no progress without a terminal, and results only to the output', () => {
    const { progress, written, printed } = createStreams({})
    progress.show('1 of 2')
    progress.print('result')
    progress.clear()
    expect(written()).toBe('')
    expect(printed()).toBe('result\n')
  })

  it('removes the line before a result', () => {
    const { progress, written, printed } = createStreams({ isTTY: true })
    progress.show('1 of 2')
    progress.print('result')
    expect(written()).toBe(`1 of 2${CLEAR}`)
    expect(printed()).toBe('result\n')
  })

  it.each([
    [20, 19],
    [undefined, 79],
    [0, 79]
  ])('cuts the line to the width of the terminal: %s columns', (columns, length) => {
    const { progress, written } = createStreams({ isTTY: true, ...(columns !== undefined && { columns }) })
    progress.show('x'.repeat(200))
    expect(written()).toBe('x'.repeat(length))
  })
})
