/**
 * Mutation testing by folder of src/: every mutant must make a test of its folder fail. Prints the score of each folder and in total,
 * and every survivor; fails below the threshold. `--folder NAME` runs one folder, `--mutate FILE` (or `FILE:1-20`, also several with
 * commas) less, `--concurrency N` uses fewer or more cores.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, rmSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { progress } from '../support/progress.mjs'
import { folders } from './folders.mjs'

const THRESHOLD_PERCENT = 90
const root = fileURLToPath(new URL('../../', import.meta.url))
const report = `${root}reports/mutation/mutation.json`
const {
  folder: wanted,
  mutate: only,
  concurrency
} = parseArgs({
  options: { folder: { type: 'string' }, mutate: { type: 'string' }, concurrency: { type: 'string', default: '2' } }
}).values

const totals = { killed: 0, survived: 0 }
const survivors = []
for (const folder of folders.filter(({ name }) => wanted === undefined || name === wanted)) {
  const startMs = Date.now()
  const counts = await run(folder)
  totals.killed += counts.killed
  totals.survived += counts.survived
  progress.print(`${folder.name.padEnd(10)} ${line(counts)}, in ${Math.round((Date.now() - startMs) / 1000)} s`)
}
for (const survivor of survivors) progress.print(survivor)
progress.print(`${'all'.padEnd(10)} ${line(totals)}`)
process.exitCode = percent(totals) >= THRESHOLD_PERCENT ? 0 : 1

async function run({ name, mutate, tests }) {
  rmSync(report, { force: true })
  const env = { ...process.env, MUTATION_TESTS: tests.join(';') }
  const args = ['stryker', 'run', '--mutate', only ?? mutate.join(','), '--concurrency', concurrency]
  const stryker = spawn('npx', args, { cwd: root, env, stdio: ['ignore', 'pipe', 'ignore'] })
  const output = []
  createInterface(stryker.stdout).on('line', (line) => {
    output.push(line)
    const tested = /^Mutation testing (.*)$/.exec(line)?.[1]
    if (tested !== undefined) progress.show(`mutation: ${name} ${tested}`)
  })
  await once(stryker, 'close')
  let files
  try {
    files = JSON.parse(readFileSync(report, 'utf8')).files
  } catch {
    throw new Error(`The folder ${name} could not be tested:\n${output.slice(-60).join('\n')}`)
  }
  return count(files)
}

function count(files) {
  const counts = { killed: 0, survived: 0 }
  for (const [file, { mutants, source }] of Object.entries(files)) {
    for (const { status, location, mutatorName, replacement } of mutants) {
      if (status === 'Killed' || status === 'Timeout') counts.killed++
      if (status !== 'Survived' && status !== 'NoCoverage') continue
      counts.survived++
      const original = source.split('\n')[location.start.line - 1].trim()
      survivors.push(
        `  ${file}:${location.start.line}:${location.start.column} ${mutatorName} -> ${replacement}\n      ${original}`
      )
    }
  }
  return counts
}

function percent({ killed, survived }) {
  return (100 * killed) / (killed + survived)
}

function line(counts) {
  return `${percent(counts).toFixed(1)} %  ${counts.killed} noticed, ${counts.survived} not`
}
