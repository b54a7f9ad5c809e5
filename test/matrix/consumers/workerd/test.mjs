/** Bundles Workers for workerd: requests with a nonce challenge, a bound token, a replay and another key, and the vectors. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { build } from 'esbuild'
import { Miniflare } from 'miniflare'

const origin = 'https://api.example'

/** Starts a Worker in workerd. */
async function start(t, entryPoint, bindings) {
  const { outputFiles } = await build({
    entryPoints: [entryPoint],
    bundle: true,
    format: 'esm',
    conditions: ['workerd', 'worker', 'browser'],
    external: ['node:*'],
    write: false
  })
  const worker = new Miniflare({
    modules: true,
    script: outputFiles[0].text,
    bindings,
    compatibilityDate: '2026-01-01',
    compatibilityFlags: ['nodejs_compat']
  })
  t.after(() => worker.dispose())
  return worker
}

test('the Fetch adapter and Hono in workerd', { timeout: 60_000 }, async (t) => {
  const issuer = await createTestIssuer()
  const bindings = {
    DPOP_ISSUER: issuer.issuer,
    DPOP_BASE_URL: origin,
    JWKS: JSON.stringify(issuer.jwks),
    NONCE_SECRET: 'a secret of at least thirty-two characters'
  }
  const worker = await start(t, 'worker.mjs', bindings)
  const [client, attacker] = await Promise.all([createTestClient(), createTestClient()])
  const token = await issuer.issue({ jkt: client.jkt })
  for (const path of ['/fetch', '/hono']) {
    const url = origin + path
    const challenge = await worker.dispatchFetch(url, { headers: await client.headers({ url, token }) })
    assert.equal(challenge.status, 401)
    const nonce = challenge.headers.get('dpop-nonce')
    const headers = await client.headers({ url, token, nonce })
    const statuses = []
    for (const sent of [headers, headers, await attacker.headers({ url, token, nonce })])
      statuses.push((await worker.dispatchFetch(url, { headers: sent })).status)
    assert.deepEqual([path, ...statuses], [path, 200, 401, 401])
  }
  const { isSupported, error } = await (await worker.dispatchFetch(`${origin}/ml-dsa`)).json()
  if (isSupported) assert.equal(error, undefined)
  else assert.match(error, /^TypeError: "proof\.algorithms" must be supported by this runtime, which has no ML-DSA-44/)
})

test('every vector has its response: on the core, the Fetch adapter and Hono', { timeout: 120_000 }, async (t) => {
  const worker = await start(t, 'vectors-worker.mjs', {})
  const response = await worker.dispatchFetch(origin)
  const { total, counts, failures } = await response.json()
  assert.deepEqual(failures, [])
  assert.equal(counts.core, total)
  for (const adapter of ['fetch', 'hono']) assert.ok(counts[adapter] > 0.8 * total, `${adapter}: ${counts[adapter]} of ${total}`)
})
