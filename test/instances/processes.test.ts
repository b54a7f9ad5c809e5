/** Four instances of an API with one Redis accept a proof once in total (RFC 9449 §11.1). Runs the built package. */

import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { expect, it, onTestFinished } from 'vitest'
import { API_URL, startInstance } from '../support/api-processes.mjs'
import { startIssuerServer } from '../support/issuer-server.js'
import { describeSharedRedis, sharedRedis } from '../support/redis.js'

const PROOFS = 200

describeSharedRedis('four processes, one Redis', () => {
  it('two hundred proofs, each sent concurrently to all instances, are accepted two hundred times in total', async () => {
    const server = await startIssuerServer()
    const [issuer, client] = await Promise.all([
      createTestIssuer({ issuer: server.origin, audience: 'api', alg: 'ES256' }),
      createTestClient()
    ])
    const metadata = { issuer: server.origin, jwks_uri: `${server.origin}/keys` }
    Object.assign(server.responses, { '/.well-known/oauth-authorization-server': metadata, '/keys': issuer.jwks })
    const redisUrl = await sharedRedis()
    const instances = await Promise.all(
      Array.from({ length: 4 }, () => startInstance({ issuer: server.origin, redisUrl, timeoutMs: 10_000 }))
    )
    onTestFinished(() => {
      for (const { close } of instances) close()
    })

    const token = await issuer.issue({ jkt: client.jkt })
    const proofs = await Promise.all(Array.from({ length: PROOFS }, () => client.headers({ url: `${API_URL}/notes`, token })))
    const responses = await Promise.all(
      proofs.map(async (headers) => await Promise.all(instances.map(({ get }) => get('/notes', headers))))
    )

    for (const four of responses) expect(four.filter(({ status }) => status === 200)).toHaveLength(1)
    const others = responses.flat().filter(({ status }) => status !== 200)
    expect(others).toHaveLength(3 * PROOFS)
    expect(new Set(others.map(({ code }) => code))).toEqual(new Set(['ERR_DPOP_PROOF_REPLAYED']))
    for (const { inspect } of instances) expect((await inspect()).unhandled).toEqual([])
  }, 60_000)
})
