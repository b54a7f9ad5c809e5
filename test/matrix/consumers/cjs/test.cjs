/** Loads the packed package with require(), and accepts a bound token once. */

const assert = require('node:assert/strict')
const { test } = require('node:test')
const { createVerifier } = require('dpop-guard')
const { dpop } = require('dpop-guard/express')
const { createTestClient, createTestIssuer } = require('dpop-guard/testing')

test('a bound token is accepted once', async () => {
  assert.equal(typeof dpop, 'function')
  const [issuer, client] = await Promise.all([createTestIssuer(), createTestClient()])
  const verifier = createVerifier({ issuer: issuer.options, baseUrl: 'https://api.example' })
  const token = await issuer.issue({ jkt: client.jkt })
  const request = { method: 'GET', target: '/', headers: await client.headers({ url: 'https://api.example/', token }) }
  assert.equal((await verifier.verifyRequest(request)).claims.sub, 'user')
  await assert.rejects(verifier.verifyRequest(request), { code: 'ERR_DPOP_PROOF_REPLAYED' })
})
