/** Checks the built site: every internal link and anchor has its target, and no page loads anything from another host. */

import { readdir, readFile } from 'node:fs/promises'
import { join, posix } from 'node:path'

/** What a page loads or links to, by the element that does. */
interface Reference {
  readonly element: string
  readonly url: string
}

const loading = /<(script|img|link|iframe|source|video|audio|object|embed|a)\b[^>]*?\s(?:src|href|data)="([^"]*)"/g
const isForeign = (url: string) => /^(?:[a-z]+:)?\/\//i.test(url)
const decode = (text: string) => decodeURIComponent(text.replaceAll('&amp;', '&'))

/** Throws an error that lists what is wrong. `folder` has the built files; `base` is the path that the site is served at. */
export async function checkSite(folder: string, base: string): Promise<void> {
  const names = await readdir(folder, { recursive: true })
  const pages = await textsOf(folder, names, '.html')
  const styles = await textsOf(folder, names, '.css')
  const files = new Set(names.map((name) => name.replaceAll('\\', '/')))
  const problems = [
    ...[...styles]
      .filter(([, text]) => /(?:url\(|@import)\s*["']?(?:https?:)?\/\//.test(text))
      .map(([name]) => `${name} loads another host`),
    ...[...pages].flatMap(([name, html]) =>
      referencesOf(html).flatMap((reference) => problemOf(reference, name, { pages, files, base }) ?? [])
    )
  ]
  if (problems.length > 0) throw new Error(`The site has ${problems.length} problems:\n${problems.join('\n')}`)
}

interface Site {
  readonly pages: ReadonlyMap<string, string>
  readonly files: ReadonlySet<string>
  readonly base: string
}

async function textsOf(folder: string, names: readonly string[], extension: string): Promise<Map<string, string>> {
  const found = names.filter((name) => name.endsWith(extension))
  return new Map(
    await Promise.all(
      found.map(async (name) => [name.replaceAll('\\', '/'), await readFile(join(folder, name), 'utf8')] as const)
    )
  )
}

function referencesOf(html: string): Reference[] {
  return [...html.matchAll(loading)].map(([, element, url]) => ({ element: element as string, url: decode(url as string) }))
}

function problemOf({ element, url }: Reference, page: string, { pages, files, base }: Site): string | undefined {
  if (isForeign(url)) return element === 'a' ? undefined : `${page}: <${element}> loads ${url}`
  if (/^(?:data|mailto):/.test(url)) return undefined
  const [path = '', anchor = ''] = url.split('#')
  const target = path === '' ? page : targetOf(path, page, base)
  if (!files.has(target)) return `${page}: ${url} does not exist`
  const hasAnchor = anchor === '' || pages.get(target)?.includes(` id="${anchor}"`)
  return hasAnchor ? undefined : `${page}: ${url} has no such heading`
}

function targetOf(path: string, page: string, base: string): string {
  const file = path === '' || path.endsWith('/') ? `${path}index.html` : path
  return file.startsWith('/') ? file.slice(base.length) : posix.join(posix.dirname(page), file)
}
