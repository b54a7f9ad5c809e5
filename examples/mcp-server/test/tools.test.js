/** The tools with the official client and its DPoP session. Every test fails if the guard is removed. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { Client, DpopSession, StreamableHTTPClientTransport, withDpop } from '@modelcontextprotocol/client'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { createApp } from '../app.js'

let server
let baseUrl
let resource
let issuer

before(async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  baseUrl = `http://127.0.0.1:${server.address().port}`
  resource = `${baseUrl}/mcp`
  issuer = await createTestIssuer({ audience: resource })
  server.on('request', createApp({ issuer: issuer.options, baseUrl }).set('env', 'test'))
})

after(() => {
  server.close()
  server.closeAllConnections()
})

async function connect(t, scope) {
  const session = await DpopSession.create()
  const token = await issuer.issue({ jkt: session.thumbprint, scope })
  const client = new Client({ name: 'test', version: '1.0.0' }, { versionNegotiation: { mode: 'auto' } })
  await client.connect(new StreamableHTTPClientTransport(new URL(resource), { fetch: withDpop(session, () => token)(fetch) }))
  t.after(() => client.close())
  return client
}

test('a client with both scopes adds and lists notes of its user', async (t) => {
  const client = await connect(t, 'notes:read notes:write')
  await client.callTool({ name: 'add', arguments: { text: 'Water the plants' } })
  const { content } = await client.callTool({ name: 'list', arguments: {} })
  assert.deepEqual(content, [{ type: 'text', text: 'Water the plants' }])
})

test('a tool whose scope the token lacks is rejected', async (t) => {
  const client = await connect(t, 'notes:read')
  await assert.rejects(
    client.callTool({ name: 'add', arguments: { text: 'Buy milk' } }),
    /Insufficient scope: required "notes:read notes:write"/
  )
})

test('a request without a token is told where the metadata is', async () => {
  const response = await fetch(resource, { method: 'POST' })
  assert.equal(response.status, 401)
  const [, url] = /resource_metadata="([^"]+)"/.exec(response.headers.get('www-authenticate'))
  const metadata = await (await fetch(url)).json()
  assert.equal(metadata.resource, resource)
  assert.deepEqual(metadata.authorization_servers, [issuer.issuer])
})

test('a stolen token is rejected with the key of another client', async () => {
  const session = await DpopSession.create()
  const token = await issuer.issue({ jkt: session.thumbprint, scope: 'notes:read' })
  const attacker = await createTestClient()
  assert.equal((await attacker.fetch(resource, token, { method: 'POST' })).status, 401)
})
