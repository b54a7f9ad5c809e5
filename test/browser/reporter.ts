/** A Vitest reporter that updates test/browser/results.json after a complete run, and fails the run if the file was out of date. @module */

import { readdirSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestModule } from 'vitest/node'
import { type BrowserResults, readResults, resultsFile } from './results.js'

// biome-ignore lint/style/noDefaultExport: Vitest loads the default export of a reporter
export default class BrowserReporter implements Reporter {
  onTestRunEnd(modules: readonly TestModule[]): void {
    const text = toText(collect(modules))
    if (!isComplete(modules) || text === toText(readResults())) return
    writeFileSync(resultsFile, text)
    process.exitCode = 1
    console.error(`${resultsFile} was out of date and has been updated: commit it.`)
  }
}

const toText = (results: BrowserResults) => `${JSON.stringify(results, null, 2)}\n`

/** Whether every file was run, without a filter for titles. */
function isComplete(modules: readonly TestModule[]): boolean {
  const files = readdirSync('test/browser', { recursive: true }).filter((path) => String(path).endsWith('.browser.ts'))
  const tests = modules.flatMap((module) => [...module.children.allTests()])
  return modules.length === files.length && tests.every((test) => test.result().state !== 'skipped')
}

/** The tests whose titles name a rule. */
function collect(modules: readonly TestModule[]): BrowserResults {
  return toSorted(modules.map((module) => [relative(process.cwd(), module.moduleId), resultsOf(module)]))
}

function resultsOf(module: TestModule): Record<string, boolean> {
  const results = new Map<string, boolean>()
  for (const test of module.children.allTests()) {
    if (test.name.endsWith(']')) results.set(test.name, test.ok() && results.get(test.name) !== false)
  }
  return toSorted([...results])
}

function toSorted<Value>(entries: readonly (readonly [string, Value])[]): Record<string, Value> {
  return Object.fromEntries(entries.toSorted(([a], [b]) => (a < b ? -1 : 1)))
}
