/** A Vitest reporter that generates docs/conformance.md from a test run, or reports that it is out of date. @module */

import { readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { readResults } from '../browser/results.js'
import { type Evidence, ids, noEvidence, renderReport } from './report.js'

const path = 'docs/conformance.md'
const tags = / \[([^\]]+)\]$/

/** With `check`, the default, the report is compared instead of written. */
// biome-ignore lint/style/noDefaultExport: Vitest loads the default export of a reporter
export default class ConformanceReporter implements Reporter {
  readonly #check: boolean

  constructor({ check = true }: { check?: boolean } = {}) {
    this.#check = check
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const before = readCommitted()
    const report = renderReport(collect(modules), before)
    if (report === before) {
      console.log(`${path} is up to date.`)
    } else if (this.#check) {
      process.exitCode = 1
      console.error(`${path} is out of date: run "npm run conformance" and commit it.`)
    } else {
      writeFileSync(path, report)
      console.log(`${path} was updated.`)
    }
  }
}

function readCommitted(): string {
  try {
    return readFileSync(path, 'utf8')
  } catch {
    return ''
  }
}

/** The tests of the run by the rules that they name, and their counts of vectors. */
function collect(modules: readonly TestModule[]): Evidence {
  const evidence = noEvidence()
  for (const module of modules) {
    const file = relative(process.cwd(), module.moduleId)
    for (const test of module.children.allTests()) {
      evidence.counts.push(...countsOf(test))
      for (const id of rulesOf(test.name, file)) evidence.add(id, { file, name: test.name, passed: test.ok() })
    }
  }
  addBrowserTests(evidence)
  return evidence
}

/** Tests in a browser are a separate run, whose results are committed. */
function addBrowserTests(evidence: Evidence): void {
  for (const [file, results] of Object.entries(readResults())) {
    for (const [name, passed] of Object.entries(results)) {
      for (const id of rulesOf(name, file)) evidence.add(id, { file, name, passed })
    }
  }
}

function countsOf(test: TestCase): string[] {
  const { counts } = test.meta() as { counts?: string[] }
  return counts ?? []
}

/** The ids in brackets at the end of a title. An unknown id beside known ones is an error. */
function rulesOf(title: string, file: string): string[] {
  const named = tags.exec(title)?.[1]?.split(' ') ?? []
  const unknown = named.filter((id) => !ids.has(id))
  if (unknown.length === 0) return named
  if (unknown.length < named.length) throw new Error(`${file}: no such rule: ${unknown.join(' ')}`)
  return []
}
