/** The same API several times over, as behind a load balancer: a proof is good once among all instances. @module */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { openRedis } from './redis.mjs'

const frameworks = ['express', 'fastify', 'koa', 'nestjs']

/**
 * Starts the instances, each on the next framework; without Redis each has a memory of its own.
 *
 * @param {{ issuer: string, baseUrl: string, count: number, hasRedis: boolean }} settings
 * @param {(() => unknown)[]} closers
 */
export async function startInstances({ issuer, baseUrl, count, hasRedis }, closers) {
  const redis = hasRedis ? await openRedis() : undefined
  if (redis !== undefined) closers.push(redis.close)
  return await Promise.all(
    Array.from({ length: count }, async (_, index) => {
      const framework = frameworks[index % frameworks.length]
      const settings = JSON.stringify({ framework, issuer, baseUrl, redisUrl: redis?.url, instances: count })
      const child = fork(fileURLToPath(new URL('instance.mjs', import.meta.url)), [settings])
      closers.push(() => child.kill())
      const gone = once(child, 'exit').then(() => Promise.reject(new Error(`the instance on ${framework} did not start`)))
      const [{ url }] = await Promise.race([once(child, 'message'), gone])
      return url
    })
  )
}

/** Sends one proof, which the client made and nobody has used, to all instances at once: one must accept it. */
export async function sendToAll(urls, loot, fetch) {
  const headers = { Authorization: `DPoP ${loot.token}`, DPoP: await loot.intercept() }
  const answers = await Promise.all(
    urls.map(async (url) => {
      const answer = await fetch(`${url}/notes`, { headers })
      const { code } = await answer.json()
      return [answer.status, code].filter(Boolean).join(' ')
    })
  )
  const told = answers.join(', ')
  const accepted = answers.filter((answer) => answer === '200').length
  const replayed = answers.filter((answer) => answer === '401 ERR_DPOP_PROOF_REPLAYED').length
  if (accepted !== 1 || replayed !== urls.length - 1) throw new Error(`accepted ${accepted} times: ${told}`)
  return told
}
