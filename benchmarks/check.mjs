/**
 * Fails if a warm ES256 verification costs more than LIMIT times the bare signature, or MANY_LIMIT times with 20 000 clients; more than
 * CHANNELS_LIMIT times a verification without diagnostics channels; or more than ATTACK_LIMIT times as before after one client sent proofs
 * with many different headers. All are ratios measured side by side. Other processes only increase them, so a ratio above its limit
 * is measured again, and the best of ATTEMPTS counts.
 */

import { newClients, newIssuer, newRequests } from './lib/fixtures.mjs'
import { measure, requestCount } from './lib/measure.mjs'
import { measureAfterAttack, measureWarm } from './lib/populations.mjs'
import { cheapestEcdsaForm, importedKey, rawArguments, verifyRaw } from './lib/raw.mjs'
import { createVerifierWithoutChannels } from './lib/without-channels.mjs'
import * as dpopGuard from './parties/dpop-guard.mjs'

const LIMIT = 1.25
const MANY_LIMIT = 1.3
const ATTACK_LIMIT = 1.1
const CHANNELS_LIMIT = 1.01
const ATTEMPTS = 3
const CLIENTS = 100
const MANY_CLIENTS = 20_000
const VICTIMS = 4_000
const VARIANTS = 12_000
// Many short rounds: a neighbor on the machine spoils some of them, and the median does not see those.
const plan = { rounds: 150, batch: 80, lead: 5 }
const manyPlan = { rounds: 60, batch: 80, lead: 5 }
/** Each victim once. */
const attackPlan = { rounds: 40, batch: VICTIMS / 40 }

const issuer = await newIssuer()
const clients = await newClients(issuer, 'ES256', CLIENTS)
const warming = newRequests(clients, 3000)
const form = cheapestEcdsaForm(warming.slice(0, 500))
const guard = dpopGuard.create(issuer)
const withoutChannels = dpopGuard.create(issuer, {}, await createVerifierWithoutChannels())
for (const request of warming) {
  await guard.verify(guard.prepare(request))
  await withoutChannels.verify(withoutChannels.prepare(request))
}

await check(ratioToRaw, LIMIT, 'A warm verification costs too much beside its signature')
await check(ratioToWithoutChannels, CHANNELS_LIMIT, 'The diagnostics channels cost too much without subscribers')

const fastIssuer = await newIssuer(undefined, 'ES256')
const many = await newClients(fastIssuer, 'ES256', MANY_CLIENTS)
await check(ratioOfMany, MANY_LIMIT, `With ${MANY_CLIENTS} clients, a warm verification costs too much beside its signature`)
await check(ratioAfterAttack, ATTACK_LIMIT, 'One client makes the requests of others cost too much')

async function check(measureRatio, limit, complaint) {
  for (let attempt = 0; attempt < ATTEMPTS; attempt++) if ((await measureRatio()) <= limit) return
  console.error(complaint)
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
  return await medianRatio(contenders, LIMIT)
}

async function ratioToWithoutChannels() {
  const requests = newRequests(clients, requestCount(plan))
  const [prepared, preparedWithout] = [guard, withoutChannels].map(({ prepare }) => requests.map(prepare))
  const contenders = [
    { name: 'without channels', run: (i) => withoutChannels.verify(preparedWithout[i]) },
    { name: 'dpop-guard', run: (i) => guard.verify(prepared[i]) }
  ]
  return await medianRatio(contenders, CHANNELS_LIMIT)
}

/** The CPU of the second contender, divided by that of the first in the same round. */
async function medianRatio(contenders, limit) {
  return report(await measure(contenders, plan), limit)
}

async function ratioOfMany() {
  const options = { cache: { maxClients: 2 * MANY_CLIENTS } }
  return report(await measureWarm(dpopGuard.create, fastIssuer, many, { ecdsaForm: form, plan: manyPlan, options }), MANY_LIMIT)
}

async function ratioAfterAttack() {
  const victims = many.slice(0, VICTIMS)
  return report(
    await measureAfterAttack(dpopGuard.create, fastIssuer, victims, { plan: attackPlan, variants: VARIANTS }),
    ATTACK_LIMIT
  )
}

function report([reference, ours], limit) {
  const { median, q1, q3 } = ours.ratio
  console.log(`${reference.name} ${reference.cpu.median.toFixed(1)} µs, ${ours.name} ${ours.cpu.median.toFixed(1)} µs of CPU`)
  console.log(`${median.toFixed(3)} × ${reference.name} (quartiles ${q1.toFixed(3)} to ${q3.toFixed(3)}), limit ${limit}`)
  return median
}
