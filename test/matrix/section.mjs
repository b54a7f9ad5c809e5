/** Replaces a generated section of a document. @module */

import { readFile, writeFile } from 'node:fs/promises'

/** Replaces what is between `<!-- NAME:begin -->` and `<!-- NAME:end -->`. */
export async function replaceSection(path, name, content) {
  const text = await readFile(path, 'utf8')
  const [begin, end] = [`<!-- ${name}:begin -->`, `<!-- ${name}:end -->`]
  const [from, to] = [text.indexOf(begin), text.indexOf(end)]
  if (from === -1 || to < from) throw new Error(`${path} has no section ${name}`)
  await writeFile(path, `${text.slice(0, from + begin.length)}\n${content}\n${text.slice(to)}`)
}
