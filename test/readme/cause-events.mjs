/**
 * Imports the compiled program that the first argument names, then accepts a request, rejects one and has an outage, all with the
 * built package. Prints what the program exports as `metrics()`, if it does.
 */

import { createVerifier } from 'dpop-guard'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'

const program = await import(process.argv[2])
const audience = 'https://api.example'
const [issuer, client] = await Promise.all([createTestIssuer({ audience }), createTestClient()])
const requestOf = async (method) => {
  const token = await issuer.issue({ jkt: client.jkt })
  return { method, target: '/', headers: await client.headers({ method: 'GET', url: `${audience}/`, token }) }
}
const options = { issuer: issuer.options, baseUrl: audience }
const verifier = createVerifier(options)
const down = createVerifier({ ...options, replay: { reserve: () => Promise.reject(new Error('connection lost')) } })
await verifier.verifyRequest(await requestOf('GET'))
await verifier.verifyRequest(await requestOf('PUT')).catch(() => {})
await down.verifyRequest(await requestOf('GET')).catch(() => {})
if (program.metrics) console.log(await program.metrics())
