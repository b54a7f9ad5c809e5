/** The guard before server and client of the official SDK 2, on an Express host and on a Fetch host. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { Client, DpopSession, StreamableHTTPClientTransport, withDpop } from '@modelcontextprotocol/client'
import { toNodeHandler } from '@modelcontextprotocol/node'
import { createMcpHandler, McpServer } from '@modelcontextprotocol/server'
import { createVerifier } from 'dpop-guard'
import { resourceMetadata } from 'dpop-guard/express'
import { mcpAuth, withMcpAuth } from 'dpop-guard/mcp'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import express from 'express'

const handler = createMcpHandler(() => {
  const server = new McpServer({ name: 'notes', version: '1.0.0' })
  server.registerTool('whoami', { description: 'The subject of the token' }, ({ http }) => ({
    content: [{ type: 'text', text: http.authInfo.extra.sub }]
  }))
  return server
})

const hosts = {
  Express: (verifier, options) => toNodeHost(mcpAuth(verifier, options), toNodeHandler(handler)),
  Fetch(verifier, options) {
    const guarded = withMcpAuth(verifier, (request, authInfo) => handler.fetch(request, { authInfo }), options)
    return toNodeHost(toNodeHandler({ fetch: (request) => guarded(request) }))
  }
}

function toNodeHost(...handlers) {
  return (app) => app.all('/mcp', ...handlers)
}

for (const [name, register] of Object.entries(hosts)) {
  test(name, async (t) => {
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
    register(verifier, { resource, scopes: ['notes'], toolScopes: { whoami: ['notes'] } })(app)

    const session = await DpopSession.create()
    const token = await issuer.issue({ jkt: session.thumbprint, scope: 'notes' })
    const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
    await client.connect(new StreamableHTTPClientTransport(new URL(resource), { fetch: withDpop(session, () => token)(fetch) }))
    t.after(() => client.close())
    const { content } = await client.callTool({ name: 'whoami', arguments: {} })
    assert.equal(content[0].text, 'user')

    const attacker = await createTestClient()
    for (const headers of [{}, await attacker.headers({ method: 'POST', url: resource, token })]) {
      const response = await fetch(resource, { method: 'POST', headers })
      assert.equal(response.status, 401)
      assert.match(response.headers.get('www-authenticate'), /^DPoP .*resource_metadata="/)
    }
  })
}
