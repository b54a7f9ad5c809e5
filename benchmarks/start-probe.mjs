/** One import in a fresh process, for `start.mjs`; with a request also the first verification. */

const [{ entry, request }] = await new Promise((resolve) => {
  process.once('message', (...message) => resolve(message))
})

globalThis.gc()
const heapBefore = process.memoryUsage().heapUsed
const begin = performance.now()
const entryPoint = await import(entry)
const importMs = performance.now() - begin
globalThis.gc()
const heapMb = (process.memoryUsage().heapUsed - heapBefore) / 2 ** 20
process.send({ importMs, heapMb, ...(request && { firstRequestMs: await firstRequest(entryPoint, request) }) }, () =>
  process.disconnect()
)

/** With the making of the verifier. */
async function firstRequest({ createVerifier }, { issuer, authorization, proof }) {
  const from = performance.now()
  const verifier = createVerifier({ issuer, audience: 'notes', baseUrl: 'http://localhost:8000' })
  const headers = { host: 'localhost:8000', authorization, dpop: proof }
  await verifier.verifyRequest({ method: 'GET', target: '/notes', headers })
  return performance.now() - from
}
