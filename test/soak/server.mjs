/**
 * The server of the endurance test, in a process of its own, on the built package. The first message configures it. It sends a message
 * when it listens; every later message is a request for its memory, handles, file descriptors and errors. Run with `--expose-gc`.
 */

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createVerifier, memoryReplayStore, redisReplayStore } from 'dpop-guard'
import { Redis } from 'ioredis'
import { frameworks } from './frameworks.mjs'

const LARGE_BYTES = 8 * 2 ** 20
/** Collections until nothing more is freed: an object with a finalizer needs two. */
const COLLECTIONS = 3
const CACHED_PROOFS = 100_000
const FILLED_AT_ONCE = 1_000

const unhandled = []
process.on('unhandledRejection', (reason) => unhandled.push(`${reason?.stack ?? reason}`))
process.on('uncaughtException', (error) => unhandled.push(`${error.stack}`))
process.once('disconnect', () => process.exit())

const [{ framework, issuer, baseUrl, redisUrl, nonceSecret, maxAgeSeconds }] = await once(process, 'message')
const verifier = createVerifier({
  issuer,
  audience: 'api',
  baseUrl,
  replay: await createStore(),
  proof: { maxAgeSeconds },
  nonce: { secrets: [nonceSecret], maxAgeSeconds, required: ({ url }) => new URL(url, baseUrl).pathname.startsWith('/nonce/') }
})
await verifier.ready()
const server = await frameworks[framework](verifier, Buffer.alloc(LARGE_BYTES, 'a'))

process.on('message', async () => {
  for (let i = 0; i < COLLECTIONS; i++) {
    globalThis.gc()
    await new Promise(setImmediate)
  }
  const { rss, heapUsed, external } = process.memoryUsage()
  process.send({
    unhandled,
    rssMb: rss / 2 ** 20,
    heapMb: heapUsed / 2 ** 20,
    externalMb: external / 2 ** 20,
    handles: process.getActiveResourcesInfo().length,
    fileDescriptors: countFileDescriptors()
  })
})
process.send({ port: server.address().port, largeBytes: LARGE_BYTES })

async function createStore() {
  if (redisUrl === undefined) return memoryReplayStore()
  const redis = new Redis(redisUrl, { enableAutoPipelining: true, enableOfflineQueue: false, maxRetriesPerRequest: 0 })
  await once(redis, 'ready')
  const store = redisReplayStore({ sendCommand: (name, ...args) => redis.call(name, ...args), timeoutMs: 5_000 })
  await fillCache(store)
  return store
}

/** The store caches consumed proofs, and would grow for minutes. */
async function fillCache(store) {
  for (let filled = 0; filled < CACHED_PROOFS; filled += FILLED_AT_ONCE) {
    const keys = Array.from({ length: FILLED_AT_ONCE }, () => randomBytes(33).toString('base64url').slice(0, 22))
    await Promise.all(keys.map((key) => store.reserve(key, Date.now() + 1_000)))
  }
}

/** 0 where the system does not list them. */
function countFileDescriptors() {
  try {
    return readdirSync('/proc/self/fd').length
  } catch {
    return 0
  }
}
