/** Builds the application without an environment, starts it with one, and calls a route handler of each runtime. */

import assert from 'node:assert/strict'
import { execFileSync, spawn } from 'node:child_process'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'

const next = 'node_modules/next/dist/bin/next'
const env = { ...process.env, NEXT_TELEMETRY_DISABLED: '1' }

test('route handlers of both runtimes', { timeout: 300_000 }, async (t) => {
  execFileSync(process.execPath, [next, 'build'], { env, stdio: ['ignore', 'ignore', 'inherit'] })
  const port = await freePort()
  const origin = `http://127.0.0.1:${port}`
  const issuer = await (await createTestIssuer({ audience: origin })).listen()
  const options = { DPOP_ISSUER: issuer.issuer, DPOP_BASE_URL: origin }
  const args = [next, 'start', '--port', String(port), '--hostname', '127.0.0.1']
  const server = spawn(process.execPath, args, { env: { ...env, ...options }, stdio: 'ignore' })
  t.after(async () => {
    server.kill()
    await issuer.close()
  })
  await responding(`${origin}/api/notes`)
  const client = await createTestClient()
  const token = await issuer.issue({ jkt: client.jkt })
  for (const path of ['/api/notes', '/api/edge']) {
    const response = await client.fetch(origin + path, token)
    assert.deepEqual([path, response.status, await response.json()], [path, 200, { owner: 'user' }])
    assert.equal((await fetch(origin + path)).status, 401)
  }
})

async function freePort() {
  const server = createServer()
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address()
  await new Promise((resolve) => server.close(resolve))
  return port
}

async function responding(url) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const isResponding = await fetch(url).then(
      () => true,
      () => false
    )
    if (isResponding) return
    await new Promise((resolve) => setTimeout(resolve, 100))
  }
  throw new Error(`${url} does not respond`)
}
