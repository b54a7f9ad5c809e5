/** Reads and replaces a generated section of a document. @module */

import { readFile, writeFile } from 'node:fs/promises'

/** What is between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. */
export async function readSection(path, name) {
  return (await splitAtSection(path, name))[1]
}

/** Replaces what is between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. */
export async function replaceSection(path, name, content) {
  const [before, , after] = await splitAtSection(path, name)
  await writeFile(path, `${before}\n${content}\n${after}`)
}

async function splitAtSection(path, name) {
  const text = await readFile(path, 'utf8')
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`${path} has no section ${name}`)
  return [text.slice(0, from + begin.length), text.slice(from + begin.length, to), text.slice(to)]
}
