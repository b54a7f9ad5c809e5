/** Extracts the programs of a document and compiles them like a user. */

import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

const run = promisify(execFile)
const path = (relative: string): string => fileURLToPath(new URL(relative, import.meta.url))

/** Inside the package, so that `dpop-guard/express` is what npm would install: the built files behind `exports`. */
const generated = path('./.generated/')

const compilerOptions = {
  target: 'ES2023',
  module: 'nodenext',
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  experimentalDecorators: true,
  skipLibCheck: true,
  types: ['node']
}

/** The pages of docs/ that are written by hand, as paths below it. */
export async function pagesOfSite(): Promise<string[]> {
  const names = (await readdir(path('../../docs/'), { recursive: true })).map((name) => name.replaceAll('\\', '/'))
  return names.filter((name) => name.endsWith('.md') && !/^(?:api|\.vitepress)\//.test(name))
}

/** The programs of a document by name, the word after `ts` of the fence. The path is relative to the repository. */
export async function programsOf(document: string): Promise<Map<string, string>> {
  const text = await readFile(path(`../../${document}`), 'utf8')
  return new Map(
    [...text.matchAll(/^```ts (\w+)\n(.*?)^```$/gms)].map(([, name, program]) => [name as string, program as string])
  )
}

/** Compiles the programs with all checks and returns the file of each, in a folder of the test file. Throws the messages of the compiler. */
export async function compilePrograms(
  programs: ReadonlyMap<string, string>,
  folderName = 'readme'
): Promise<(name: string) => string> {
  const folder = `${generated}${folderName}/`
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  await Promise.all([...programs].map(([name, text]) => writeFile(`${folder}${name}.mts`, text)))
  await writeFile(`${folder}tsconfig.json`, JSON.stringify({ compilerOptions, include: ['*.mts'] }))
  // TypeScript 7, which takes a quarter of the time of 6. `npm run typecheck` uses both.
  await run(process.execPath, [path('../../node_modules/typescript7/bin/tsc'), '-p', folder]).catch(({ stdout }) => {
    throw new Error(stdout)
  })
  return (name) => `${folder}${name}.mjs`
}
