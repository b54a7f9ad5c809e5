/**
 * One process, with requests that arrive at a constant rate: how long they wait for their verification and for
 * the work that comes behind it. Nothing is sent over a socket, so that the process has the second core to itself.
 */

import { memoryReplayStore } from 'dpop-guard'
import { newClients, newIssuer, newRequests } from './lib/fixtures.mjs'
import { deliver, progress } from './lib/part.mjs'
import { cheapestEcdsaForm, importedKey, rawArguments, verifyRaw } from './lib/raw.mjs'
import { Tally } from './lib/tally.mjs'
import { workFor } from './lib/work.mjs'
import * as dpopGuard from './parties/dpop-guard.mjs'
import * as jose from './parties/jose-with-caches.mjs'

const CLIENTS = 100
const WARM_UP = 3000
const WORK_MICROSECONDS = 20
const OPEN = { rates: [4000, 8000, 11_000], seconds: 3, shareOfRaw: 0.85 }
/** Who has fallen behind by this much is not waited for any longer. */
const GRACE_MS = 10_000

const issuer = await newIssuer()
const clients = await newClients(issuer, 'ES256', CLIENTS)
const ecdsaForm = cheapestEcdsaForm(newRequests(clients, 500))

const contenders = [
  {
    name: 'raw verify',
    prepare: ({ proof, client }) => rawArguments(proof, 'ES256', importedKey(client), ecdsaForm),
    verify: async (prepared) => verifyRaw(prepared)
  },
  { name: 'dpop-guard', ...dpopGuard.create(issuer) },
  { name: "dpop-guard, signatureThreads 'inline'", ...dpopGuard.create(issuer, { signatureThreads: 'inline' }) },
  { name: 'jose with the same caches', ...(await jose.create(issuer, { replay: memoryReplayStore() })) }
]
for (const { prepare, verify } of contenders) for (const request of newRequests(clients, WARM_UP)) await verify(prepare(request))

progress('open loop: what raw sustains')
const sustained = await sustainedBy(contenders[0])
const share = Math.floor(sustained * OPEN.shareOfRaw)
const results = []
for (const rate of [...OPEN.rates, share].sort((a, b) => a - b)) {
  progress(`open loop: ${rate} requests a second`)
  const rows = []
  for (const contender of contenders) rows.push({ name: contender.name, ...(await offer(contender, rate)) })
  results.push({ rate, isShareOfRaw: rate === share, rows })
}
deliver({ ...OPEN, clients: CLIENTS, workMicroseconds: WORK_MICROSECONDS, sustainedByRaw: sustained, results })

/** Requests a second, one after the other. */
async function sustainedBy({ prepare, verify }) {
  const prepared = newRequests(clients, 10_000).map(prepare)
  const tally = new Tally()
  for (const request of prepared) {
    await new Promise(setImmediate)
    await verify(request)
    workFor(WORK_MICROSECONDS)
    tally.add(200, 0)
  }
  return tally.result(prepared.length).requestsPerSecond
}

/** Latency counts from the instant at which a request was due. */
async function offer({ prepare, verify }, rate) {
  const prepared = newRequests(clients, rate * OPEN.seconds).map(prepare)
  globalThis.gc?.()
  const tally = new Tally()
  const begin = performance.now()
  const dueAt = (i) => begin + (i * 1000) / rate
  const serve = async (i) => {
    await verify(prepared[i])
    workFor(WORK_MICROSECONDS)
    tally.add(200, performance.now() - dueAt(i))
  }
  let next = 0
  while (tally.count < prepared.length && performance.now() < dueAt(prepared.length) + GRACE_MS) {
    const now = performance.now()
    // A callback of its own for each, as every socket has.
    for (; next < prepared.length && dueAt(next) <= now; next++) setImmediate(serve, next)
    await new Promise(setImmediate)
  }
  const run = tally.result(prepared.length)
  return { ...run, dropped: run.offered - run.accepted }
}
