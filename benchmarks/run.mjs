/**
 * Runs every part in a process of its own, and writes results.md, results.json and the charts. `run.mjs start replay` runs only
 * these; `run.mjs --as results-node-24` writes under another name, and draws no charts.
 */

import { execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { cpus, release, type } from 'node:os'
import { parseArgs } from 'node:util'
import { drawCharts } from './chart.mjs'
import { print, runPart } from './lib/part.mjs'
import { versionOf } from './lib/peers.mjs'
import { toMarkdown } from './lib/report.mjs'
import { targetsOf } from './lib/targets.mjs'
import { facts as betterAuth } from './parties/better-auth.mjs'
import { facts as expressMiddleware } from './parties/express-oauth2-jwt-bearer.mjs'
import { facts as jose } from './parties/jose-with-caches.mjs'
import { facts as oauth4webapi } from './parties/oauth4webapi.mjs'
import { facts as solid } from './parties/solid-access-token-verifier.mjs'

const parts = {
  start: 'start.mjs',
  replay: 'replay.mjs',
  redis: 'redis.mjs',
  scaleOut: 'scale-out.mjs',
  inProcess: 'in-process.mjs',
  populations: 'populations.mjs',
  openLoop: 'open-loop.mjs',
  http: 'http.mjs'
}
const { positionals, values } = parseArgs({ allowPositionals: true, options: { as: { type: 'string', default: 'results' } } })
const chosen = positionals.length > 0 ? positionals : Object.keys(parts)

const begin = performance.now()
const results = {
  machine: {
    date: new Date().toISOString().slice(0, 10),
    commit: commit(),
    node: process.version,
    openssl: process.versions.openssl,
    cores: cpus().length,
    cpu: cpus()[0].model.trim(),
    os: `${type()} ${release().split('-', 1)[0]}`
  },
  versions: [jose, expressMiddleware, oauth4webapi, solid, betterAuth].map((one) => ({ ...one, version: versionOf(one.package) }))
}
for (const name of chosen) results[name] = await runPart(parts[name])
results.targets = targetsOf(results)

const home = new URL('./', import.meta.url)
writeFileSync(new URL(`${values.as}.json`, home), `${JSON.stringify(results, undefined, 2)}\n`)
writeFileSync(new URL(`${values.as}.md`, home), toMarkdown(results))
if (values.as === 'results') drawCharts(results)
for (const { what, figure, verdict } of results.targets) print(`${verdict}: ${what} (${figure})`)
print(`done in ${Math.round((performance.now() - begin) / 1000)} s`)

/** Where sources differ from the commit, the name says so. */
function commit() {
  const git = (...args) => execFileSync('git', args, { cwd: new URL('../', import.meta.url), encoding: 'utf8' }).trim()
  const isChanged = git('status', '--porcelain', '--', 'src', 'adapters', 'package.json') !== ''
  return `${git('rev-parse', '--short', 'HEAD')}${isChanged ? ' with changes' : ''}`
}
