/**
 * The gate: fails when a warm ES256 verification costs more than LIMIT times the bare signature. A ratio, never a time. A busy
 * neighbor only ever makes it worse, so that a figure above the limit is measured again, and the best of ATTEMPTS counts.
 */

import { newClients, newIssuer, newRequests } from './lib/fixtures.mjs'
import { measure, requestCount } from './lib/measure.mjs'
import { cheapestEcdsaForm, importedKey, rawArguments, verifyRaw } from './lib/raw.mjs'
import * as dpopGuard from './parties/dpop-guard.mjs'

const LIMIT = 1.25
const ATTEMPTS = 3
const CLIENTS = 100
// Many short rounds: a neighbor on the machine spoils some of them, and the median does not see those.
const plan = { rounds: 150, batch: 80, lead: 5 }

const issuer = await newIssuer()
const clients = await newClients(issuer, 'ES256', CLIENTS)
const warming = newRequests(clients, 3000)
const form = cheapestEcdsaForm(warming.slice(0, 500))
const guard = dpopGuard.create(issuer)
for (const request of warming) await guard.verify(guard.prepare(request))

let isWithin = false
for (let attempt = 0; attempt < ATTEMPTS && !isWithin; attempt++) isWithin = (await ratioToRaw()) <= LIMIT
if (!isWithin) {
  console.error('A warm verification costs too much beside its signature')
  process.exitCode = 1
}

async function ratioToRaw() {
  const requests = newRequests(clients, requestCount(plan))
  const raw = requests.map(({ proof, client }) => rawArguments(proof, 'ES256', importedKey(client), form))
  const prepared = requests.map(guard.prepare)
  const contenders = [
    { name: 'raw', run: (i) => verifyRaw(raw[i]) },
    { name: 'dpop-guard', run: (i) => guard.verify(prepared[i]) }
  ]
  const [bare, ours] = await measure(contenders, plan)
  const { median, q1, q3 } = ours.ratio
  console.log(`raw ${bare.cpu.median.toFixed(1)} µs, dpop-guard ${ours.cpu.median.toFixed(1)} µs of CPU`)
  console.log(`${median.toFixed(3)} × raw (quartiles ${q1.toFixed(3)} to ${q3.toFixed(3)}), limit ${LIMIT}`)
  return median
}
