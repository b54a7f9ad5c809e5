/**
 * One instance of the notes API, a process of its own: `fork('instance.mjs', [JSON.stringify({ framework, issuer, baseUrl, redisUrl,
 * instances })])`. Only the load balancer knows where the instances listen: `baseUrl` is the public URL. @module
 */

import { redisReplayStore } from 'dpop-guard'
import { createClient } from 'redis'
import { openPort } from './serve.mjs'

const { framework, issuer, baseUrl, redisUrl, instances } = JSON.parse(process.argv[2])
process.once('disconnect', () => process.exit())

const { createNotesApi } = await import(`./apis/${framework}.mjs`)
const replay = redisUrl && (await connectToRedis(redisUrl))
const { handler } = await createNotesApi({ issuer, baseUrl, instances, ...(replay && { replay }) })
const { url, setHandler } = await openPort()
setHandler(handler)
process.send?.({ url })

/** Failing at once is better than waiting: the response is 503, and the client retries. */
async function connectToRedis(url) {
  const client = createClient({ url, disableOfflineQueue: true })
  // Reconnects automatically.
  client.on('error', () => {})
  await client.connect()
  return redisReplayStore({ sendCommand: (...args) => client.sendCommand(args), prefix: 'notes:dpop:' })
}
