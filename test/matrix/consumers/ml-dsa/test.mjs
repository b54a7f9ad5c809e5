/** Proofs and access tokens with ML-DSA of the runtime, over real sockets: accepted, replayed, of another key, and with a changed signature. */

import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { test } from 'node:test'
import { createVerifier, isDPoPError } from 'dpop-guard'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { calculateJwkThumbprint } from 'jose'

const algorithms = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87']

/** A server whose header limit is that of docs/operations.md. */
async function listen(t, maxHeaderSize) {
  const server = createServer({ maxHeaderSize }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  return { server, origin: `http://127.0.0.1:${server.address().port}` }
}

for (const alg of algorithms) {
  test(`${alg}: a bound token is accepted once, and rejected with another key and with a changed signature`, async (t) => {
    const { server, origin } = await listen(t, 32_768)
    const [issuer, client, attacker] = await Promise.all([
      createTestIssuer({ alg, audience: origin }),
      createTestClient({ alg }),
      createTestClient({ alg })
    ])
    const verifier = createVerifier({
      issuer: issuer.options,
      baseUrl: origin,
      proof: { algorithms: [alg] },
      token: { algorithms: [alg] },
      metadata: {}
    })
    server.on('request', (request, response) => {
      verifier.verifyRequest(request).then(
        ({ proof }) => response.end(proof.jkt),
        (error) => response.writeHead(error.status, error.headers).end(isDPoPError(error) ? error.code : String(error.cause))
      )
    })
    const token = await issuer.issue({ jkt: client.jkt })
    const send = async (headers, sentToken = headers.Authorization) => {
      const response = await fetch(`${origin}/notes`, { headers: { ...headers, Authorization: sentToken } })
      return [response.status, await response.text()]
    }
    const headersOf = (sender) => sender.headers({ url: `${origin}/notes`, token })

    assert.equal(client.jkt, await calculateJwkThumbprint(client.publicJwk))
    assert.deepEqual(client.publicJwk.alg, alg)
    const headers = await headersOf(client)
    assert.deepEqual(await send(headers), [200, client.jkt])
    assert.deepEqual(await send(headers), [401, 'ERR_DPOP_PROOF_REPLAYED'])
    assert.deepEqual(await send(await headersOf(client)), [200, client.jkt])
    assert.deepEqual(await send(await headersOf(attacker)), [401, 'ERR_DPOP_TOKEN_BINDING'])

    const [proofOfOne, proofOfOther] = [await headersOf(client), await headersOf(client)]
    const signatureOf = (jwt) => jwt.slice(jwt.lastIndexOf('.'))
    const inputOf = (jwt) => jwt.slice(0, jwt.lastIndexOf('.'))
    const exchanged = { ...proofOfOne, DPoP: inputOf(proofOfOne.DPoP) + signatureOf(proofOfOther.DPoP) }
    assert.deepEqual(await send(exchanged), [401, 'ERR_DPOP_PROOF_SIGNATURE'])
    const shorter = { ...proofOfOne, DPoP: proofOfOne.DPoP.slice(0, -4) }
    assert.deepEqual((await send(shorter))[0], 401)

    const otherToken = await issuer.issue({ jkt: client.jkt, claims: { jti: 'other' } })
    const forged = inputOf(token) + signatureOf(otherToken)
    const forgedHeaders = await client.headers({ url: `${origin}/notes`, token: forged })
    assert.deepEqual(await send(forgedHeaders), [401, 'ERR_DPOP_TOKEN_INVALID'])
    assert.deepEqual(verifier.resourceMetadata().dpop_signing_alg_values_supported, [alg])
  })
}
