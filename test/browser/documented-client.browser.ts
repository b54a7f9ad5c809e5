/** The client of docs/browsers.md, bundled into a page. */

import { createTestIssuer } from 'dpop-guard/testing'
import { expect, onTestFinished, test } from 'vitest'
import { type CorsFramework, corsFrameworks } from '../adapters/cors-apis.js'
import { programsOf } from '../readme/programs.js'
import { launchChromium } from '../support/chromium.mjs'
import { freePort } from '../support/redis-server.mjs'
import { servePage } from './pages.js'

type OpenIdClient = typeof import('openid-client')

declare global {
  interface Window {
    /** The program, and the library that it uses. */
    documented: {
      readonly oauth: OpenIdClient
      loadKeyPair(): Promise<CryptoKeyPair>
      callApi(config: object, dpop: object, accessToken: string, url: string): Promise<Response>
    }
  }
}

test('the documented client keeps one key that cannot be exported, and repeats a request with a nonce [K-05]', async () => {
  const program = (await programsOf('docs/browsers.md')).get('browserClient')
  const contents = `${program}\nexport * as oauth from 'openid-client'`
  const served = await servePage({ stdin: { contents, loader: 'ts', resolveDir: process.cwd() }, globalName: 'documented' })
  onTestFinished(() => void served.close())
  const browser = await launchChromium()
  onTestFinished(() => browser.close())
  const page = await browser.newPage()
  await page.goto(served.origin)

  const isExtractable = () => page.evaluate(async () => (await window.documented.loadKeyPair()).privateKey.extractable)
  expect(await isExtractable()).toBe(false)
  const thumbprint = () =>
    page.evaluate(async () => {
      const { oauth, loadKeyPair } = window.documented
      const config = new oauth.Configuration({ issuer: 'https://issuer.example' }, 'page')
      return await oauth.getDPoPHandle(config, await loadKeyPair()).calculateThumbprint()
    })
  const jkt = await thumbprint()
  await page.reload()
  expect(await thumbprint()).toBe(jkt)

  const issuer = await createTestIssuer({ alg: 'ES256' })
  const port = await freePort()
  const baseUrl = `http://127.0.0.1:${port}`
  const nonce = { secrets: ['a secret of at least 32 random bytes'] }
  const guard = { issuer: issuer.options, baseUrl, audience: 'https://api.example', nonce }
  const express = corsFrameworks[0] as CorsFramework
  const api = await express.start({ guard, port, origins: [served.origin] })
  onTestFinished(() => void api.close())
  const status = await page.evaluate(
    async ([url, token]) => {
      const { oauth, loadKeyPair, callApi } = window.documented
      const config = new oauth.Configuration({ issuer: 'https://issuer.example' }, 'page')
      oauth.allowInsecureRequests(config)
      const dpop = oauth.getDPoPHandle(config, await loadKeyPair())
      return (await callApi(config, dpop, token, url)).status
    },
    [`${baseUrl}/notes`, await issuer.issue({ jkt })] as const
  )
  expect(status).toBe(200)
})
