/** Bundles of the built package for each runtime: complete, without effects when they are loaded, and of limited size. @module */

import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { createContext, runInContext } from 'node:vm'
import { type BuildOptions, type BuildResult, build, type Metafile } from 'esbuild'
import { describe, expect, test } from 'vitest'

const root = fileURLToPath(new URL('../../', import.meta.url))
const require = createRequire(import.meta.url)

/** 3 % above what was reached, 103 404 bytes: 84 600 of this package and 18 800 of lru-cache. */
const MAX_INITIAL_BYTES = 106_500

const { exports, peerDependencies } = JSON.parse(await readFile(`${root}package.json`, 'utf8')) as {
  exports: Record<string, unknown>
  peerDependencies: Record<string, string>
}

/** The conditions of `exports` and `imports` by runtime. Those of workerd are the defaults of Wrangler. */
const conditionsOf = { node: ['node'], browser: ['browser'], workerd: ['workerd', 'worker', 'browser'] }
type Runtime = keyof typeof conditionsOf

const modules = Object.keys(exports)
  .filter((path) => path !== './package.json')
  .map((path) => path.replace('.', 'dpop-guard'))
/** Fastify runs on Node.js, and the telemetry subscribes to `node:diagnostics_channel`, which workerd has with `nodejs_compat`. */
const portable = modules.filter((name) => !['dpop-guard/fastify', 'dpop-guard/opentelemetry'].includes(name))
const runtimes: [Runtime, string[]][] = [
  ['node', modules],
  ['browser', portable],
  ['workerd', portable]
]

/** Bundles code that imports the package like a user. */
async function bundle(contents: string, runtime: Runtime, options: BuildOptions = {}) {
  const result = await build({
    stdin: { contents, resolveDir: root },
    bundle: true,
    format: 'esm',
    conditions: conditionsOf[runtime],
    // `platform` has conditions of its own, and Node.js modules are external only with `node`.
    platform: runtime === 'node' ? 'node' : 'neutral',
    mainFields: ['module', 'main'],
    external: Object.keys(peerDependencies),
    outdir: 'out',
    metafile: true,
    write: false,
    logLevel: 'silent',
    ...options
  })
  expect(result.warnings).toEqual([])
  return result as BuildResult<{ metafile: true; write: false }>
}

/** What the bundle imports that is not in it. */
function externalsOf({ outputs }: Metafile): string[] {
  return Object.values(outputs).flatMap(({ imports }) => imports.filter(({ external }) => external).map(({ path }) => path))
}

describe.each(runtimes)('with the conditions of %s', (runtime, names) => {
  test.each(names)('%s can be bundled, without Node.js modules unless the runtime is Node.js', async (name) => {
    const { metafile } = await bundle(`export * from '${name}'`, runtime)
    const nodeModules = externalsOf(metafile).filter((path) => path.startsWith('node:'))
    if (runtime !== 'node') expect(nodeModules).toEqual([])
  })

  test.each(names)('%s has no random, timed or asynchronous effect when it is loaded', async (name) => {
    expect(await effectOf(`export * from '${name}'`, runtime)).toBeUndefined()
  })
})

test.each([
  'export const id = crypto.randomUUID()',
  'export const bytes = crypto.getRandomValues(new Uint8Array(8))',
  'export const number = Math.random()',
  'export const now = Date.now()',
  'export const date = new Date()',
  'export const time = performance.now()',
  'export const timer = setInterval(() => {}, 1000)',
  'export const later = Promise.resolve().then(() => {})',
  'export const response = fetch("https://issuer.example")',
  'export const key = await crypto.subtle.digest("SHA-256", new Uint8Array(8))'
])('such an effect is detected: %s', async (code) => {
  expect(await effectOf(code, 'workerd')).toBeDefined()
})

/** What loading a module does that a Worker may not do outside of a request; undefined if nothing. */
async function effectOf(contents: string, runtime: Runtime): Promise<string | undefined> {
  // This format has no top-level await, so that it is an error of the bundler.
  const bundling = await bundle(contents, runtime, { format: 'iife' }).catch((error: Error) => error.message)
  if (typeof bundling === 'string') return bundling
  const { URL, TextEncoder, TextDecoder, Headers, Request, Response, AbortSignal, Buffer, process } = globalThis
  const node = runtime === 'node' && { Buffer, process }
  const context = createContext({ URL, TextEncoder, TextDecoder, Headers, Request, Response, AbortSignal, require, ...node })
  runInContext(prohibitions, context)
  try {
    runInContext(bundling.outputFiles[0]?.text as string, context)
    return undefined
  } catch (error) {
    return String(error)
  }
}

/** Replaces what a Worker may not call outside of a request. Classes and functions of the context itself are only found from inside. */
const prohibitions = `{
  const prohibit = (name) => () => { throw new Error(name + ' was called') }
  const prohibited = (names) => Object.fromEntries(names.map((name) => [name, prohibit(name)]))
  Object.assign(globalThis, prohibited(['fetch', 'setTimeout', 'setInterval', 'setImmediate', 'queueMicrotask']))
  globalThis.crypto = { ...prohibited(['getRandomValues', 'randomUUID']), subtle: new Proxy({}, { get: prohibit('crypto.subtle') }) }
  globalThis.performance = prohibited(['now'])
  globalThis.Date = new Proxy(Date, { construct: prohibit('Date'), apply: prohibit('Date') })
  Date.now = prohibit('Date.now')
  Math.random = prohibit('Math.random')
  Promise.prototype.then = prohibit('Promise')
}`

describe('the size of the Fetch adapter for workerd, minified', () => {
  /** The files of a bundle that is split at dynamic imports: those that are loaded initially, and all. */
  async function splitBundle(contents: string) {
    const { metafile } = await bundle(contents, 'workerd', { minify: true, splitting: true })
    const all = Object.keys(metafile.outputs)
    const initial = new Set(all.filter((path) => metafile.outputs[path]?.entryPoint === '<stdin>'))
    // A set visits the files that are added while it is iterated.
    for (const path of initial)
      for (const { path: imported, kind } of metafile.outputs[path]?.imports ?? [])
        if (kind === 'import-statement') initial.add(imported)
    return { metafile, all, initial: [...initial] }
  }

  const bytesOf = ({ outputs }: Metafile, paths: readonly string[]): number =>
    paths.reduce((sum, path) => sum + (outputs[path]?.bytes ?? 0), 0)
  const inputsOf = ({ outputs }: Metafile, paths: readonly string[]): string[] =>
    paths.flatMap((path) => Object.keys(outputs[path]?.inputs ?? {}))

  test('the size of the initial chunks is limited', async () => {
    const { metafile, initial } = await splitBundle(`export { withDPoP } from 'dpop-guard/fetch'`)
    expect(bytesOf(metafile, initial)).toBeLessThanOrEqual(MAX_INITIAL_BYTES)
  })

  test('jose is loaded on demand', async () => {
    const { metafile, all, initial } = await splitBundle(`export * from 'dpop-guard/fetch'`)
    const isJose = (path: string) => path.startsWith('node_modules/jose/')
    expect(inputsOf(metafile, initial).filter(isJose)).toEqual([])
    expect(inputsOf(metafile, all).some(isJose)).toBe(true)
  })
})
