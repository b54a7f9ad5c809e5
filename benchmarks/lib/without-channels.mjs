/** The built package with constants in place of its diagnostics channels, to measure what the channels cost without subscribers. */

import { cp, mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'

const root = fileURLToPath(new URL('../..', import.meta.url))
const TELEMETRY = 'dist/src/telemetry.js'

/** `createVerifier` of a copy of the package. The copy is removed when it is loaded. */
export async function createVerifierWithoutChannels() {
  const copy = await mkdtemp(join(tmpdir(), 'dpop-guard-'))
  try {
    await cp(join(root, 'dist'), join(copy, 'dist'), { recursive: true })
    await cp(join(root, 'package.json'), join(copy, 'package.json'))
    await symlink(join(root, 'node_modules'), join(copy, 'node_modules'))
    await writeFile(join(copy, TELEMETRY), withoutChannels(await readFile(join(root, TELEMETRY), 'utf8')))
    return (await import(pathToFileURL(join(copy, 'dist/src/index.js')).href)).createVerifier
  } finally {
    await rm(copy, { recursive: true })
  }
}

function withoutChannels(module) {
  const replaced = module.replace(
    /^((?:export )?const \w+ = )(?:channel|tracingChannel)\(.*$/gm,
    '$1{ hasSubscribers: false, publish() {} }'
  )
  if (replaced === module) throw new Error(`No channels in ${TELEMETRY}`)
  return replaced
}
