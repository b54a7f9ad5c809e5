/**
 * `npm test`: every test with coverage. Prints the files whose coverage is below 100 %, whether docs/conformance.md is up to date, and
 * the result last. Arguments are passed to Vitest.
 */

import { startVitest } from 'vitest/node'

const started = performance.now()
const vitest = await startVitest('test', process.argv.slice(2), {
  watch: false,
  coverage: { enabled: true },
  reporters: ['default', './test/conformance/reporter.ts']
})
const modules = vitest.state.getTestModules()
const tests = modules.flatMap((module) => [...module.children.allTests()])
const failed = tests.filter((test) => test.result().state === 'failed').length
const hasLoaded = modules.every((module) => module.errors().length === 0)
// Prints the coverage.
await vitest.close()

const minutes = (performance.now() - started) / 60_000
const isGood = failed === 0 && hasLoaded && !process.exitCode
console.log(`\n${isGood ? 'All tests passed' : 'The tests failed'} in ${minutes.toFixed(1)} minutes.`)
console.log(`${tests.length - failed} passed, ${failed} failed`)
