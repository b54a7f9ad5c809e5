/** Imports every entry point, accepts a bound token once, and runs the vectors: the packed package in one runtime. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createVerifier, optionsFromEnv } from 'dpop-guard'
import { dpop as express } from 'dpop-guard/express'
import { dpop as fastify } from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import { dpop as hono } from 'dpop-guard/hono'
import { dpop as koa } from 'dpop-guard/koa'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { createTickets } from 'dpop-guard/ticket'
import { runVectors } from './vectors.mjs'

test('every entry point loads', () => {
  for (const exported of [createVerifier, optionsFromEnv, express, fastify, hono, koa, createTickets])
    assert.equal(typeof exported, 'function')
})

test('ML-DSA is accepted where the runtime has it, and a TypeError elsewhere', async () => {
  const alg = 'ML-DSA-44'
  const issuer = await createTestIssuer()
  const create = () => createVerifier({ issuer: issuer.options, baseUrl: 'https://api.example', proof: { algorithms: [alg] } })
  const isGenerated = await crypto.subtle.generateKey(alg, true, ['sign', 'verify']).then(
    () => true,
    () => false
  )
  const verifier = valueOrError(create)
  const isNode = globalThis.Bun === undefined && globalThis.Deno === undefined
  if (isNode) assert.equal(verifier instanceof Error, !isGenerated)
  if (verifier instanceof Error) {
    assert.equal(verifier.name, 'TypeError')
    assert.match(verifier.message, /^"proof\.algorithms" must be supported by this runtime, which has no ML-DSA-44/)
    return
  }
  const client = await createTestClient({ alg })
  const url = 'https://api.example/notes'
  const headers = await client.headers({ url, token: await issuer.issue({ jkt: client.jkt }) })
  const { proof } = await verifier.verifyRequest({ method: 'GET', target: '/notes', headers })
  assert.equal(proof.jkt, client.jkt)
})

function valueOrError(create) {
  try {
    return create()
  } catch (error) {
    return error
  }
}

test('a bound token is accepted once, and rejected with another key', async () => {
  const [issuer, client, attacker] = await Promise.all([createTestIssuer(), createTestClient(), createTestClient()])
  const handler = withDPoP({ issuer: issuer.options, baseUrl: 'https://api.example' }, (_request, auth) =>
    Response.json({ sub: auth.claims.sub })
  )
  const url = 'https://api.example/notes'
  const token = await issuer.issue({ jkt: client.jkt })
  const headers = await client.headers({ url, token })
  const statuses = []
  for (const sent of [headers, headers, await attacker.headers({ url, token })])
    statuses.push((await handler(new Request(url, { headers: sent }))).status)
  assert.deepEqual(statuses, [200, 401, 401])
})

test('every vector has its response: on the core, the Fetch adapter and Hono', { timeout: 120_000 }, async () => {
  const { total, counts, failures } = await runVectors()
  assert.deepEqual(failures, [])
  assert.equal(counts.core, total)
  for (const adapter of ['fetch', 'hono']) assert.ok(counts[adapter] > 0.8 * total, `${adapter}: ${counts[adapter]} of ${total}`)
})
