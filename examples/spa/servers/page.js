/** Serves the page, its bundle, and the settings that it needs. */

import { readFile } from 'node:fs/promises'
import { build } from 'esbuild'
import express from 'express'

const folder = new URL('../page/', import.meta.url)

export async function createPage(settings) {
  const [html, bundle] = await Promise.all([readFile(new URL('index.html', folder), 'utf8'), bundleMain()])
  const app = express()
  app.get('/', (_req, res) => void res.type('html').send(html))
  app.get('/main.js', (_req, res) => void res.type('js').send(bundle))
  app.get('/settings.json', (_req, res) => void res.json(settings))
  return app
}

async function bundleMain() {
  const options = {
    entryPoints: [new URL('main.js', folder).pathname],
    bundle: true,
    format: 'esm',
    target: 'es2022',
    write: false
  }
  const { outputFiles } = await build(options)
  return outputFiles[0].text
}
