/** What the demo prints: one aligned line for each step and each theft, and the count at the end. @module */

import { styleText } from 'node:util'

/**
 * @param {(line: string) => void} print
 * @param {{ steps: number, thefts: number, instances: number }} due how many lines of each kind there must be, so that none is left out unseen
 */
export function createReport(print, due) {
  const startedAt = performance.now()
  const hasColours = process.stdout.isTTY && !process.env['NO_COLOR']
  const paint = hasColours ? styleText : (_style, text) => text
  const passed = { steps: 0, thefts: 0, instances: 0 }
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
    /** Does one line's work, prints what it tells or why it failed, and returns whether it passed. */
    async line(kind, columns, work) {
      try {
        const told = await work()
        print(`  ${paint('green', '✓')} ${columns.join('  ')}  ${told}`)
        passed[kind] += 1
        return true
      } catch (error) {
        const reason = fail(columns.map((column) => column.trim()).join(' '), error)
        print(`  ${paint('red', '✗')} ${columns.join('  ')}  ${paint('red', reason)}`)
        return false
      }
    },
    /** Prints the count, and tells whether all went well. */
    summarize() {
      const isGood = failures.length === 0 && Object.keys(due).every((kind) => passed[kind] === due[kind])
      const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
      const once = due.instances > 0 ? `, ${passed.instances} of ${due.instances} proofs good once among all instances` : ''
      const count = `${passed.steps} of ${due.steps} steps passed, ${passed.thefts} of ${due.thefts} thefts refused${once}, in ${seconds} s`
      print(`\n${isGood ? paint('green', '✓') : paint('red', '✗')} ${paint('bold', count)}`)
      for (const failure of failures) print(`  ${paint('red', failure)}`)
      return isGood
    }
  }
}

/** The two ends of something long. */
export function shorten(text) {
  return `${text.slice(0, 4)}…${text.slice(-4)}`
}
