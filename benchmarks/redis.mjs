/** Replay memory in Redis: what one entry costs through each client, at several concurrencies. Starts a server of its own, if there is one. */

import { randomBytes } from 'node:crypto'
import { redisReplayStore } from 'dpop-guard'
import { hasRedisServer, startRedisServer } from '../test/support/redis-server.mjs'
import { deliver, progress } from './lib/part.mjs'
import { redisClients } from './lib/redis-clients.mjs'
import { median, quantile } from './lib/stats.mjs'

const ROUNDS = 3
/** Commands of one round, by how many are in flight. */
const COUNTS = { 1: 3_000, 16: 20_000, 64: 40_000 }
const WARM_UP = 3_000
/** Nothing expires while bytes are counted. */
const TTL_MS = 3_600_000

deliver(hasRedisServer() ? await measureAll() : undefined)

async function measureAll() {
  const server = await startRedisServer('--maxmemory-policy', 'noeviction')
  try {
    const version = /redis_version:(\S+)/.exec(await server.command('INFO', 'server'))?.[1]
    const rows = []
    for (const [name, connect] of Object.entries(redisClients)) {
      progress(`Redis through ${name}`)
      const client = await connect(server.port)
      try {
        rows.push(...(await measure(name, redisReplayStore({ sendCommand: client.sendCommand, timeoutMs: 10_000 }))))
      } finally {
        await client.close()
      }
    }
    return { version, rounds: ROUNDS, rows, bytesPerEntry: await bytesPerEntry(server) }
  } finally {
    await server.stop()
  }
}

async function measure(name, store) {
  await reserve(store, WARM_UP, 64)
  const rows = []
  for (const [inFlight, count] of Object.entries(COUNTS)) {
    const runs = []
    for (let round = 0; round < ROUNDS; round++) runs.push(await timed(store, count, Number(inFlight)))
    const of = (figure) => median(runs.map((run) => run[figure]))
    rows.push({ name, inFlight: Number(inFlight), perSecond: of('perSecond'), p50: of('p50'), p99: of('p99'), cpu: of('cpu') })
  }
  return rows
}

async function timed(store, count, inFlight) {
  const [cpuBegin, begin] = [process.cpuUsage(), performance.now()]
  const latencies = await reserve(store, count, inFlight)
  const ms = performance.now() - begin
  const { user, system } = process.cpuUsage(cpuBegin)
  return {
    perSecond: (1000 * count) / ms,
    p50: quantile(latencies, 0.5),
    p99: quantile(latencies, 0.99),
    cpu: (user + system) / count
  }
}

/** Reserves new keys, so many at a time; gives how many milliseconds each took. */
async function reserve(store, count, inFlight) {
  const latencies = []
  let left = count
  const lane = async () => {
    while (left-- > 0) {
      const key = randomBytes(17).toString('base64url').slice(0, 22)
      const begin = performance.now()
      if (!(await store.reserve(key, Date.now() + TTL_MS))) throw new Error('A new key was refused')
      latencies.push(performance.now() - begin)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, lane))
  return latencies
}

/** Memory of the server per entry, less that of the empty server. */
async function bytesPerEntry(server) {
  const held = async () => Number(/used_memory:(\d+)/.exec(await server.command('INFO', 'memory'))?.[1])
  const [entries, full] = [await server.command('DBSIZE'), await held()]
  await server.command('FLUSHALL')
  return (full - (await held())) / entries
}
