/**
 * Scaling out: one process and several workers of `node:cluster`, each without the guard and with the guard and one Redis.
 * `--workers 8` for another number than that of the cores, `--loaders 2` for more processes that send the load, `--client ioredis` for one
 * client of Redis. Load, workers and Redis share the cores of this machine, so that the CPU of each part says more than the requests per
 * second.
 */

import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { hasRedisServer, startRedisServer } from '../test/support/redis-server.mjs'
import { newClients, newIssuer, newRequests } from './lib/fixtures.mjs'
import { toWire } from './lib/load.mjs'
import { deliver, progress } from './lib/part.mjs'
import { redisClients } from './lib/redis-clients.mjs'
import { startCluster, startLoader } from './lib/scale-out-processes.mjs'
import { median } from './lib/stats.mjs'

const DEFAULT_CLIENTS = ['ioredis', 'ioredis, enableAutoPipelining', 'node-redis']

const CLIENTS = 100
/** Of all loaders together. */
const CONNECTIONS = 64
const WARM_UP = 4_000
const ROUNDS = 5
const REQUESTS = 6_000
/** A loader sends what about so many workers can take. */
const WORKERS_PER_LOADER = 4

const { values } = parseArgs({
  options: {
    workers: { type: 'string' },
    loaders: { type: 'string' },
    client: { type: 'string', multiple: true, default: DEFAULT_CLIENTS }
  }
})
if (values.client.some((name) => !(name in redisClients)))
  throw new TypeError(`"--client" must be one of: ${Object.keys(redisClients).join('; ')}`)
const workers = positive('workers', availableParallelism())
const loaderCount = positive('loaders', Math.ceil(workers / WORKERS_PER_LOADER))

deliver(hasRedisServer() ? await measureAll() : undefined)

function positive(name, otherwise) {
  const value = Number(values[name] ?? otherwise)
  if (!(Number.isInteger(value) && value > 0)) throw new TypeError(`"--${name}" must be a positive integer`)
  return value
}

async function measureAll() {
  const issuer = await newIssuer()
  const clients = await newClients(issuer, 'ES256', CLIENTS)
  const loaders = await Promise.all(Array.from({ length: loaderCount }, startLoader))
  const rows = []
  try {
    for (const count of new Set([1, workers])) {
      for (const client of [undefined, ...values.client]) {
        progress(`scaling out: ${count} workers, ${client ?? 'no guard'}`)
        rows.push({ workers: count, client, ...(await measure({ issuer, clients, loaders, count, client })) })
      }
    }
  } finally {
    for (const { stop } of loaders) stop()
  }
  const plan = { clients: CLIENTS, connections: CONNECTIONS, rounds: ROUNDS, requests: REQUESTS, loaders: loaderCount }
  return { ...plan, rows }
}

/** Without the name of a Redis client there is no guard. */
async function measure({ issuer: { issuer, jwks }, clients, loaders, count, client }) {
  const redis = await startRedisServer('--maxmemory-policy', 'noeviction')
  const servers = await startCluster({ workers: count, issuer: { issuer, jwks }, redisPort: redis.port, client })
  const perLoader = Math.ceil(CONNECTIONS / loaders.length)
  try {
    await Promise.all(loaders.map((loader) => loader.open(servers.port, perLoader)))
    await send(loaders, wires(clients, WARM_UP))
    const runs = []
    let texts = []
    for (let round = 0; round < ROUNDS; round++) {
      texts = wires(clients, REQUESTS)
      const run = await observe({ loaders, texts, servers, redis })
      if (run.accepted < REQUESTS) throw new Error(`${REQUESTS - run.accepted} valid requests were rejected`)
      if (client !== undefined && run.commandsPerRequest !== 1)
        throw new Error(`${run.commandsPerRequest} commands were sent for each accepted request`)
      runs.push(run)
    }
    const of = (figure) => median(runs.map((run) => run[figure]))
    const figures = [
      'requestsPerSecond',
      'p50',
      'p99',
      'serverCpu',
      'primaryCpu',
      'redisCpu',
      'commandsPerRequest',
      'commandsPerRead'
    ]
    const result = Object.fromEntries(figures.map((figure) => [figure, of(figure)]))
    return { ...result, replays: client === undefined ? undefined : await replayAll({ loaders, texts, servers, redis }) }
  } finally {
    await Promise.all(loaders.map((loader) => loader.close()))
    await servers.stop()
    await redis.stop()
  }
}

/** The last requests again, twice: each worker rejects the proofs that it has seen itself without a command. */
async function replayAll({ loaders, texts, servers, redis }) {
  const results = []
  for (let time = 0; time < 2; time++) {
    const { accepted, serverCpu, requestsPerSecond, commandsPerRequest } = await observe({ loaders, texts, servers, redis })
    if (accepted > 0) throw new Error(`${accepted} replayed proofs were accepted`)
    results.push({ serverCpu, requestsPerSecond, commandsPerRequest })
  }
  return results
}

/** A round of load; CPU in microseconds for each request. */
async function observe({ loaders, texts, servers, redis }) {
  await servers.begin()
  const before = await countersOf(redis)
  const run = await send(loaders, texts)
  const after = await countersOf(redis)
  const { workersCpu, primaryCpu } = await servers.end()
  const since = (name) => after[name] - before[name]
  return {
    ...run,
    serverCpu: workersCpu / texts.length,
    primaryCpu: primaryCpu / texts.length,
    redisCpu: (1e6 * since('cpuSeconds')) / texts.length,
    commandsPerRequest: since('sets') / texts.length,
    commandsPerRead: since('sets') / Math.max(1, since('reads'))
  }
}

async function send(loaders, texts) {
  const share = Math.ceil(texts.length / loaders.length)
  const runs = await Promise.all(loaders.map((loader, i) => loader.run(texts.slice(i * share, (i + 1) * share))))
  const sum = (figure) => runs.reduce((total, run) => total + run[figure], 0)
  return {
    accepted: sum('accepted'),
    requestsPerSecond: sum('requestsPerSecond'),
    p50: median(runs.map(({ p50 }) => p50)),
    p99: Math.max(...runs.map(({ p99 }) => p99))
  }
}

/** Commands of the store, reads from sockets, and CPU of Redis. */
async function countersOf(redis) {
  const info = async (section, pattern) => Number(pattern.exec(await redis.command('INFO', section))?.[1] ?? 0)
  return {
    sets: await info('commandstats', /cmdstat_set:calls=(\d+)/),
    reads: await info('stats', /total_reads_processed:(\d+)/),
    cpuSeconds: (await info('cpu', /used_cpu_user:(\S+)/)) + (await info('cpu', /used_cpu_sys:(\S+)/))
  }
}

function wires(clients, count) {
  return newRequests(clients, count).map(toWire)
}
