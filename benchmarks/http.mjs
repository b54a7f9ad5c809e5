/** Over HTTP: what a request costs the server, bare, with the bare signature, with us, and with others; and how long its client waits. */

import { newClients, newRequests } from './lib/fixtures.mjs'
import { startIssuer } from './lib/issuer-server.mjs'
import { bursts, closedLoop, openConnections, openLoop, toWire } from './lib/load.mjs'
import { deliver, progress } from './lib/part.mjs'
import { cheapestEcdsaForm } from './lib/raw.mjs'
import { startServer } from './lib/server-process.mjs'
import { median, summary } from './lib/stats.mjs'

const CLIENTS = 100
const CONNECTIONS = 32
const WARM_UP = 4000
const CLOSED = { rounds: 10, requests: 1500 }
const BURST = { size: 64, bursts: 60, pauseMs: 10 }
const WORK_MICROSECONDS = 20
const OPEN = { rates: [4000, 8000, 11_000], seconds: 3, connections: 256, shareOfRaw: 0.85 }

const issuer = await startIssuer()
const clients = await newClients(issuer, 'ES256', CLIENTS)
const ecdsaForm = cheapestEcdsaForm(newRequests(clients, 500))
const { issuer: issuerUrl, jwks, jwksUri } = issuer
const common = { ecdsaForm, issuer: { issuer: issuerUrl, jwks, jwksUri } }

const bare = { name: 'bare', guard: 'none' }
const raw = { name: 'raw verify', guard: 'raw' }
const ours = { name: 'dpop-guard', guard: 'dpop-guard' }
const oursInline = {
  name: "dpop-guard, signatureThreads 'inline'",
  guard: 'dpop-guard',
  verifierOptions: { signatureThreads: 'inline' }
}
const jose = { name: 'jose with the same caches', guard: 'jose' }
const expressPeer = { name: 'express-oauth2-jwt-bearer', guard: 'peer' }

const closed = []
for (const [framework, title, guards] of [
  ['node-http', 'node:http', [bare, raw, ours, oursInline, jose]],
  ['fastify', 'Fastify 5', [bare, raw, ours, oursInline]],
  ['koa', 'Koa 3', [bare, raw, ours, oursInline]],
  ['express', 'Express 5', [bare, raw, ours, expressPeer]],
  ['nest-express', 'NestJS 12 on Express', [bare, raw, ours]],
  ['nest-fastify', 'NestJS 12 on Fastify', [bare, raw, ours]]
]) {
  progress(`HTTP: ${title}, ${CONNECTIONS} connections`)
  closed.push({ framework, title, rows: await compare(framework, guards) })
}
progress('HTTP: bursts')
const burst = await burstsOf([raw, ours, oursInline, jose])
progress('HTTP: constant arrival rate')
const open = await openLoops([raw, ours, oursInline, jose])
issuer.close()
deliver({ clients: CLIENTS, connections: CONNECTIONS, ecdsaForm, plan: { CLOSED, BURST, OPEN }, closed, burst, open })

/** All guards of one framework are up at once, and get rounds of load in turn. */
async function compare(framework, guards) {
  const servers = await startAll(guards, { framework }, CONNECTIONS)
  const pool = wires(CLOSED.rounds * CLOSED.requests)
  const runs = new Map(guards.map(({ name }) => [name, []]))
  for (let round = 0; round < CLOSED.rounds; round++) {
    const texts = pool.slice(round * CLOSED.requests, (round + 1) * CLOSED.requests)
    for (let place = 0; place < servers.length; place++) {
      const { name, server, connections } = servers[(place + round) % servers.length]
      const run = await observe(server, () => closedLoop(connections, texts))
      if (run.accepted < run.offered) throw new Error(`${framework} with ${name} refused good requests`)
      runs.get(name).push(run)
    }
  }
  await stopAll(servers)
  const rawCpu = runs.get('raw verify').map(({ cpu }) => cpu)
  return guards.map(({ name }) => {
    const of = (figure) => median(runs.get(name).map((run) => run[figure]))
    return {
      name,
      cpu: summary(runs.get(name).map(({ cpu }) => cpu)),
      ratio: summary(runs.get(name).map(({ cpu }, round) => cpu / rawCpu[round])),
      requestsPerSecond: of('requestsPerSecond'),
      p50: of('p50'),
      p99: of('p99'),
      delayP99: of('delayP99'),
      delayMax: of('delayMax')
    }
  })
}

async function burstsOf(guards) {
  const servers = await startAll(guards, { framework: 'node-http' }, BURST.size)
  const texts = wires(BURST.size * BURST.bursts)
  const rows = []
  for (const { name, server, connections } of servers) {
    rows.push({ name, ...(await observe(server, () => bursts(connections, texts, BURST))) })
  }
  await stopAll(servers)
  return { ...BURST, rows }
}

/** One process with some work of its own: at fixed rates, and at a share of what it can do with the bare signature alone. */
async function openLoops(guards) {
  const settings = { framework: 'node-http', workMicroseconds: WORK_MICROSECONDS }
  const [limit] = await startAll([raw], settings, CONNECTIONS)
  const sustained = (await closedLoop(limit.connections, wires(15_000))).requestsPerSecond
  await stopAll([limit])
  const share = Math.floor(sustained * OPEN.shareOfRaw)
  const rates = [...OPEN.rates, share].sort((a, b) => a - b)
  const results = []
  for (const rate of rates) {
    progress(`HTTP: ${rate} requests a second`)
    const servers = await startAll(guards, settings, OPEN.connections)
    const texts = wires(rate * OPEN.seconds)
    const rows = []
    for (const { name, server, connections } of servers) {
      const run = await observe(server, () => openLoop(connections, texts, { rate }))
      rows.push({ name, ...run, dropped: run.offered - run.accepted })
    }
    await stopAll(servers)
    results.push({ rate, isShareOfRaw: rate === share, rows })
  }
  return { ...OPEN, workMicroseconds: WORK_MICROSECONDS, sustainedByRaw: sustained, results }
}

async function startAll(guards, settings, connectionCount) {
  const warming = wires(WARM_UP)
  return await Promise.all(
    guards.map(async (guard) => {
      const server = await startServer({ ...common, ...settings, ...guard })
      const connections = await openConnections(server.port, connectionCount)
      const { accepted } = await closedLoop(connections.slice(0, CONNECTIONS), warming)
      if (accepted < WARM_UP) throw new Error(`${settings.framework} with ${guard.name} refused good requests`)
      return { name: guard.name, server, connections }
    })
  )
}

async function stopAll(servers) {
  for (const { server, connections } of servers) {
    for (const connection of connections) connection.close()
    await server.stop()
  }
}

/** Unused requests. Each server has its own replay store, so all of them may get the same. */
function wires(count) {
  return newRequests(clients, count).map(toWire)
}

/** The load with the measurements of the server; CPU per completed request. */
async function observe(server, load) {
  await server.begin()
  const run = await load()
  const { cpu, delayP99, delayMax } = await server.end()
  return { ...run, cpu: cpu / run.accepted, delayP99, delayMax }
}
