/**
 * Interoperability: proofs of independent implementations, over HTTP, with each of their algorithms. Access tokens are those of
 * oidc-provider. Prints a table, writes it to docs/compatibility.md, and fails if a request has another outcome than expected. `--check`
 * compares it with the committed table, except for versions, and writes nothing; `--only TEXT` runs those whose name or language
 * contains the text.
 */

import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { readSection, replaceSection } from '../matrix/section.mjs'
import { progress } from '../support/progress.mjs'
import { acceptedAlgorithms, algorithms } from './algorithms.mjs'
import { startApis } from './apis.mjs'
import { AUDIENCE, startAuthorizationServer } from './authorization-server.mjs'
import { expectAccepted, expectRejected } from './exchange.mjs'
import { implementations } from './implementations.mjs'
import { startMaker } from './maker-process.mjs'
import { findOutdatedRows, tableOf } from './table.mjs'
import { installImplementations } from './versions.mjs'

const document = fileURLToPath(new URL('../../docs/compatibility.md', import.meta.url))
const { check, only } = parseArgs({ options: { check: { type: 'boolean' }, only: { type: 'string' } } }).values
if (check && only) throw new TypeError('"--check" compares the whole table, without "--only"')
const wanted = implementations.filter(({ name, language }) => !only || `${name} ${language}`.includes(only))

const started = performance.now()
progress.show('interop: packages')
const versions = await installImplementations(wanted)
const server = await startAuthorizationServer(acceptedAlgorithms)
const apis = await startApis(server.issuer, AUDIENCE, acceptedAlgorithms)
const folder = await mkdtemp(join(tmpdir(), 'dpop-guard-interop-'))
try {
  const results = []
  for (const [index, implementation] of wanted.entries()) results.push(await runImplementation(implementation, versions[index]))
  await report(results)
} finally {
  await rm(folder, { recursive: true, force: true })
  for (const { close } of [server, ...apis]) close()
}

async function runImplementation({ name, language, build }, version) {
  const result = { name, language, version, accepted: [], rejected: [] }
  if (version === undefined) return result
  progress.show(`interop: ${name}`)
  let maker
  try {
    maker = await startMaker(await build(folder))
    await runAlgorithms(maker, result)
    return result
  } catch (error) {
    return { ...result, failure: error.message }
  } finally {
    await maker?.stop()
  }
}

async function runAlgorithms(maker, { name, accepted, rejected }) {
  let token
  for (const algorithm of maker.algorithms) {
    progress.show(`interop: ${name}, ${algorithm}`)
    if (!algorithms.has(algorithm)) throw new Error(`algorithms.mjs has no ${algorithm}`)
    const { alg, key, pem, code } = algorithms.get(algorithm)
    const makeProof = (request) => maker.makeProof({ ...request, alg, key, pem })
    try {
      if (code === undefined) token = await expectAccepted(alg, makeProof, server, apis)
      else await expectRejected(code, makeProof, token, apis)
    } catch (error) {
      throw new Error(`${algorithm}: ${error.message}`)
    }
    const outcome = code === undefined ? accepted : rejected
    outcome.push(algorithm)
  }
}

async function report(results) {
  const failures = results.filter(({ failure }) => failure !== undefined)
  const missing = results.filter(({ version }) => version === undefined)
  const outdated = check ? findOutdatedRows(await readSection(document, 'interop'), results) : []
  progress.print(tableOf(results))
  for (const { name, failure } of failures) console.error(`\n${name}: ${failure}`)
  if (outdated.length > 0) console.error(`\ndocs/compatibility.md is outdated, run npm run test:interop:\n${outdated.join('\n')}`)
  const passed = results.length - failures.length - missing.length
  const seconds = Math.round((performance.now() - started) / 1000)
  console.log(`${passed} passed, ${failures.length} failed, ${missing.length} not installed, in ${seconds} seconds`)
  if (!check && !only) await replaceSection(document, 'interop', tableOf(results))
  process.exitCode = failures.length + outdated.length === 0 ? 0 : 1
}
