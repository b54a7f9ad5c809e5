/**
 * Suites on a real Redis. If there is none, and none can be installed, they are skipped and one line is printed; under
 * `CI=true` that is a failure. `REDIS_URL` names a server for the suites that only require a running server.
 */

import { describe, it, onTestFinished } from 'vitest'
import { hasRedisServer, type RedisServer, startRedisServer, startSentinel } from './redis-server.mjs'

export { freePort, type RedisServer } from './redis-server.mjs'

const hasServer = hasRedisServer()
const sharedUrl = process.env['REDIS_URL']

/** A suite on servers that it starts, stops and breaks. */
export const describeRedis: (title: string, suite: () => void) => void = suiteThatNeeds(hasServer)
/** A suite that requires one running server: that of `REDIS_URL`, otherwise a new one. */
export const describeSharedRedis: typeof describeRedis = suiteThatNeeds(hasServer || sharedUrl !== undefined)

function suiteThatNeeds(isThere: boolean): typeof describeRedis {
  return (title, suite) => {
    if (isThere) describe(title, suite)
    else if (process.env['CI'] === 'true') it(title, throwMissing)
    else {
      console.warn(`Skipped, because there is no redis-server: ${title}`)
      describe.skip(title, suite)
    }
  }
}

function throwMissing(): never {
  throw new Error('There is no redis-server on the path, and none could be installed')
}

/** The URL of a running server. Other suites use it too: keys require a unique prefix. */
export async function sharedRedis(): Promise<string> {
  return sharedUrl ?? (await startRedis()).url
}

/** Starts a server; at the end of the test it is stopped and its folder removed. */
export async function startRedis(...args: string[]): Promise<RedisServer> {
  const server = await startRedisServer(...args)
  onTestFinished(() => server.stop())
  return server
}

/** Starts a Sentinel over a server, which it calls `notes`. */
export async function startRedisSentinel(master: RedisServer): Promise<RedisServer> {
  const sentinel = await startSentinel(master.port)
  onTestFinished(() => sentinel.stop())
  return sentinel
}
