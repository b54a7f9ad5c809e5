/** Populations of clients: what a warm request costs at any number of them, and after an attack on the caches. */

import { encode, flat } from './algorithms.mjs'
import { newClients, newRequests } from './fixtures.mjs'
import { measure, requestCount } from './measure.mjs'
import { importedKey, rawArguments, verifyRaw } from './raw.mjs'

/** Requests of the clients in random order. */
function newRandomRequests(clients, count) {
  const drawn = Array.from({ length: count }, () => clients[Math.floor(Math.random() * clients.length)])
  return newRequests(drawn, count)
}

/**
 * The cost of a warm request, in random order of the clients, beside the bare signature. Each client has sent `visits` requests before:
 * with more clients than the caches hold, one visit would not show how many of them stay.
 */
export async function measureWarm(create, issuer, clients, { ecdsaForm, plan, options, visits = 1 }) {
  const guard = create(issuer, options)
  for (let visit = 0; visit < visits; visit++) {
    for (const request of newRequests(clients, clients.length)) await guard.verify(guard.prepare(request))
  }
  const requests = newRandomRequests(clients, requestCount(plan))
  const [raw, prepared] = [requests.map(toRaw(ecdsaForm)), requests.map(guard.prepare)]
  const contenders = [
    { name: 'raw', run: (i) => verifyRaw(raw[i]) },
    { name: 'dpop-guard', run: (i) => guard.verify(prepared[i]) }
  ]
  return await measure(contenders, plan)
}

/**
 * The cost for clients whose entries are cached, before and after another client sent `variants` valid proofs, each with a different
 * `kid` in its header. Each client sends one request in the measurement, so that an evicted entry shows.
 */
export async function measureAfterAttack(create, issuer, clients, { plan, variants }) {
  const [attacker] = await newClients(issuer, 'ES256', 1)
  const [before, after] = [create(issuer), create(issuer)]
  for (const guard of [before, after]) {
    for (const request of newRequests(clients, clients.length)) await guard.verify(guard.prepare(request))
  }
  for (let i = 0; i < variants; i++) {
    const { alg, jwk } = attacker
    const header = flat(encode({ typ: 'dpop+jwt', alg, jwk: { ...jwk, kid: String(i) } }))
    const [request] = newRequests([{ ...attacker, header }], 1)
    await after.verify(after.prepare(request))
  }
  const requests = newRequests(clients, requestCount(plan))
  const contenders = [
    { name: 'before', run: (i) => before.verify(beforeRequests[i]) },
    { name: 'after', run: (i) => after.verify(afterRequests[i]) }
  ]
  const [beforeRequests, afterRequests] = [before, after].map((guard) => requests.map(guard.prepare))
  return await measure(contenders, plan)
}

function toRaw(ecdsaForm) {
  return ({ proof, client }) => rawArguments(proof, client.alg, importedKey(client), ecdsaForm)
}
