/**
 * Bytes that the caches hold for each client, and the share of requests that find their entry at and above the capacity. Run in a process
 * of its own with `--expose-gc`; prints one line for each figure.
 */

import { createVerifier } from 'dpop-guard'
import { ClientCache } from '../../dist/src/cache/client-cache.js'
import { createTestClient, createTestIssuer } from '../../dist/src/testing/index.js'
import { progress } from '../support/progress.mjs'

const CLIENTS = 10_000
const CAPACITY = 10_000
const POPULATIONS = [0.5, 1, 1.1, 2, 5]
const BASE_URL = 'https://api.example'

/** Node.js has them from 24.7. */
const postQuantum = ['ML-DSA-44', 'ML-DSA-87'].filter((alg) => globalThis.SubtleCrypto.supports?.('verify', alg))

for (const alg of ['ES256', 'EdDSA', 'PS256', ...postQuantum]) await measureBytes(alg)
printHitRates()

/** Heap is JavaScript values; the rest of the resident memory is that of imported keys. */
async function measureBytes(alg) {
  // RSA keys take long to generate.
  const count = alg === 'PS256' ? CLIENTS / 20 : CLIENTS
  const issuer = await createTestIssuer({ alg: 'ES256' })
  const requests = []
  for (let i = 0; i < count; i++) {
    if (i % 100 === 0) progress.show(`sizing: ${i} of ${count} clients, ${alg}`)
    const client = await createTestClient({ alg })
    const token = await issuer.issue({ jkt: client.jkt, claims: { sub: `user-${i}` }, scope: 'notes:read notes:write' })
    requests.push({ method: 'GET', target: '/notes', headers: await client.headers({ url: `${BASE_URL}/notes`, token }) })
  }
  const options = { issuer: issuer.options, baseUrl: BASE_URL, replay: false, proof: { algorithms: [alg] } }
  const verifiers = [createVerifier(options), createVerifier(options)]
  // The first verifier warms compiled code and buffers up, and its memory is not counted.
  for (const request of requests.slice(0, 500)) await verifiers[0].verifyRequest(request)
  const before = memory()
  for (const request of requests) await verifiers[1].verifyRequest(request)
  const after = memory()
  // Keeps the verifiers until here.
  await Promise.all(verifiers.map((verifier) => verifier.ready()))
  tell(`bytes per client, ${alg}: heap`, ((after.heap - before.heap) / count).toFixed(0))
  tell(`bytes per client, ${alg}: resident memory`, ((after.resident - before.resident) / count).toFixed(0))
}

function memory() {
  for (let i = 0; i < 4; i++) globalThis.gc()
  const { heapUsed, rss } = process.memoryUsage()
  return { heap: heapUsed, resident: rss }
}

function printHitRates() {
  for (const [order, next] of [
    ['random order', (population) => () => Math.floor(Math.random() * population)],
    ['in turn', (population) => (i) => i % population],
    ['skewed (Zipf, s = 1)', zipf]
  ]) {
    for (const factor of POPULATIONS) {
      progress.show(`sizing: hit rate, ${order}, ${factor} times the capacity`)
      tell(
        `hit rate, ${factor} × capacity, ${order}`,
        `${(100 * hitRate(next(factor * CAPACITY), factor * CAPACITY)).toFixed(0)} %`
      )
    }
  }
}

/** After ten requests of each client. */
function hitRate(nextClient, population) {
  const cache = new ClientCache({ maxClients: CAPACITY, clientOf: ({ client }) => client })
  const warmUp = 10 * population
  const count = 5 * population
  let hits = 0
  for (let i = 0; i < warmUp + count; i++) {
    const client = String(nextClient(i))
    if (cache.get(client) === undefined) cache.set(client, { client })
    else if (i >= warmUp) hits++
  }
  return hits / count
}

/** The client of rank n sends requests in proportion to 1/n. */
function zipf(population) {
  const cumulative = new Float64Array(population)
  let sum = 0
  for (let n = 0; n < population; n++) cumulative[n] = sum += 1 / (n + 1)
  return () => {
    const at = Math.random() * sum
    let [low, high] = [0, population - 1]
    while (low < high) {
      const middle = (low + high) >> 1
      if (cumulative[middle] < at) low = middle + 1
      else high = middle
    }
    return low
  }
}

function tell(name, value) {
  progress.print(`${name.padEnd(52)} ${String(value).padStart(12)}`)
}
