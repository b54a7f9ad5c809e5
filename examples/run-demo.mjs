/** The whole system on loopback: sign-in, resource and attacker, once for each framework. @module */

import { setTimeout as after } from 'node:timers/promises'
import { attacks, attempt, eavesdrop } from './attacker.mjs'
import { createAuthorizationServer } from './authorization-server.mjs'
import { createClient, refresh } from './client.mjs'
import { frameworks } from './frameworks.mjs'
import { sendToAll, startInstances } from './instances.mjs'
import { createReport } from './report.mjs'
import { openPort } from './serve.mjs'
import { steps, watchVerified } from './steps.mjs'
import { createUser } from './user.mjs'
import { createWire } from './wire.mjs'

const alice = { name: 'alice', password: 'correct horse battery staple' }

/** Proofs that are sent to all instances. */
const PROOFS = 4

/**
 * Returns whether every step passed and every attack was rejected, at every API; and, with instances of the first API, whether they
 * accepted each proof once in total.
 *
 * @param {{ apis?: import('./frameworks.mjs').Framework[], print?: (line: string) => void, timeoutSeconds?: number, instances?: number, redis?: boolean }} settings
 */
export async function runDemo({
  apis = frameworks,
  print = console.log,
  timeoutSeconds = 30,
  instances = 0,
  redis = false
} = {}) {
  const proofs = instances > 0 ? PROOFS : 0
  const report = createReport(print, {
    steps: steps.length * apis.length,
    attacks: attacks.length * apis.length,
    instances: proofs
  })
  const stop = new AbortController()
  const closers = []
  const alarm = after(timeoutSeconds * 1000, undefined, { signal: stop.signal })
  const gaveUp = alarm.then(() => Promise.reject(new Error(`gave up after ${timeoutSeconds} seconds`)))
  try {
    await Promise.race([play({ apis, instances, redis }, report, createWire(stop.signal), closers), gaveUp])
  } catch (error) {
    report.fail('the demo', error)
  } finally {
    stop.abort()
    await Promise.allSettled([gaveUp, ...closers.map((close) => close())])
  }
  return report.summarize()
}

async function play({ apis, instances, redis }, report, wire, closers) {
  const system = await start(apis, wire, closers)
  report.title('DPoP, RFC 9449', `authorization server ${system.issuer}  client ${system.client.url}`)

  const signedIn = []
  for (const api of system.apis) {
    report.section(api.name, `sign-in and resource at ${api.url}`)
    signedIn.push({ api, session: await signIn(api, system, report, wire) })
  }
  for (const { api, session } of signedIn) {
    report.section(api.name, 'attempts with a stolen token; after each, a request of the client must still be accepted')
    await steal(session, report, wire)
  }
  if (instances > 0) {
    const [{ api, session }] = signedIn
    const memory = redis ? 'on one Redis' : 'each with a memory of its own'
    report.section(`${instances} instances`, `of ${api.url}, ${memory}; one proof is sent to all of them at once`)
    const urls = await startInstances({ issuer: system.issuer, baseUrl: api.url, count: instances, hasRedis: redis }, closers)
    await sendToInstances(urls, session, report, wire)
  }
}

/** Opens all ports first: the authorization server, the client and the APIs need each other's URLs. */
async function start(apis, wire, closers) {
  const [authorizationServer, clientPort, ...apiPorts] = await Promise.all(['AS', 'client', ...apis].map(() => openPort()))
  closers.push(...[authorizationServer, clientPort, ...apiPorts].map(({ close }) => close))
  const issuer = authorizationServer.url
  const clientId = 'notes-app'
  const urls = apiPorts.map(({ url }) => url)

  authorizationServer.setHandler(
    await createAuthorizationServer({
      issuer,
      apis: urls,
      client: { clientId, redirectUri: `${clientPort.url}/callback` },
      passwords: new Map([[alice.name, alice.password]])
    })
  )
  for (const [index, { load }] of apis.entries()) {
    const { createNotesApi } = await load()
    const api = await createNotesApi({ issuer, baseUrl: urls[index] })
    closers.push(api.close)
    apiPorts[index].setHandler(api.handler)
    const health = await wire.fetch(`${urls[index]}/health`)
    if (!health.ok) throw new Error(`${apis[index].name}: /health is public, and answered ${health.status}`)
  }
  const client = await createClient({ issuer, clientId, url: clientPort.url, apis: urls, fetch: wire.fetch })
  clientPort.setHandler(client.handler)
  return { issuer, client, apis: apis.map(({ name }, index) => ({ name, url: urls[index] })) }
}

/** Has alice sign in with a browser of her own, and reads the steps off the wire. */
async function signIn(api, { issuer, client }, report, wire) {
  const firstExchange = wire.exchanges.length
  const { verified, stop } = watchVerified()
  try {
    const user = createUser(wire.fetch)
    const loginPage = await user.open(`${client.url}/start?api=${api.url}`)
    const consentPage = await user.submit(loginPage, alice)
    await user.submit(consentPage, { answer: 'allow' })
  } catch (error) {
    report.fail('sign-in', error)
  } finally {
    stop()
  }
  const exchanges = wire.exchanges.slice(firstExchange)
  const walk = { exchanges, verified, parties: { client: client.url, issuer, api: api.url, user: alice.name } }
  for (const [index, step] of steps.entries()) {
    const passed = await report.line('steps', [`${index + 1}`.padStart(2), step.who.padEnd(14)], () => step.tell(walk))
    if (!passed) break
  }
  return [...client.sessions.values()].at(-1)
}

async function steal(session, report, wire) {
  if (session?.token === undefined) return report.fail('attacker', new Error('there is no token to steal'))
  const otherToken = session.token
  await refresh(session)
  const loot = eavesdrop(session, otherToken)
  for (const [index, attack] of attacks.entries()) {
    await report.line('attacks', [`${index + 1}`.padStart(2), attack.name.padEnd(25)], () =>
      attempt(attack, loot, session, wire.fetch)
    )
  }
}

async function sendToInstances(urls, session, report, wire) {
  const loot = eavesdrop(session, session.token)
  for (let proof = 1; proof <= PROOFS; proof++) {
    await report.line('instances', [`${proof}`.padStart(2)], () => sendToAll(urls, loot, wire.fetch))
  }
}
