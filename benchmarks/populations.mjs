/** What a warm request costs at 100 to 50 000 clients, with the default capacity of the caches and with a larger one, and after an attack. */

import { newClients, newIssuer, newRequests } from './lib/fixtures.mjs'
import { deliver, progress } from './lib/part.mjs'
import { measureAfterAttack, measureWarm } from './lib/populations.mjs'
import { cheapestEcdsaForm } from './lib/raw.mjs'
import * as dpopGuard from './parties/dpop-guard.mjs'

const COUNTS = [100, 10_000, 20_000, 50_000]
const RAISED = { cache: { maxClients: 100_000 } }
const DEFAULT_CAPACITY = 10_000
const PLAN = { rounds: 40, batch: 150, lead: 10 }
const VICTIMS = 4_000
const VARIANTS = 12_000
/** Each victim once. */
const ATTACK_PLAN = { rounds: 40, batch: 100 }

progress('populations: making clients')
// Tokens are signed with ES256, which is faster than RS256. Cached tokens are not verified again.
const issuer = await newIssuer(undefined, 'ES256')
const clients = await newClients(issuer, 'ES256', Math.max(...COUNTS))
const ecdsaForm = cheapestEcdsaForm(newRequests(clients.slice(0, 1), 500))
await measureWarm(dpopGuard.create, issuer, clients.slice(0, 100), { ecdsaForm, plan: PLAN, visits: 30 })

const rows = []
for (const count of COUNTS) {
  progress(`populations: ${count} clients`)
  const some = clients.slice(0, count)
  rows.push(await rowOf(some, 'raised', RAISED))
  if (count > DEFAULT_CAPACITY) rows.push(await rowOf(some, 'default', {}))
}
progress('populations: after an attack')
const [before, after] = await measureAfterAttack(dpopGuard.create, issuer, clients.slice(0, VICTIMS), {
  plan: ATTACK_PLAN,
  variants: VARIANTS
})
deliver({ ...PLAN, raised: RAISED.cache.maxClients, rows, attack: { victims: VICTIMS, variants: VARIANTS, before, after } })

async function rowOf(some, capacity, options) {
  const [raw, ours] = await measureWarm(dpopGuard.create, issuer, some, { ecdsaForm, plan: PLAN, options })
  return { clients: some.length, capacity, raw, ours }
}
