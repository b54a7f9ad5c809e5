/** MCP servers, used by the official client in a page of another origin in Chromium. */

import { createServer } from 'node:http'
import { getRequestListener } from '@hono/node-server'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { type AuthInfo, createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import cors from 'cors'
import { createVerifier, type VerifierOptions } from 'dpop-guard'
import { mcpAuth, withMcpAuth } from 'dpop-guard/mcp'
import { createTestIssuer, type TestIssuer } from 'dpop-guard/testing'
import express from 'express'
import { Hono } from 'hono'
import { cors as honoCors } from 'hono/cors'
import type { Browser, Page } from 'playwright-core'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { closeServer, listen } from '../adapters/contract.js'
import { launchChromium } from '../support/chromium.mjs'
import { type ServedPage, scriptOf, servePage } from './pages.js'

const fields = ['Authorization', 'DPoP', 'Content-Type', 'MCP-Protocol-Version', 'Mcp-Method', 'Mcp-Name']

let browser: Browser
let page: Page
let served: ServedPage
let issuer: TestIssuer
beforeAll(async () => {
  issuer = await createTestIssuer({ alg: 'ES256' })
  served = await servePage({ entryPoints: [scriptOf('mcp')] })
  browser = await launchChromium()
  page = await browser.newPage()
}, 60_000)
afterAll(async () => {
  await browser?.close()
  await served?.close()
})
const closing: (() => Promise<unknown>)[] = []
afterEach(() => Promise.all(closing.splice(0).map((close) => close())))

/** The names of the tools that were called. */
const called: string[] = []

function createTools(): McpServer {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool('list', { description: 'Lists the notes' }, async () => {
    called.push('list')
    return { content: [{ type: 'text', text: 'done' }] }
  })
  return server
}

function verifierOf(port: number, more: Partial<VerifierOptions>) {
  const baseUrl = `http://127.0.0.1:${port}`
  const options = {
    issuer: issuer.options,
    baseUrl,
    audience: 'https://api.example',
    metadata: { resources: [`${baseUrl}/mcp`] }
  }
  return createVerifier({ ...options, ...more }) as never
}

type Start = (allowed: readonly string[], more?: Partial<VerifierOptions>) => Promise<string>

const hosts: [name: string, start: Start][] = [
  [
    'an Express host',
    async (allowed, more = {}) => {
      const app = express().set('env', 'test')
      const server = createServer(app)
      const port = await listen(server)
      closing.push(() => closeServer(server))
      const resource = `http://127.0.0.1:${port}/mcp`
      app.use(cors({ origin: served.origin, allowedHeaders: [...allowed] }))
      const guard = mcpAuth(verifierOf(port, more), { resource, allowedOrigins: [served.origin] })
      app.all('/mcp', guard as never, toNodeHandler(createMcpHandler(createTools)) as never)
      return resource
    }
  ],
  [
    'a Hono host',
    async (allowed, more = {}) => {
      const app = new Hono()
      const server = createServer(getRequestListener(app.fetch))
      const port = await listen(server)
      closing.push(() => closeServer(server))
      const resource = `http://127.0.0.1:${port}/mcp`
      const tools = createMcpHandler(createTools)
      const guarded = withMcpAuth(
        verifierOf(port, more),
        (request, authInfo) => tools.fetch(request, { authInfo: authInfo as AuthInfo }),
        { resource, allowedOrigins: [served.origin] }
      )
      app.use(honoCors({ origin: served.origin, allowHeaders: [...allowed] }))
      app.all('/mcp', (c) => guarded(c.req.raw))
      return resource
    }
  ]
]

/** Calls the tool from the page, with a new DPoP session and a token that is bound to its key. */
async function callTool(url: string): Promise<unknown> {
  called.length = 0
  await page.goto(served.origin)
  const token = await issuer.issue({ jkt: await page.evaluate(() => window.mcp.createSession()) })
  return await page.evaluate(([url, token]) => window.mcp.callTool(url, token, 'list'), [url, token] as const)
}

test.each(hosts)('%s serves the official client in a page, also with nonces [K-05 K-08]', async (_, start) => {
  expect(await callTool(await start(fields))).toMatchObject([{ text: 'done' }])
  const nonce = { secrets: ['a secret of at least 32 random bytes'] }
  expect(await callTool(await start(fields, { nonce }))).toMatchObject([{ text: 'done' }])
  expect(called).toEqual(['list'])
})

test.each(fields)('a page cannot call a tool if CORS does not allow %s [K-08]', async (missing) => {
  const [, start] = hosts[0] as (typeof hosts)[number]
  const url = await start(fields.filter((name) => name !== missing))
  await expect(callTool(url)).rejects.toThrow()
  expect(called).toEqual([])
})
