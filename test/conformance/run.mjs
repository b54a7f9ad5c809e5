/** Runs every test whose title names a rule and generates docs/conformance.md from the run. `--check` compares instead of writing. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startVitest } from 'vitest/node'

/** A title that ends with ids of rules: `[D-18 L7]`. */
const tag = /\[[A-Z][A-Z-]*\d+[a-d]?( [A-Z][A-Z-]*\d+[a-d]?)*\]['"`]/
/** Files whose titles are computed, or are in another module. */
const always = /^test\/((vectors|rfc9449|wycheproof|conformance)\/|adapters\/(policy|metadata-and-cors|nestjs-\d+)\.test)/

const files = readdirSync('test', { recursive: true })
  .map((path) => join('test', path).replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.test.ts') && !path.includes('node_modules'))
  .filter((path) => always.test(path) || tag.test(readFileSync(path, 'utf8')))

const check = process.argv.includes('--check')
const reporters = ['dot', ['./test/conformance/reporter.ts', { check }]]
const vitest = await startVitest('test', files, { watch: false, reporters })
await vitest.close()
