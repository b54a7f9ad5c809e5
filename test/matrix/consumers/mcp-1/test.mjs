/** The guard before server and client of the official SDK 1, on an Express host. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { Client } from '@modelcontextprotocol/sdk/client/index.js'
import { StreamableHTTPClientTransport } from '@modelcontextprotocol/sdk/client/streamableHttp.js'
import { McpServer } from '@modelcontextprotocol/sdk/server/mcp.js'
import { StreamableHTTPServerTransport } from '@modelcontextprotocol/sdk/server/streamableHttp.js'
import { createVerifier } from 'dpop-guard'
import { resourceMetadata } from 'dpop-guard/express'
import { mcpAuth } from 'dpop-guard/mcp'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import express from 'express'

async function handle(req, res) {
  if (req.method !== 'POST') return res.status(405).end()
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.tool('whoami', ({ authInfo }) => ({ content: [{ type: 'text', text: authInfo.extra.sub }] }))
  const transport = new StreamableHTTPServerTransport({ sessionIdGenerator: undefined })
  res.on('close', () => server.close())
  await server.connect(transport)
  await transport.handleRequest(req, res)
}

test('Express', async (t) => {
  const app = express().set('env', 'test')
  const server = createServer(app)
  await once(server.listen(0, '127.0.0.1'), 'listening')
  t.after(() => server.close())
  const baseUrl = `http://127.0.0.1:${server.address().port}`
  const resource = `${baseUrl}/mcp`
  const issuer = await createTestIssuer({ audience: resource })
  const verifier = createVerifier({
    issuer: issuer.options,
    baseUrl,
    audience: resource,
    metadata: { resources: [resource] }
  })
  app.use(resourceMetadata(verifier))
  app.all('/mcp', mcpAuth(verifier, { resource, scopes: ['notes'] }), handle)

  const [key, attacker] = await Promise.all([createTestClient(), createTestClient()])
  const token = await issuer.issue({ jkt: key.jkt, scope: 'notes' })
  const client = new Client({ name: 'test', version: '1.0.0' })
  const withProofs = (url, init) => key.fetch(String(url), token, init)
  await client.connect(new StreamableHTTPClientTransport(new URL(resource), { fetch: withProofs }))
  t.after(() => client.close())
  const { content } = await client.callTool({ name: 'whoami', arguments: {} })
  assert.equal(content[0].text, 'user')

  for (const headers of [{}, await attacker.headers({ method: 'POST', url: resource, token })]) {
    const response = await fetch(resource, { method: 'POST', headers })
    assert.equal(response.status, 401)
    assert.match(response.headers.get('www-authenticate'), /^DPoP .*resource_metadata="/)
  }
})
