/** The links of the documents, with their anchors, and the sidebar of the site. The build checks the links of the built pages. */

import { readdir, readFile, stat } from 'node:fs/promises'
import { posix } from 'node:path'
import { describe, expect, test } from 'vitest'
import { toRepositoryUrl } from '../../docs/.vitepress/repository-links.mjs'
import { sections } from '../../docs/.vitepress/sidebar.mjs'
import { slugOf } from '../../docs/.vitepress/slug.mjs'
import { pagesOfSite } from './programs.js'

const isMarkdown = (name: string) => name.endsWith('.md')
const pages = await pagesOfSite()
const documents = [
  ...(await readdir('.')).filter(isMarkdown),
  ...pages.map((page) => `docs/${page}`),
  ...['benchmarks', 'examples'].map((folder) => `${folder}/README.md`)
]

/** A document without its code blocks. */
const textOf = async (document: string) => (await readFile(document, 'utf8')).replace(/^ *```.*?^ *```$/gms, '')

/** The targets of links and images that are not in inline code and not on another host. */
function targetsOf(text: string): string[] {
  const links = text.replace(/`[^`\n]*`/g, 'code').matchAll(/\]\(([^)\s]+)\)/g)
  return [...links].map(([, target]) => target as string).filter((target) => !/^[a-z]+:/i.test(target))
}

function anchorsOf(text: string): Set<string> {
  const anchors = new Set<string>()
  for (const [, heading] of text.matchAll(/^#{1,6} +(.*)$/gm)) {
    const slug = slugOf((heading as string).replace(/\[([^\]]*)\]\([^)]*\)/g, '$1').replace(/[`*]/g, ''))
    let anchor = slug
    for (let count = 1; anchors.has(anchor); count++) anchor = `${slug}-${count}`
    anchors.add(anchor)
  }
  return anchors
}

/** What is wrong with a link; undefined if its file and its heading exist. */
async function problemOf(target: string, document: string): Promise<string | undefined> {
  const [path = '', anchor] = target.split('#')
  const file = path === '' ? document : posix.join(posix.dirname(document), path)
  if (!(await stat(file).catch(() => undefined))) return `${target}: no such file`
  const hasAnchor = anchor === undefined || (isMarkdown(file) && anchorsOf(await textOf(file)).has(anchor))
  return hasAnchor ? undefined : `${target}: no such heading`
}

test.each(documents)('%s: every link has its file and its heading', async (document) => {
  const problems = await Promise.all(targetsOf(await textOf(document)).map((target) => problemOf(target, document)))
  expect(problems.filter((problem) => problem !== undefined)).toEqual([])
})

test('a link to a missing file or heading is reported', async () => {
  expect(await problemOf('missing.md', 'README.md')).toBe('missing.md: no such file')
  expect(await problemOf('docs/debugging.md#missing', 'README.md')).toBe('docs/debugging.md#missing: no such heading')
  expect(await problemOf('docs/debugging.md#err_dpop_proof_htu', 'README.md')).toBeUndefined()
})

describe('the sidebar', () => {
  test('has every page once', () => {
    const links = sections.flatMap(({ items }) => items.map(({ link }) => link))
    const files = links.map((link) => `${link.slice(1)}${link.endsWith('/') ? 'index' : ''}.md`)
    expect(files.sort()).toEqual([...pages].sort())
  })
})

describe('a link of a page to a file outside of docs/', () => {
  test.each([
    ['../README.md#install', 'debugging.md', 'https://github.com/dpop-guard/dpop-guard/blob/main/README.md#install'],
    ['../../README.md', 'quick-start/express.md', 'https://github.com/dpop-guard/dpop-guard/blob/main/README.md'],
    ['../proxy.md', 'quick-start/express.md', '../proxy.md'],
    ['proxy.md', 'debugging.md', 'proxy.md']
  ])('%s on %s is %s on the site', (href, page, expected) => {
    expect(toRepositoryUrl(href, page)).toBe(expected)
  })
})
