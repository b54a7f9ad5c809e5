/** Prints the demo: one aligned line for each step and attack, and the count at the end. @module */

import { styleText } from 'node:util'

/** The width of the output. */
const WIDTH = 100
/** The width of the indentation, the mark and the space after it. */
const MARK_WIDTH = 4
const GAP_WIDTH = 2

/**
 * @param {(line: string) => void} print
 * @param {{ steps: number, attacks: number, instances: number }} due the expected number of lines of each kind, so that a missing line is noticed
 */
export function createReport(print, due) {
  const startedAt = performance.now()
  const hasColors = process.stdout.isTTY && !process.env['NO_COLOR']
  const paint = hasColors ? styleText : (_style, text) => text
  const passed = { steps: 0, attacks: 0, instances: 0 }
  const failures = []
  let place = 'start'

  function fail(what, { message }) {
    const reason = message.split('\n', 1)[0]
    failures.push(`${place}: ${what}: ${reason}`)
    return reason
  }

  return {
    fail,
    title(name, note) {
      print(`${paint('bold', name)}  ${paint('dim', note)}`)
    },
    /** What the next lines are about. */
    section(name, note) {
      place = name
      print(`\n${paint('bold', name)}  ${paint('dim', note)}`)
    },
    /** Runs one check, prints its result or the reason of its failure, and returns whether it passed. */
    async line(kind, columns, work) {
      try {
        const reported = await work()
        const head = columns.join('  ')
        const [first, ...more] = wrap(reported, WIDTH - MARK_WIDTH - head.length - GAP_WIDTH)
        print(`  ${paint('green', '✓')} ${head}  ${first}`)
        for (const line of more) print(' '.repeat(MARK_WIDTH + head.length + GAP_WIDTH) + line)
        passed[kind] += 1
        return true
      } catch (error) {
        const reason = fail(columns.map((column) => column.trim()).join(' '), error)
        print(`  ${paint('red', '✗')} ${columns.join('  ')}  ${paint('red', reason)}`)
        return false
      }
    },
    /** Prints the count and returns whether all checks passed. */
    summarize() {
      const isGood = failures.length === 0 && Object.keys(due).every((kind) => passed[kind] === due[kind])
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      const once = due.instances > 0 ? `, ${passed.instances} of ${due.instances} proofs accepted once by all instances` : ''
      const count = `${passed.steps} of ${due.steps} steps passed, ${passed.attacks} of ${due.attacks} attacks rejected${once}, in ${seconds} s`
      print(`\n${isGood ? paint('green', '✓') : paint('red', '✗')} ${paint('bold', count)}`)
      for (const failure of failures) print(`  ${paint('red', failure)}`)
      return isGood
    }
  }
}

/** Breaks a text between words into lines of at most `width` characters. A longer word has a line of its own. */
export function wrap(text, width) {
  const lines = ['']
  for (const word of text.split(' ')) {
    const line = lines.at(-1) === '' ? word : `${lines.at(-1)} ${word}`
    if (line.length <= width || lines.at(-1) === '') lines[lines.length - 1] = line
    else lines.push(word)
  }
  return lines
}

/** The two ends of something long. */
export function shorten(text) {
  return `${text.slice(0, 4)}…${text.slice(-4)}`
}
