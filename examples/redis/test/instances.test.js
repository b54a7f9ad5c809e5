/**
 * Two processes on one port and one Redis: that of REDIS_URL, or a `redis-server` of the path. The test fails if the instances do not
 * share consumed proofs.
 */

import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { after, before, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'

const processes = []
let issuer
let client
let baseUrl

before(async () => {
  const port = await freePort()
  baseUrl = `http://127.0.0.1:${port}`
  issuer = await (await createTestIssuer({ audience: baseUrl })).listen()
  client = await createTestClient()
  const environment = { PORT: String(port), REDIS_URL: process.env.REDIS_URL ?? (await startRedis()) }
  start(process.execPath, ['server.js'], { ...environment, DPOP_ISSUER: issuer.issuer, DPOP_BASE_URL: baseUrl })
  await until(async () => (await fetch(`${baseUrl}/ready`)).ok)
})

after(async () => {
  for (const child of processes.reverse()) {
    child.kill()
    await once(child, 'exit')
  }
  await issuer.close()
})

test('both instances respond', async () => {
  const token = await issuer.issue({ jkt: client.jkt })
  const pids = new Set()
  await until(async () => {
    // Concurrent requests open several connections, which the instances share.
    const responses = await Promise.all(Array.from({ length: 8 }, () => client.fetch(`${baseUrl}/notes`, token)))
    for (const response of responses) pids.add((await response.json()).pid)
    return pids.size === 2
  })
})

test('a proof that is sent twenty times at once is accepted once', async () => {
  const url = `${baseUrl}/notes`
  const token = await issuer.issue({ jkt: client.jkt })
  const headers = await client.headers({ url, token })
  const responses = await Promise.all(Array.from({ length: 20 }, () => fetch(url, { headers })))
  const statuses = responses.map(({ status }) => status)
  assert.equal(statuses.filter((status) => status === 200).length, 1)
  assert.equal(statuses.filter((status) => status === 401).length, 19)
})

async function startRedis() {
  const port = await freePort()
  start('redis-server', ['--port', String(port), '--bind', '127.0.0.1', '--save', ''])
  return `redis://127.0.0.1:${port}`
}

function start(command, args, environment = {}) {
  const child = spawn(command, args, { env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'inherit'] })
  processes.push(child)
}

async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

async function until(condition) {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await condition().catch(() => false)) return
    await delay(25)
  }
  throw new Error('The condition did not become true in ten seconds')
}
