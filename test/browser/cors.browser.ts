/** The API of every framework, used by a page of another origin in Chromium. */

import type { VerifierOptions } from 'dpop-guard'
import { createTestClient, createTestIssuer, type TestIssuer } from 'dpop-guard/testing'
import type { Browser, Frame, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import type { RunningApp } from '../adapters/contract.js'
import { type CorsApiSpec, type CorsFramework, corsFrameworks } from '../adapters/cors-apis.js'
import { launchChromium } from '../support/chromium.mjs'
import { freePort } from '../support/redis-server.mjs'
import type { PageCall } from './page/client.js'
import { type ServedPage, scriptOf, servePage } from './pages.js'

const nonce = { secrets: ['a secret of at least 32 random bytes'] }
/** The header fields of clients of the Model Context Protocol. */
const mcpFields = { 'MCP-Protocol-Version': '2026-07-28', 'Mcp-Method': 'tools/call', 'Mcp-Name': 'list' }
const jsonFields = ['Authorization', 'DPoP', 'Content-Type']

let browser: Browser
let page: Page
let served: ServedPage
let issuer: TestIssuer
beforeAll(async () => {
  issuer = await createTestIssuer({ alg: 'ES256' })
  served = await servePage({ entryPoints: [scriptOf('client')] })
  browser = await launchChromium()
  page = await browser.newPage()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await served?.close()
})
const running: RunningApp[] = []
afterEach(() => Promise.all(running.splice(0).map((app) => app.close())))

/** The page, loaded again, without the cookies of other tests. */
async function openPage(path = '/'): Promise<Page> {
  await page.context().clearCookies()
  await page.goto(`${served.origin}${path}`)
  return page
}

/** A new key in the page, and a token that is bound to it. */
async function createToken(page: Page | Frame): Promise<string> {
  return await issuer.issue({ jkt: await page.evaluate(() => window.client.createKey()) })
}

const call = (page: Page | Frame, request: PageCall) => page.evaluate((request) => window.client.call(request), request)

/** Starts the API of a framework and returns the URL of its route. */
async function startApi(
  { path, start }: CorsFramework,
  more: Partial<VerifierOptions> = {},
  spec: Partial<CorsApiSpec> = {}
): Promise<string> {
  const port = await freePort()
  const baseUrl = `http://127.0.0.1:${port}`
  const guard = { issuer: issuer.options, baseUrl, audience: 'https://api.example', ...more }
  running.push(await start({ guard, port, origins: [served.origin], ...spec }))
  return `${baseUrl}${path}`
}

describe.each(corsFrameworks)('$name', (framework) => {
  test('a page uses a key that cannot be exported and that IndexedDB keeps, and reads the response [K-05]', async () => {
    const url = await startApi(framework)
    const page = await openPage()
    const token = await createToken(page)
    await page.reload()
    expect(await page.evaluate(() => window.client.exportKey())).toMatch(/^InvalidAccessError/)
    const { responses } = await call(page, { url, token })
    expect(responses).toEqual([{ status: 200, nonce: null, total: '2' }])
  })

  test('a page reads the status and the challenge of a rejected request [D-44c K-03 K-04 K-05]', async () => {
    const url = await startApi(framework)
    const page = await openPage()
    await createToken(page)
    const stolen = await issuer.issue({ jkt: (await createTestClient()).jkt })
    const { responses, challenges } = await call(page, { url, token: stolen })
    expect(responses).toMatchObject([{ status: 401 }])
    expect(challenges).toMatchObject([
      { scheme: 'dpop', parameters: { error: 'invalid_token', algs: expect.stringMatching(/ES256/) } }
    ])
  })

  test('a page reads DPoP-Nonce and repeats the request with it [D-71 K-03 K-05]', async () => {
    const url = await startApi(framework, { nonce })
    const page = await openPage()
    const { responses } = await call(page, { url, token: await createToken(page) })
    expect(responses).toMatchObject([
      { status: 401, nonce: expect.any(String) },
      { status: 200, total: '2' }
    ])
  })

  test('a page reads DPoP-Nonce of a successful response [K-03 K-06]', async () => {
    const url = await startApi(framework, { nonce: { ...nonce, required: () => false, onEveryResponse: true } })
    const page = await openPage()
    const { responses } = await call(page, { url, token: await createToken(page) })
    expect(responses).toEqual([{ status: 200, nonce: expect.any(String), total: '2' }])
  })

  test('a page reads the same with credentials mode include, which sends its cookies [K-03 K-05]', async () => {
    const url = await startApi(framework, { nonce })
    const page = await openPage()
    const token = await createToken(page)
    await page.evaluate(() => {
      // biome-ignore lint/suspicious/noDocumentCookie: cookies do not depend on the port
      document.cookie = 'session=1'
    })
    const { responses, body } = await call(page, { url, token, credentials: 'include' })
    expect(responses).toMatchObject([{ status: 401, nonce: expect.any(String) }, { status: 200 }])
    expect(JSON.parse(body)).toEqual({ cookie: 'session=1' })
    expect(JSON.parse((await call(page, { url, token, credentials: 'omit' })).body)).toEqual({})
  })

  test('a page with an opaque origin, whose requests have Origin null, reads the same where CORS allows it [K-05]', async () => {
    const url = await startApi(framework, { nonce }, { origins: ['null'] })
    const frame = (await openPage('/sandboxed')).frames()[1] as Frame
    await frame.waitForLoadState()
    expect(await frame.evaluate(() => window.origin)).toBe('null')
    const { responses } = await call(frame, { url, token: await createToken(frame) })
    expect(responses).toMatchObject([
      { status: 401, nonce: expect.any(String) },
      { status: 200, total: '2' }
    ])
  })

  test('a page reads the status and the body of an outage [K-04 K-05]', async () => {
    const url = await startApi(framework, { replay: { reserve: () => Promise.reject(new Error('down')) } })
    const page = await openPage()
    const { responses, body } = await call(page, { url, token: await createToken(page) })
    expect(responses).toMatchObject([{ status: 503 }])
    expect(body).toContain('The replay store is unavailable')
  })

  test('a page sends the header fields of MCP clients if CORS allows each of them [K-08]', async () => {
    const onHandled = vi.fn()
    const url = await startApi(framework, {}, { onHandled, allowedHeaders: [...jsonFields, ...Object.keys(mcpFields)] })
    const page = await openPage()
    const token = await createToken(page)
    const headers = { 'Content-Type': 'application/json', ...mcpFields }
    const { responses } = await call(page, { url, token, method: 'POST', headers })
    expect(responses).toMatchObject([{ total: '2' }])
    expect(onHandled).toHaveBeenCalledExactlyOnceWith('POST')
    onHandled.mockClear()

    const withoutThem = await startApi(framework, {}, { onHandled, allowedHeaders: jsonFields })
    await expect(call(page, { url: withoutThem, token, method: 'POST', headers })).rejects.toThrow('Failed to fetch')
    expect(onHandled).not.toHaveBeenCalled()
  })
})

test.each<[string, Partial<CorsApiSpec>]>([
  ['whose CORS settings do not allow DPoP', { allowedHeaders: ['Authorization'] }],
  ['whose CORS settings do not allow Authorization', { allowedHeaders: ['DPoP'] }],
  ['whose CORS settings do not allow its origin', { origins: ['https://other.example'] }]
])('a page cannot call an API %s [K-02]', async (_, spec) => {
  const onHandled = vi.fn()
  const url = await startApi(corsFrameworks[0] as CorsFramework, {}, { onHandled, ...spec })
  const page = await openPage()
  const token = await createToken(page)
  await expect(call(page, { url, token })).rejects.toThrow('Failed to fetch')
  expect(onHandled).not.toHaveBeenCalled()
})
