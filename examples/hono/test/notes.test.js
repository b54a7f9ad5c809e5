/** The notes API over HTTP, with real tokens and proofs. Every test fails if the guard is removed. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { after, before, test } from 'node:test'
import { getRequestListener } from '@hono/node-server'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { createApp } from '../app.js'

let server
let baseUrl
let issuer
let client

before(async () => {
  server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  baseUrl = `http://127.0.0.1:${server.address().port}`
  issuer = await createTestIssuer({ audience: baseUrl })
  client = await createTestClient()
  server.on('request', getRequestListener(createApp({ issuer: issuer.options, baseUrl }).fetch))
})

after(() => server.close())

test('GET /health needs no token', async () => {
  assert.equal((await fetch(`${baseUrl}/health`)).status, 200)
})

test('a client adds and lists its notes with a token that is bound to its key', async () => {
  const token = await issuer.issue({ jkt: client.jkt, scope: 'notes:read notes:write' })
  const added = await client.fetch(`${baseUrl}/notes`, token, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ text: 'Water the plants' })
  })
  assert.equal(added.status, 201)
  const listed = await client.fetch(`${baseUrl}/notes`, token)
  assert.deepEqual(await listed.json(), { notes: ['Water the plants'] })
})

test('a token without the scope of the route is rejected with 403', async () => {
  const token = await issuer.issue({ jkt: client.jkt, scope: 'notes:write' })
  const response = await client.fetch(`${baseUrl}/notes`, token)
  assert.equal(response.status, 403)
  assert.match(response.headers.get('www-authenticate'), /error="insufficient_scope"/)
})

test('a stolen token is rejected with the key of another client', async () => {
  const token = await issuer.issue({ jkt: client.jkt, scope: 'notes:read' })
  const attacker = await createTestClient()
  assert.equal((await attacker.fetch(`${baseUrl}/notes`, token)).status, 401)
})

test('a stolen token is rejected as a Bearer token', async () => {
  const token = await issuer.issue({ jkt: client.jkt, scope: 'notes:read' })
  const response = await fetch(`${baseUrl}/notes`, { headers: { authorization: `Bearer ${token}` } })
  assert.equal(response.status, 401)
})

test('a proof is accepted once', async () => {
  const url = `${baseUrl}/notes`
  const token = await issuer.issue({ jkt: client.jkt, scope: 'notes:read' })
  const headers = await client.headers({ url, token })
  assert.equal((await fetch(url, { headers })).status, 200)
  assert.equal((await fetch(url, { headers })).status, 401)
})
