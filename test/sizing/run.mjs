/**
 * `npm run sizing`: the figures of docs/operations.md. The memory of the caches per client, the time of a signature, and the memory and time
 * of one entry of redisReplayStore on a real Redis. Starts servers of its own and stops them. `-- --keys 100000` for less than a million.
 */

import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'
import { redisReplayStore } from 'dpop-guard'
import { Redis } from 'ioredis'
import { progress } from '../support/progress.mjs'
import { hasRedisServer, startRedisServer } from '../support/redis-server.mjs'
import { timeSignatures } from './signatures.mjs'

const { values } = parseArgs({ options: { keys: { type: 'string', default: '1000000' } } })
const KEYS = Number(values.keys)
if (!(KEYS >= 1_000)) throw new TypeError('"--keys" must be 1000 or more')

const IN_FLIGHT = 64
/** No entry expires while bytes are counted. */
const LONG_MS = 3_600_000
const SHORT_MS = 10_000
const ROUNDS = 3
const BURST = 2_000
const KEYS_PER_PROGRESS = 10_000
const TIMED = Math.ceil(KEYS / 5)

if (!hasRedisServer()) {
  console.error('There is no redis-server on the path, and none could be installed')
  process.exit(1)
}

// In a process of its own, so that nothing else is in its memory.
execFileSync(process.execPath, ['--expose-gc', fileURLToPath(new URL('clients.mjs', import.meta.url))], { stdio: 'inherit' })

progress.show('sizing: signatures')
for (const [name, microseconds] of timeSignatures()) tell(`µs to verify one signature, ${name}`, microseconds.toFixed(0))

for (const prefix of ['dpop:', 'notes-api:production:eu-west:dpop:']) {
  await withServer([], prefix, async ({ store, info }) => {
    const before = Number(await info('memory', 'used_memory'))
    let held = 0
    // The tables of Redis double in size: a tenth more keys may take a fifth more memory.
    for (const keys of [KEYS, Math.ceil(KEYS * 1.1)]) {
      await reserve(store, keys - held, IN_FLIGHT, LONG_MS)
      held = keys
      const [used, rss] = [Number(await info('memory', 'used_memory')) - before, Number(await info('memory', 'used_memory_rss'))]
      tell(`bytes a key, ${keys} keys of ${prefix.length + 22}`, (used / keys).toFixed(0), `${(rss / keys).toFixed(0)} of RSS`)
    }
  })
}

await withServer([], 'dpop:', async ({ store, info }) => {
  for (const inFlight of [1, IN_FLIGHT]) await time(`${inFlight} in flight`, store, info, inFlight)
})
for (const fsync of ['everysec', 'always']) {
  await withServer(['--appendonly', 'yes', '--appendfsync', fsync], 'dpop:', async ({ store, info }) => {
    await time(`${IN_FLIGHT} in flight, appendfsync ${fsync}`, store, info, IN_FLIGHT)
    const bytes = Number(await info('persistence', 'aof_current_size'))
    tell('  bytes of log per command', (bytes / TIMED).toFixed(0))
  })
}

for (const effort of ['1', '10']) {
  await withServer(['--active-expire-effort', effort], 'dpop:', async ({ store, info }) => {
    let rate = 0
    for (let round = 0; round < ROUNDS; round++) rate = await reserveFor(store, SHORT_MS)
    const held = Number(/keys=(\d+)/.exec(await info('keyspace', 'db0'))?.[1])
    const remark = `active-expire-effort ${effort}, at ${Math.round(rate)} a second that live ${SHORT_MS / 1000} s`
    tell('keys held for each that is live', ((1000 * held) / (rate * SHORT_MS)).toFixed(2), remark)
  })
}

/** A server with a store on it, for one measurement. */
async function withServer(settings, prefix, measure) {
  const server = await startRedisServer('--maxmemory-policy', 'noeviction', ...settings)
  const client = new Redis(server.port, '127.0.0.1', { enableOfflineQueue: false })
  try {
    await once(client, 'ready')
    const store = redisReplayStore({
      sendCommand: (name, ...args) => client.call(name, ...args),
      prefix,
      timeoutMs: 10_000
    })
    const info = async (section, name) => new RegExp(`^${name}:(.*)$`, 'm').exec(await client.info(section))?.[1].trim() ?? ''
    await measure({ store, info })
  } finally {
    client.disconnect()
    await server.stop()
  }
}

/** Reserves new keys, a given number at a time. */
async function reserve(store, count, inFlight, ttlMs) {
  let left = count
  const latencies = []
  const work = async () => {
    while (left-- > 0) {
      if (left % KEYS_PER_PROGRESS === 0)
        progress.show(`sizing: ${count - left} of ${count} keys reserved, ${inFlight} in flight`)
      const begin = performance.now()
      if (!(await store.reserve(randomBytes(17).toString('base64url').slice(0, 22), Date.now() + ttlMs)))
        throw new Error('A new key was refused')
      if (latencies.length < 100_000) latencies.push(performance.now() - begin)
    }
  }
  await Promise.all(Array.from({ length: inFlight }, work))
  return latencies.sort((a, b) => a - b)
}

/** Reserves keys for the duration of their lifetime; returns the rate per second. */
async function reserveFor(store, ttlMs) {
  const begin = performance.now()
  let count = 0
  for (; performance.now() - begin < ttlMs; count += BURST) await reserve(store, BURST, IN_FLIGHT, ttlMs)
  return (1000 * count) / (performance.now() - begin)
}

async function time(name, store, info, inFlight) {
  const serverCpu = async () => Number(await info('cpu', 'used_cpu_user')) + Number(await info('cpu', 'used_cpu_sys'))
  await reserve(store, 1_000, inFlight, LONG_MS)
  const [cpuBefore, ownBefore, begin] = [await serverCpu(), process.cpuUsage(), performance.now()]
  const latencies = await reserve(store, TIMED, inFlight, LONG_MS)
  const seconds = (performance.now() - begin) / 1000
  const own = process.cpuUsage(ownBefore)
  const cpu = (await serverCpu()) - cpuBefore
  tell(`commands a second, ${name}`, Math.round(TIMED / seconds))
  tell('  CPU of Redis, µs a command', ((cpu / TIMED) * 1e6).toFixed(1))
  tell('  CPU of the client, µs a command', ((own.user + own.system) / TIMED).toFixed(1))
  const at = (share) => latencies[Math.floor(share * (latencies.length - 1))].toFixed(2)
  tell('  ms until the response: median, 99 %', `${at(0.5)}, ${at(0.99)}`)
}

function tell(name, value, remark = '') {
  progress.print(`${name.padEnd(52)} ${String(value).padStart(12)}  ${remark}`.trimEnd())
}
