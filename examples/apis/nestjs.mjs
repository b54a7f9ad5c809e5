/** Compiles and loads nestjs.ts: Node.js has no decorators, and NestJS reads best with them. A Nest project's build does this. @module */

import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import ts from 'typescript'

const source = await readFile(new URL('nestjs.ts', import.meta.url), 'utf8')
const { outputText } = ts.transpileModule(source, {
  compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, experimentalDecorators: true }
})
// As deep as the source, so that its imports hold.
const compiled = new URL(`../.generated/nestjs-${process.pid}.mjs`, import.meta.url)
await mkdir(new URL('.', compiled), { recursive: true })
await writeFile(compiled, outputText)
export const { createNotesApi } = await import(compiled.href)
await rm(compiled)
