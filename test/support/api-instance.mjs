/**
 * One instance of an API in a process of its own, on the built package: Fastify with `dpop()`. The first message configures it. It sends
 * a message when it listens; then it reports its errors and its memory on request.
 */

import { once } from 'node:events'
import { redisReplayStore } from 'dpop-guard'
import { dpop } from 'dpop-guard/fastify'
import createFastify from 'fastify'
import { Redis } from 'ioredis'

const unhandled = []
process.on('unhandledRejection', (reason) => unhandled.push(String(reason)))
process.on('uncaughtException', (error) => unhandled.push(String(error)))
process.once('disconnect', () => process.exit())

const [{ issuer, baseUrls, redisUrl, timeoutMs = 200, clockOffsetMs = 0, nonceSecret }] = await once(process, 'message')

const redis = new Redis(redisUrl, {
  enableAutoPipelining: true,
  enableOfflineQueue: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  retryStrategy: () => 50
})
redis.on('error', () => {})
if (redis.status !== 'ready') await once(redis, 'ready')

const isNonceRoute = ({ url }) => url.startsWith('/nonce/')
const app = createFastify()
await app.register(dpop, {
  issuer,
  audience: 'api',
  baseUrl: baseUrls,
  instances: 4,
  replay: redisReplayStore({ sendCommand: (name, ...args) => redis.call(name, ...args), timeoutMs }),
  clock: () => Date.now() + clockOffsetMs,
  ...(nonceSecret && {
    proof: { maxAgeSeconds: 20 },
    nonce: { secrets: [nonceSecret], maxAgeSeconds: 10, required: isNonceRoute }
  })
})
app.get('/health', { config: { dpop: false } }, () => 'ok')
app.get('/*', () => 'ok')
const url = await app.listen({ port: 0, host: '127.0.0.1' })

process.on('message', () => {
  globalThis.gc?.()
  process.send({ unhandled, rssMb: Math.round(process.memoryUsage.rss() / 2 ** 20) })
})
process.send({ url })
