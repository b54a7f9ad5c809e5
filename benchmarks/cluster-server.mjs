/**
 * Servers in workers of `node:cluster`, for `scale-out.mjs`. The argument of the primary process is JSON: `workers`, `issuer`, `redisPort`
 * and `client`, a member of `redisClients`; without it there is no guard. Signatures are verified on the event loop, since there is one
 * worker for each core.
 */

import cluster from 'node:cluster'
import { once } from 'node:events'
import { createVerifier, redisReplayStore } from 'dpop-guard'
import { api } from './lib/fixtures.mjs'
import { redisClients } from './lib/redis-clients.mjs'
import { start } from './servers/node-http.mjs'

const settings = JSON.parse(process.argv[2])
/** The load takes all cores, so a reply may be late. */
const TIMEOUT_MS = 10_000

await (cluster.isPrimary ? runPrimary(settings) : runWorker(settings))

async function runPrimary({ workers: count }) {
  const workers = Array.from({ length: count }, () => cluster.fork())
  const ports = await Promise.all(workers.map(async (worker) => (await once(worker, 'message'))[0].port))
  const cpuOfWorkers = async (question) => {
    const answers = await Promise.all(
      workers.map((worker) => {
        worker.send(question)
        return once(worker, 'message')
      })
    )
    return answers.reduce((sum, [{ cpu }]) => sum + cpu, 0)
  }
  let own = process.cpuUsage()
  process.on('message', async (question) => {
    if (question === 'begin') own = process.cpuUsage()
    const { user, system } = process.cpuUsage(own)
    process.send({ workersCpu: await cpuOfWorkers(question), primaryCpu: user + system })
  })
  process.on('disconnect', () => process.exit())
  process.send({ port: ports[0] })
}

async function runWorker(settings) {
  const server = start(settings.client === undefined ? {} : { verifier: await createGuard(settings) }, () => {})
  // Workers that listen on port 0 share one port.
  await once(server.listen(0, '127.0.0.1'), 'listening')
  Object.assign(server, { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 })
  let cpu = process.cpuUsage()
  process.on('message', (question) => {
    const { user, system } = process.cpuUsage(cpu)
    if (question === 'begin') cpu = process.cpuUsage()
    process.send({ cpu: user + system })
  })
  process.on('disconnect', () => process.exit())
  process.send({ port: server.address().port })
}

async function createGuard({ issuer, redisPort, client }) {
  const { sendCommand } = await redisClients[client](redisPort)
  return createVerifier({
    issuer,
    audience: api.audience,
    baseUrl: api.origin,
    signatureThreads: 'inline',
    replay: redisReplayStore({ sendCommand, timeoutMs: TIMEOUT_MS })
  })
}
