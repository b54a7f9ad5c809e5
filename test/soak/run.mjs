/**
 * `npm run test:soak -- --minutes 10`: the endurance of each framework. Thousands of clients send valid requests, replays and invalid
 * requests, abort, read slowly and open connections; the issuer and clients rotate their keys meanwhile. Prints memory, handles, file
 * descriptors and p99 of the server once a minute (ten times in a shorter run). Exit code 1 if they do not level off, if a response is
 * not the required one, or if the server has an unhandled rejection. `--framework express` runs one of them, `--store redis` uses a Redis
 * of its own, `--rate` sets the requests per second, `--clients` the number of clients.
 */

import { fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createTestClient } from 'dpop-guard/testing'
import { quantile } from '../../benchmarks/lib/stats.mjs'
import { progress } from '../support/progress.mjs'
import { hasRedisServer, startRedisServer } from '../support/redis-server.mjs'
import { startIssuer } from '../support/rotating-issuer.mjs'
import { frameworks } from './frameworks.mjs'
import { createHttpClient } from './http-client.mjs'
import { findGrowth } from './levels.mjs'
import { createClients, createTraffic } from './traffic.mjs'

const API_URL = 'http://api.localhost'
/** More than the caches of a verifier hold, so that they are full from the start. */
const CLIENTS = '12000'
/** All connections of the HTTP client are opened. */
const VISITING_LANES = 64
const MAX_IN_FLIGHT = 256
/** Longer than the cooldown for unknown keys. */
const ISSUER_ROTATION_MS = 45_000
const ROTATED_CLIENTS_PER_SECOND = 10
const PROOF_MAX_AGE_SECONDS = 30
const TICK_MS = 10

const options = parseArgs({
  options: {
    minutes: { type: 'string', default: '10' },
    framework: { type: 'string', multiple: true, default: Object.keys(frameworks) },
    store: { type: 'string', default: 'memory' },
    rate: { type: 'string', default: '300' },
    clients: { type: 'string', default: CLIENTS }
  }
}).values
const minutes = inRange('minutes', 0.1, 10_000)
const rate = inRange('rate', 1, 100_000)
const clientCount = inRange('clients', 1, 1_000_000)
for (const name of options.framework)
  if (!(name in frameworks)) throw new TypeError(`"--framework" must be one of ${Object.keys(frameworks).join(', ')}`)
if (!['memory', 'redis'].includes(options.store)) throw new TypeError('"--store" must be memory or redis')
if (options.store === 'redis' && !hasRedisServer())
  throw new Error('There is no redis-server on the path, and none could be installed')

process.exitCode = 0
for (const framework of options.framework) {
  const problems = await soak(framework)
  progress.print(
    problems.length === 0 ? '✓ level, and every response was the required one' : problems.map((one) => `✗ ${one}`).join('\n')
  )
  if (problems.length > 0) process.exitCode = 1
}

function inRange(name, min, max) {
  const value = Number(options[name])
  if (!(value >= min && value <= max)) throw new TypeError(`"--${name}" must be from ${min} to ${max}`)
  return value
}

/** Runs one framework; resolves to what is not as required. */
async function soak(framework) {
  progress.print(
    `\n${framework}, ${minutes} minutes, ${rate} requests per second, ${clientCount} clients, ${options.store} store`
  )
  const issuer = await startIssuer()
  const redis = options.store === 'redis' ? await startRedisServer() : undefined
  const server = await startServer(framework, issuer.url, redis?.url)
  const http = createHttpClient(server.port, new URL(API_URL).host)
  try {
    return await observe(framework, { issuer, server, http })
  } finally {
    http.close()
    server.close()
    issuer.close()
    await redis?.stop()
  }
}

async function observe(framework, { issuer, server, http }) {
  const wrong = new Map()
  const kinds = new Map()
  const latenciesMs = []
  const count = (kind, problem, latencyMs) => {
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1)
    if (problem !== undefined) wrong.set(problem, (wrong.get(problem) ?? 0) + 1)
    if (kind === 'valid') latenciesMs.push(latencyMs)
  }
  const show = (text) => progress.show(`${framework}: ${text}`)
  const clients = await createClients(clientCount, (made) => show(`${made} of ${clientCount} keys created`))
  const attacker = await createTestClient()
  const traffic = createTraffic({ http, issuer, clients, attacker, apiUrl: API_URL, largeBytes: server.largeBytes, count })
  await traffic.visitAll(VISITING_LANES, (done) => show(`first requests of ${done} of ${clientCount} clients`))

  const totalMs = minutes * 60_000
  const intervalMs = Math.min(60_000, totalMs / 10)
  const samples = []
  const unhandled = []
  const startMs = performance.now()
  const elapsedMs = () => performance.now() - startMs
  const remainingMs = () => totalMs - elapsedMs()
  const totalRequests = () => sum(kinds)
  const firstRequests = totalRequests()

  async function sampleRegularly() {
    progress.print(row(['minute', 'requests', 'RSS MB', 'heap MB', 'external MB', 'handles', 'descriptors', 'p99 ms', 'wrong']))
    for (let i = 1; i * intervalMs <= totalMs; i++) {
      await after(Math.max(0, i * intervalMs - elapsedMs()))
      const { unhandled: errors, ...memory } = await server.inspect()
      unhandled.splice(0, Infinity, ...errors)
      const sample = { ...memory, p99Ms: quantile(latenciesMs.splice(0), 0.99) }
      samples.push(sample)
      const { rssMb, heapMb, externalMb, handles, fileDescriptors, p99Ms } = sample
      const figures = [rssMb, heapMb, externalMb].map((mb) => mb.toFixed(1))
      const minute = (elapsedMs() / 60_000).toFixed(1)
      progress.print(row([minute, totalRequests(), ...figures, handles, fileDescriptors, p99Ms.toFixed(1), sum(wrong)]))
    }
  }

  await Promise.all([
    sampleRegularly(),
    sendRegularly(traffic, remainingMs),
    everyMs(ISSUER_ROTATION_MS, remainingMs, () => issuer.rotate()),
    everyMs(1_000, remainingMs, async () => {
      show(`${(elapsedMs() / 60_000).toFixed(1)} of ${minutes} min, ${totalRequests()} requests, ${sum(wrong)} wrong responses`)
      await traffic.rotateClients(ROTATED_CLIENTS_PER_SECOND)
    })
  ])
  progress.print([...kinds].map(([kind, number]) => `${kind} ${number}`).join(', '))
  const required = (totalMs / 1000) * rate
  const sent = totalRequests() - firstRequests
  return [
    ...findGrowth(samples),
    ...[...wrong].map(([problem, times]) => `${problem} (${times} times)`),
    ...unhandled.map((error) => `unhandled: ${error}`),
    ...(sent < required / 2
      ? [`Only ${sent} of ${Math.round(required)} requests were sent: the server or machine is too slow`]
      : [])
  ]
}

/** Requests arrive at a constant rate, whether or not earlier ones have completed; above a number in flight they wait. */
async function sendRegularly(traffic, remainingMs) {
  const inFlight = new Set()
  const startMs = performance.now()
  let sent = 0
  while (remainingMs() > 0) {
    const due = Math.floor(((performance.now() - startMs) / 1000) * rate)
    for (; sent < due && inFlight.size < MAX_IN_FLIGHT; sent++) {
      const request = traffic.sendAny()
      inFlight.add(request)
      request.finally(() => inFlight.delete(request))
    }
    await after(TICK_MS)
  }
  await Promise.all(inFlight)
}

async function everyMs(intervalMs, remainingMs, work) {
  while (remainingMs() > intervalMs) {
    await after(intervalMs)
    await work()
  }
}

async function startServer(framework, issuerUrl, redisUrl) {
  const child = fork(new URL('./server.mjs', import.meta.url), { execArgv: ['--expose-gc'], serialization: 'advanced' })
  const close = () => void child.kill('SIGKILL')
  process.once('exit', close)
  const ended = once(child, 'exit').then(([code, signal]) => {
    process.off('exit', close)
    throw new Error(`The server ended with ${code ?? signal}`)
  })
  ended.catch(() => {})
  const next = async () => (await Promise.race([once(child, 'message'), ended]))[0]
  child.send({
    framework,
    issuer: {
      issuer: issuerUrl,
      // All clients send an unknown token at the start, and half of the limit is reserved for known ones.
      introspection: { clientId: 'api', clientSecret: 'secret', maxCacheSeconds: 2, maxConcurrentRequests: 4 * VISITING_LANES }
    },
    baseUrl: API_URL,
    redisUrl,
    nonceSecret: 'a secret of the endurance test, of 32 bytes or more',
    maxAgeSeconds: PROOF_MAX_AGE_SECONDS
  })
  const { port, largeBytes } = await next()
  return {
    port,
    largeBytes,
    inspect() {
      child.send('inspect')
      return next()
    },
    close
  }
}

function row(cells) {
  return cells.map((cell) => String(cell).padStart(11)).join(' ')
}

function sum(map) {
  return [...map.values()].reduce((total, number) => total + number, 0)
}
