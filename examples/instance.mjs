/**
 * One instance of the notes API, a process of its own: `fork('instance.mjs', [JSON.stringify({ framework, issuer, baseUrl, redisUrl,
 * instances })])`. Where the instances listen is nobody's business but the load balancer's: `baseUrl` is what clients see. @module
 */

import { redisReplayStore } from 'dpop-guard'
import { createClient } from 'redis'
import { openPort } from './serve.mjs'

const { framework, issuer, baseUrl, redisUrl, instances } = JSON.parse(process.argv[2])
process.once('disconnect', () => process.exit())

const { createNotesApi } = await import(`./apis/${framework}.mjs`)
const replay = redisUrl && (await connectToRedis(redisUrl))
const { handler } = await createNotesApi({ issuer, baseUrl, instances, ...(replay && { replay }) })
const { url, answerWith } = await openPort()
answerWith(handler)
process.send?.({ url })

/** To fail at once is better than to wait: the verifier answers 503, and the client asks again. */
async function connectToRedis(url) {
  const client = createClient({ url, disableOfflineQueue: true })
  // Connects anew by itself.
  client.on('error', () => {})
  await client.connect()
  return redisReplayStore({ sendCommand: (...args) => client.sendCommand(args), prefix: 'notes:dpop:' })
}
