/** Several instances of one API, as behind a load balancer: a proof is accepted once in total. @module */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { frameworks } from './frameworks.mjs'
import { openRedis } from './redis.mjs'

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
      const framework = frameworks[index % frameworks.length].id
      const settings = JSON.stringify({ framework, issuer, baseUrl, redisUrl: redis?.url, instances: count })
      const child = fork(fileURLToPath(new URL('instance.mjs', import.meta.url)), [settings])
      closers.push(() => child.kill())
      const gone = once(child, 'exit').then(() => Promise.reject(new Error(`the instance on ${framework} did not start`)))
      const [{ url }] = await Promise.race([once(child, 'message'), gone])
      return url
    })
  )
}

/** Sends one unused proof to all instances concurrently: exactly one must accept it. */
export async function sendToAll(urls, loot, fetch) {
  const headers = { Authorization: `DPoP ${loot.token}`, DPoP: await loot.intercept() }
  const responses = await Promise.all(
    urls.map(async (url) => {
      const response = await fetch(`${url}/notes`, { headers })
      const { code } = await response.json()
      return [response.status, code].filter(Boolean).join(' ')
    })
  )
  const reported = responses.join(', ')
  const accepted = responses.filter((response) => response === '200').length
  const replayed = responses.filter((response) => response === '401 ERR_DPOP_PROOF_REPLAYED').length
  if (accepted !== 1 || replayed !== urls.length - 1) throw new Error(`accepted ${accepted} times: ${reported}`)
  return reported
}
