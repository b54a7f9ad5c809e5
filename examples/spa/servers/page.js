/** Serves the page, its bundle, and the settings that it needs. */

import { readFile } from 'node:fs/promises'
import { build } from 'esbuild'
import express from 'express'

const folder = new URL('../page/', import.meta.url)

export async function createPage(settings) {
  const [html, bundle] = await Promise.all([readFile(new URL('index.html', folder), 'utf8'), bundleMain()])
  const app = express()
  app.use((_req, res, next) => {
    res.set('Content-Security-Policy', contentSecurityPolicy(settings))
    next()
  })
  app.get('/', (_req, res) => void res.type('html').send(html))
  app.get('/main.js', (_req, res) => void res.type('js').send(bundle))
  app.get('/settings.json', (_req, res) => void res.json(settings))
  return app
}

/** A script that is injected into the page could use the key while the page is open, so that no other script may run. */
function contentSecurityPolicy({ issuer, api }) {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'unsafe-inline'",
    `connect-src 'self' ${issuer} ${api}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'"
  ].join('; ')
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
