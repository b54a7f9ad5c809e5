/** In process: what one verification costs, ours and others', without a server around it. */

import { createPublicKey } from 'node:crypto'
import { memoryReplayStore } from 'dpop-guard'
import { newClients, newIssuer, newRequests } from './lib/fixtures.mjs'
import { startIssuer } from './lib/issuer-server.mjs'
import { measure, requestCount } from './lib/measure.mjs'
import { deliver, progress } from './lib/part.mjs'
import { cheapestEcdsaForm, importedKey, rawArguments, verifyRaw, verifyRawInPool } from './lib/raw.mjs'
import * as betterAuth from './parties/better-auth.mjs'
import * as dpopGuard from './parties/dpop-guard.mjs'
import * as expressMiddleware from './parties/express-oauth2-jwt-bearer.mjs'
import * as jose from './parties/jose-with-caches.mjs'
import * as leastWork from './parties/least-work.mjs'
import * as oauth4webapi from './parties/oauth4webapi.mjs'
import * as solid from './parties/solid-access-token-verifier.mjs'

/** Under `auto` these go to the thread pool one at a time as well. */
const pooledAlgorithms = ['ES384']

const peers = [jose, expressMiddleware, oauth4webapi, solid, betterAuth]

/**
 * Rounds and requests of each round: slow algorithms get fewer, so that a proof is never older than its window. The first
 * algorithm has the most requests before those that count: it is the one that the compiler has not seen.
 */
const plans = {
  ES256: { rounds: 20, batch: 250, lead: 20, warmUp: 3000 },
  EdDSA: { rounds: 15, batch: 120, lead: 20, warmUp: 300 },
  PS256: { rounds: 15, batch: 120, lead: 20, warmUp: 300 },
  ES384: { rounds: 11, batch: 50, lead: 5, warmUp: 300 }
}
const CLIENTS = 100
const MANY_CLIENTS = 10_000
const IN_FLIGHT = 16
const COLD = { rounds: 15, batch: 100 }
/** Rounds before those that count: the clients are new in each, the compiled code is not. */
const COLD_WARM_UP_ROUNDS = 25

const issuer = await startIssuer()
const ecdsaForm = cheapestEcdsaForm(newRequests(await newClients(issuer, 'ES256', 1), 500))
const tables = []

for (const alg of Object.keys(plans)) await warm(alg)
const cold = await coldClients()
issuer.close()
deliver({ ecdsaForm, clients: CLIENTS, tables, cold })

/** Everybody beside everybody, each with a client that it has seen. */
async function warm(alg) {
  progress(`in process: ${alg}, warm`)
  const clients = await newClients(issuer, alg, CLIENTS)
  await table(alg, clients, 1, alg === 'ES256' ? await oursAlone(clients) : [])
  await table(alg, clients, IN_FLIGHT, [])
}

async function table(alg, clients, concurrency, more) {
  const plan = plans[alg]
  const requests = newRequests(clients, requestCount(plan))
  const raw = requests.map(({ proof, client }) => rawArguments(proof, alg, importedKey(client), ecdsaForm))
  const contenders = [{ name: 'raw', run: (i) => verifyRaw(raw[i]) }]
  if (concurrency > 1) contenders.push({ name: 'raw, in the thread pool', run: (i) => verifyRawInPool(raw[i]) })
  contenders.push(await contender(dpopGuard.facts.name, dpopGuard.create(issuer), requests, clients))
  if (concurrency > 1 || pooledAlgorithms.includes(alg)) {
    const inline = dpopGuard.create(issuer, { signatureThreads: 'inline' })
    contenders.push(await contender(`${dpopGuard.facts.name}, signatureThreads 'inline'`, inline, requests, clients))
  }
  const refused = []
  for (const { create, facts } of peers) {
    const party = await create(issuer, { replay: memoryReplayStore() })
    const reason = await party.verify(party.prepare(newRequests(clients, 1)[0])).then(
      () => undefined,
      (error) => `${error.message}`.split('\n', 1)[0]
    )
    if (reason === undefined) contenders.push(await contender(facts.name, party, requests, clients))
    // All contenders support ES256; a failure is an error of this setup.
    else if (alg === 'ES256') throw new Error(`${facts.name}: ${reason}`)
    else refused.push({ name: facts.name, reason })
  }
  const rows = await measure([...contenders, ...more], { ...plan, concurrency })
  tables.push({ alg, concurrency, ...plan, rows, refused })
}

/** Cases for dpop-guard only: one client, many clients, and proofs by another key than that of the token. */
async function oursAlone(clients) {
  const count = requestCount(plans.ES256)
  const one = clients.slice(0, 1)
  const many = await newClients(issuer, 'ES256', MANY_CLIENTS)
  const attackers = await newClients(issuer, 'ES256', 50)
  const guard = dpopGuard.create(issuer)
  const stolen = newRequests(clients, count, attackers).map(guard.prepare)
  await warmUp(guard, clients)
  return [
    await contender(leastWork.facts.name, leastWork.create(), newRequests(clients, count), clients),
    await contender(`${leastWork.facts.name}, 10 000 clients`, leastWork.create(), newRequests(many, count), many),
    await contender('dpop-guard, 1 client', dpopGuard.create(issuer), newRequests(one, count), one),
    await contender('dpop-guard, 10 000 clients', dpopGuard.create(issuer), newRequests(many, count), many),
    {
      name: 'dpop-guard, refusing a proof by a foreign key',
      run: (i) => guard.verify(stolen[i]).then(mustRefuse, acceptBindingError)
    }
  ]
}

async function contender(name, party, requests, clients) {
  await warmUp(party, clients)
  const prepared = requests.map(party.prepare)
  return { name, run: (i) => party.verify(prepared[i]) }
}

/** Every client comes by once, and there are enough requests for the compiler. */
async function warmUp(party, clients) {
  const { warmUp: enough } = plans[clients[0].alg]
  for (const request of newRequests(clients, Math.max(clients.length, enough))) await party.verify(party.prepare(request))
}

/** Every request has a new token and a new key: each round has a verifier with empty caches. */
async function coldClients() {
  progress('in process: cold')
  const { rounds, batch } = COLD
  const local = await newIssuer()
  const clients = await newClients(local, 'ES256', batch)
  const proofs = newRequests(clients, batch)
  const tokens = clients.map(({ token }) => rawArguments(token, 'RS256', local.publicKey))
  const raw = proofs.map(({ proof }) => rawArguments(proof, 'ES256', undefined, ecdsaForm))
  const guards = []
  const floors = []
  for (let round = 0; round < COLD_WARM_UP_ROUNDS + rounds; round++) {
    const guard = dpopGuard.create(local)
    floors.push(leastWork.create())
    // The key of the issuer is no longer new.
    await warmUpWithAttacker(guard, local)
    guards.push(guard)
  }
  const requests = proofs.map(guards[0].prepare)
  const leastRequests = proofs.map(floors[0].prepare)
  for (const guard of guards.splice(0, COLD_WARM_UP_ROUNDS)) for (const request of requests) await guard.verify(request)
  for (const floor of floors.splice(0, COLD_WARM_UP_ROUNDS)) for (const request of leastRequests) await floor.verify(request)
  const contenders = [
    {
      name: 'two raw verifications and one createPublicKey',
      run(i) {
        const at = i % batch
        verifyRaw(tokens[at])
        const key = createPublicKey({ key: clients[at].jwk, format: 'jwk' })
        const proof = raw[at]
        verifyRaw({ ...proof, key: ecdsaForm === 'der' ? key : { key, dsaEncoding: 'ieee-p1363' } })
      }
    },
    {
      name: `${leastWork.facts.name} and the token signature, cold`,
      run(i) {
        verifyRaw(tokens[i % batch])
        return floors[Math.floor(i / batch)].verify(leastRequests[i % batch])
      }
    },
    { name: 'dpop-guard, cold', run: (i) => guards[Math.floor(i / batch)].verify(requests[i % batch]) }
  ]
  return { ...COLD, rows: await measure(contenders, COLD) }
}

async function warmUpWithAttacker(guard, local) {
  const [request] = newRequests(await newClients(local, 'ES256', 1), 1)
  await guard.verify(guard.prepare(request))
}

function mustRefuse() {
  throw new Error('A proof by a foreign key was accepted')
}

function acceptBindingError(error) {
  if (error.code !== 'ERR_DPOP_TOKEN_BINDING') throw error
}
