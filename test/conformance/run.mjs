/** Runs every test that names a rule, and writes docs/conformance.md from that run; `--check` tells whether it is up to date. */

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { startVitest } from 'vitest/node'

/** A name that ends in ids of rules: `[D-18 L7]`. */
const tag = /\[[A-Z][A-Z-]*\d+[a-d]?( [A-Z][A-Z-]*\d+[a-d]?)*\]['"`]/
const always = /^test\/(vectors|rfc9449|wycheproof|conformance)\//

const files = readdirSync('test', { recursive: true })
  .map((path) => join('test', path).replaceAll('\\', '/'))
  .filter((path) => path.endsWith('.test.ts') && !path.includes('node_modules'))
  .filter((path) => always.test(path) || tag.test(readFileSync(path, 'utf8')))

const check = process.argv.includes('--check')
const reporters = ['dot', ['./test/conformance/reporter.ts', { check }]]
const vitest = await startVitest('test', files, { watch: false, reporters })
await vitest.close()
