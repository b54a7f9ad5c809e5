/** Writes docs/conformance.md from what the tests of a run did, or says that it is stale. @module */

import { readFileSync, writeFileSync } from 'node:fs'
import { relative } from 'node:path'
import type { Reporter, TestCase, TestModule } from 'vitest/node'
import { type Evidence, ids, noEvidence, renderReport } from './report.js'

const path = 'docs/conformance.md'
const tags = / \[([^\]]+)\]$/

/** With `check`, which is the default, it compares instead of writing. */
// biome-ignore lint/style/noDefaultExport: it is by its default export that vitest finds a reporter
export default class ConformanceReporter implements Reporter {
  readonly #check: boolean

  constructor({ check = true }: { check?: boolean } = {}) {
    this.#check = check
  }

  onTestRunEnd(modules: readonly TestModule[]): void {
    const before = readCommitted()
    const report = renderReport(collect(modules), before)
    if (report === before) {
      console.log(`${path} says what the tests say.`)
    } else if (this.#check) {
      process.exitCode = 1
      console.error(`${path} is stale: run "npm run conformance" and commit it.`)
    } else {
      writeFileSync(path, report)
      console.log(`${path} is written anew.`)
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

/** The tests of the run by the rules that they name, and the counts that they left. */
function collect(modules: readonly TestModule[]): Evidence {
  const evidence = noEvidence()
  for (const module of modules) {
    const file = relative(process.cwd(), module.moduleId)
    for (const test of module.children.allTests()) {
      evidence.counts.push(...countsOf(test))
      for (const id of rulesOf(test, file)) evidence.add(id, { file, name: test.name, passed: test.ok() })
    }
  }
  return evidence
}

function countsOf(test: TestCase): string[] {
  const { counts } = test.meta() as { counts?: string[] }
  return counts ?? []
}

/** The ids behind the name of a test, in brackets. A name that only looks like one is an error where the vectors are. */
function rulesOf(test: TestCase, file: string): string[] {
  const named = tags.exec(test.name)?.[1]?.split(' ') ?? []
  const unknown = named.filter((id) => !ids.has(id))
  if (unknown.length === 0) return named
  if (unknown.length < named.length) throw new Error(`${file}: no such rule: ${unknown.join(' ')}`)
  return []
}
