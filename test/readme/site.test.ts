/** The check of the built site, which `npm run docs` runs. */

import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { checkSite } from '../../docs/.vitepress/check-site.mjs'

const valid = {
  'index.html':
    '<link href="/site/style.css"><a href="./guide/page.html#one">1</a><a href="https://rfc.example/">2</a><a href="#top">3</a><h1 id="top">',
  'guide/page.html':
    '<script type="module" src="/site/app.js"></script><img src="data:image/png;base64,"><a href="../">1</a><h2 id="one">',
  'style.css': '@font-face { src: url(/site/font.woff2) }',
  'app.js': ''
}

/** Checks a site with these files, served at `/site/`; undefined if nothing is wrong. */
async function problemsOf(changed: Record<string, string>): Promise<string | undefined> {
  const folder = await mkdtemp(join(tmpdir(), 'dpop-guard-site-'))
  onTestFinished(() => rm(folder, { recursive: true }))
  for (const [name, text] of Object.entries({ ...valid, ...changed })) {
    await mkdir(dirname(join(folder, name)), { recursive: true })
    await writeFile(join(folder, name), text)
  }
  return await checkSite(folder, '/site/').then(
    () => undefined,
    (error: Error) => error.message
  )
}

test('accepts a site whose links have targets and that loads only its own files', async () => {
  expect(await problemsOf({})).toBeUndefined()
})

test.each([
  ['a link to a missing page', { 'index.html': '<a href="./missing.html">' }, 'index.html: ./missing.html does not exist'],
  ['a link to a missing heading', { 'index.html': '<a href="./guide/page.html#two">' }, 'page.html#two has no such heading'],
  ['a missing heading on the same page', { 'index.html': '<a class="a" href="#two">' }, 'index.html: #two has no such heading'],
  [
    'a script of another host',
    { 'index.html': '<script async src="https://cdn.example/a.js">' },
    '<script> loads https://cdn.example/a.js'
  ],
  [
    'a font of another host',
    { 'index.html': '<link rel="preload" href="//fonts.example/a.woff2">' },
    '<link> loads //fonts.example/a.woff2'
  ],
  [
    'an image of another host',
    { 'guide/page.html': '<img alt="" src="http://img.example/a.png">' },
    '<img> loads http://img.example/a.png'
  ],
  ['a style of another host', { 'style.css': '@import "https://fonts.example/a.css"' }, 'style.css loads another host'],
  ['a missing script', { 'app.js': '', 'index.html': '<script src="/site/other.js">' }, '/site/other.js does not exist']
])('rejects %s', async (_title, changed, problem) => {
  expect(await problemsOf(changed)).toContain(problem)
})
