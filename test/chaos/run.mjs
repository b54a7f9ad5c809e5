/**
 * `npm run test:chaos`, `-- --seconds 30` for a shorter run: four instances of an API on one Redis, with valid and invalid requests, and
 * everything around them breaks. Redis is frozen, killed and restarted; the issuer responds with 500, hangs, and rotates its keys meanwhile;
 * the clocks of the instances differ by up to five seconds. No proof may be accepted twice, no invalid request accepted,
 * and no valid request rejected. Exit code 0 if so, 1 otherwise.
 */

import { setTimeout as after } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { createTestClient } from 'dpop-guard/testing'
import { API_URL, startInstance } from '../support/api-processes.mjs'
import { progress } from '../support/progress.mjs'
import { hasRedisServer, startRedisServer } from '../support/redis-server.mjs'
import { startIssuer } from '../support/rotating-issuer.mjs'
import { createTally } from './tally.mjs'

const { values } = parseArgs({ options: { seconds: { type: 'string', default: '120' } } })
const seconds = Number(values.seconds)
if (!(seconds >= 10 && seconds <= 3600)) throw new TypeError('"--seconds" must be from 10 to 3600')

const CLOCK_OFFSETS_MS = [0, 1700, 3400, 5000]
const WORKERS = 12
/** Proofs are valid for twenty seconds on clocks that differ by up to five: copies arrive until just before the entry expires. */
const LATEST_COPY_MS = 22_000

const unhandled = []
process.on('unhandledRejection', (reason) => unhandled.push(`${reason?.stack ?? reason}`))

if (!hasRedisServer()) {
  console.error('There is no redis-server on the path, and none could be installed')
  process.exit(1)
}

const redis = await startRedisServer('--appendonly', 'yes', '--appendfsync', 'always')
const issuer = await startIssuer()
/** Responses are cached briefly, so that outages of the issuer have an effect. */
const issuerOptions = { issuer: issuer.url, introspection: { clientId: 'api', clientSecret: 'secret', maxCacheSeconds: 2 } }
const nonceSecret = 'a secret that the instances share, of 32 bytes or more'
const instances = await Promise.all(
  CLOCK_OFFSETS_MS.map((clockOffsetMs) =>
    startInstance({ issuer: issuerOptions, redisUrl: redis.url, timeoutMs: 500, clockOffsetMs, nonceSecret })
  )
)
const clients = await Promise.all(Array.from({ length: 20 }, () => createTestClient()))
const attacker = await createTestClient()
const tally = createTally()
const startedMs = performance.now()
const at = (share) => share * seconds * 1000
const isOver = () => performance.now() - startedMs >= at(1)
/** The last tenth is without faults, and requests must be accepted. */
const isCalm = () => performance.now() - startedMs >= at(0.9)
const waitUntil = (share) => after(Math.max(0, startedMs + at(share) - performance.now()))

const anyOf = (list) => list[Math.floor(Math.random() * list.length)]
const another = (instance) => anyOf(instances.filter((one) => one !== instance))
const isAccepted = ({ status }) => status === 200
const asksForNonce = (code) => code === 'ERR_DPOP_NONCE_REQUIRED' || code === 'ERR_DPOP_NONCE_INVALID'
const copies = new Set()
let nonce

/** Sends to one instance. A broken connection is an error of the test. */
async function send(instance, path, headers) {
  const response = await instance.get(path, headers).catch((error) => ({ status: 0, code: String(error), nonce: undefined }))
  if (response.nonce !== undefined) nonce = response.nonce
  tally.count(response)
  return response
}

/** A valid request, and copies of it to other instances, concurrently and late in the lifetime of the proof. */
async function good() {
  const [client, instance] = [anyOf(clients), anyOf(instances)]
  const token = Math.random() < 0.3 ? issuer.opaqueTokenFor(client.jkt) : await issuer.tokenFor(client.jkt)
  const path = Math.random() < 0.5 ? '/notes' : '/nonce/notes'
  const prove = () => client.headers({ url: API_URL + path, token, ...(path !== '/notes' && nonce && { nonce }) })
  const isRace = Math.random() < 0.25

  let headers = await prove()
  const receivers = isRace ? [instance, another(instance)] : [instance]
  const first = await Promise.all(receivers.map((one) => send(one, path, headers)))
  // use_dpop_nonce is not a rejection, unless the proof has the nonce that was just issued.
  let responses = first.filter(({ code }) => !asksForNonce(code))
  const askedBy = receivers.find((_, i) => asksForNonce(first[i].code))
  if (askedBy && !responses.some(isAccepted)) {
    nonce = first[receivers.indexOf(askedBy)].nonce
    headers = await prove()
    responses = [await send(askedBy, path, headers)]
  }
  tally.judgeGood(responses, isCalm())
  if (!responses.some(isAccepted)) return
  tally.judgeCopy(await send(another(instance), path, headers))
  if (Math.random() < 0.1) sendLater(path, headers)
}

function sendLater(path, headers) {
  const copy = after(Math.random() * LATEST_COPY_MS).then(async () =>
    tally.judgeCopy(await send(anyOf(instances), path, headers))
  )
  copies.add(copy)
  copy.finally(() => copies.delete(copy))
}

/** Requests of an attacker, and mistakes of a client. */
const bad = {
  'a stolen token': (token) => attacker.headers({ url: `${API_URL}/notes`, token }),
  'a stolen opaque token': (_token, client) =>
    attacker.headers({ url: `${API_URL}/notes`, token: issuer.opaqueTokenFor(client.jkt) }),
  'an unknown opaque token': (_token, client) => client.headers({ url: `${API_URL}/notes`, token: crypto.randomUUID() }),
  'another htu': (token, client) => client.headers({ url: `${API_URL}/other`, token }),
  'another htm': (token, client) => client.headers({ url: `${API_URL}/notes`, token, method: 'POST' }),
  'another ath': (token, client) => client.headers({ url: `${API_URL}/notes`, token, claims: { ath: 'x' } }),
  'a proof of last minute': (token, client) =>
    client.headers({ url: `${API_URL}/notes`, token, claims: { iat: Math.floor(Date.now() / 1000) - 60 } }),
  'no proof': async (token) => ({ Authorization: `DPoP ${token}` }),
  Bearer: async (token) => ({ Authorization: `Bearer ${token}` }),
  'a forged token': async (_token, client) =>
    client.headers({ url: `${API_URL}/notes`, token: await issuer.forgedTokenFor(client.jkt) }),
  'an expired token': async (_token, client) =>
    client.headers({ url: `${API_URL}/notes`, token: await issuer.expiredTokenFor(client.jkt) })
}

async function sendBad() {
  const client = anyOf(clients)
  const headers = await anyOf(Object.values(bad))(await issuer.tokenFor(client.jkt), client)
  tally.judgeBad(await send(anyOf(instances), '/notes', headers))
}

async function work() {
  while (!isOver()) await (Math.random() < 0.75 ? good() : sendBad())
}

async function showProgress() {
  for (; !isOver(); await after(1000)) {
    const elapsedSeconds = Math.round((performance.now() - startedMs) / 1000)
    progress.show(`chaos: ${elapsedSeconds} of ${seconds} s, ${tally.requests()} requests`)
  }
}

/** The faults by time. Key rotations are further apart than the 30 seconds cooldown for unknown keys. */
async function breakThings() {
  await waitUntil(0.08)
  redis.freeze()
  await waitUntil(0.12)
  redis.thaw()

  await waitUntil(0.18)
  issuer.mode = 'fail'
  await issuer.rotate()
  await waitUntil(0.24)
  issuer.mode = 'work'

  await waitUntil(0.32)
  await redis.kill()
  await waitUntil(0.37)
  await redis.restart()

  await waitUntil(0.45)
  redis.freeze()
  await waitUntil(0.48)
  redis.thaw()

  await waitUntil(0.6)
  issuer.mode = 'hang'
  if (at(0.6 - 0.24) > 35_000) await issuer.rotate()
  await waitUntil(0.68)
  issuer.mode = 'work'

  await waitUntil(0.74)
  await redis.restart()
  await waitUntil(0.8)
  redis.freeze()
  await waitUntil(0.82)
  redis.thaw()
}

let failed = false
try {
  const working = Array.from({ length: WORKERS }, work)
  const breaking = breakThings()
  await waitUntil(0.05)
  const rssAtStart = await rssOf()
  await Promise.all([breaking, showProgress(), ...working])
  await Promise.all(copies)
  const inspected = await Promise.all(instances.map(({ inspect }) => inspect()))
  const rssAtEnd = inspected.map(({ rssMb }) => rssMb)
  unhandled.push(...inspected.flatMap((one) => one.unhandled))
  failed = tally.report({ seconds, rssAtStart, rssAtEnd, unhandled })
} finally {
  for (const { close } of instances) close()
  issuer.close()
  await redis.stop()
}
process.exitCode = failed ? 1 : 0

async function rssOf() {
  return await Promise.all(instances.map(async ({ inspect }) => (await inspect()).rssMb))
}
