/** Bundles the vectors with recorded requests into one module, which runs in any runtime beside the packed package. */

import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const path = (relative) => fileURLToPath(new URL(relative, import.meta.url))
/** Inside the package, so that `dpop-guard` is its built files. */
const recorder = path('./.generated/recording.mjs')

/** Records the vectors and writes the bundle, which exports `runVectors`. */
export async function bundleVectors(outfile) {
  // Without the paths of the configuration for tests, which replace `dpop-guard` by its source.
  const options = { bundle: true, format: 'esm', platform: 'node', packages: 'external', tsconfigRaw: {}, logLevel: 'warning' }
  await build({ ...options, entryPoints: [path('../vectors/recording.ts')], outfile: recorder })
  const { record } = await import(recorder)
  const define = { RECORDING: JSON.stringify(await record()) }
  await build({ ...options, entryPoints: [path('../vectors/portable.ts')], outfile, define })
}
