/** Start: what importing an entry point costs, what the first request costs, and how large the package is. */

import { execFile, fork } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { promisify } from 'node:util'
import { newClients, newIssuer, newRequests } from './lib/fixtures.mjs'
import { deliver, progress } from './lib/part.mjs'
import { summary } from './lib/stats.mjs'

const RUNS = 7
const root = new URL('../', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('package.json', root), 'utf8'))
const entries = Object.keys(manifest.exports)
  .filter((path) => !path.endsWith('.json'))
  .map((path) => path.replace('.', 'dpop-guard'))

progress('start: imports')
const imports = []
for (const entry of entries) imports.push({ entry, ...(await probe({ entry })) })
progress('start: first request')
const first = await probe({ entry: 'dpop-guard', request: await newRequest() })
deliver({ runs: RUNS, imports, first, tarball: await tarball() })

/** A fresh process for each run. */
async function probe(question) {
  const responses = []
  for (let run = 0; run < RUNS; run++) {
    const child = fork(new URL('start-probe.mjs', import.meta.url), { execArgv: ['--expose-gc'] })
    const exit = once(child, 'exit')
    child.send(question)
    const [response] = await Promise.race([
      once(child, 'message'),
      exit.then(([code]) => {
        throw new Error(`${question.entry} ended with code ${code}`)
      })
    ])
    await exit
    responses.push(response)
  }
  return Object.fromEntries(
    Object.keys(responses[0]).map((figure) => [figure, summary(responses.map((response) => response[figure]))])
  )
}

async function newRequest() {
  const issuer = await newIssuer()
  const [{ authorization, proof }] = newRequests(await newClients(issuer, 'ES256', 1), 1)
  return { issuer: { issuer: issuer.issuer, jwks: issuer.jwks }, authorization, proof }
}

async function tarball() {
  const { stdout } = await promisify(execFile)('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], { cwd: root })
  const [{ size, unpackedSize, entryCount }] = JSON.parse(stdout)
  return { size, unpackedSize, entryCount }
}
