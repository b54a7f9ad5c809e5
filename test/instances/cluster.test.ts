/** redisReplayStore in a Cluster of three nodes, one of which is killed and restarted (RFC 9449 §11.1). */

import { setTimeout as after } from 'node:timers/promises'
import { createVerifier, redisReplayStore } from 'dpop-guard'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { describeRedis, freePort, type RedisServer, startRedis } from '../support/redis.js'
import { type Connection, clusterClients } from '../support/redis-clients.js'
import { createWorld, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

const SLOTS = 16_384
const OUTAGE = 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE'
const allowed = new Set(['accepted', OUTAGE])

async function until(what: string, isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await isSo()) return
    await after(25)
  }
  throw new Error(`${what}: timed out`)
}

/** Three masters with a third of the slots each. */
async function startCluster(): Promise<RedisServer[]> {
  const start = async (): Promise<[RedisServer, number]> => {
    const bus = await freePort()
    const timeout = ['--cluster-node-timeout', '1000', '--cluster-require-full-coverage', 'no']
    return [await startRedis('--cluster-enabled', 'yes', '--cluster-port', String(bus), ...timeout), bus]
  }
  const nodes = await Promise.all([start(), start(), start()])
  const servers = nodes.map(([server]) => server)
  const ends = [0, 1, 2, 3].map((third) => Math.floor((third * SLOTS) / 3))
  for (const [i, server] of servers.entries()) {
    await server.command('CLUSTER', 'ADDSLOTSRANGE', String(ends[i]), String(Number(ends[i + 1]) - 1))
    await server.command('CLUSTER', 'SET-CONFIG-EPOCH', String(i + 1))
    for (const [{ port }, bus] of nodes.slice(0, i))
      await server.command('CLUSTER', 'MEET', '127.0.0.1', String(port), String(bus))
  }
  const knowsAll = async (server: RedisServer) => {
    const info = String(await server.command('CLUSTER', 'INFO'))
    return ['cluster_state:ok', 'cluster_slots_ok:16384', 'cluster_known_nodes:3'].every((line) => info.includes(line))
  }
  for (const server of servers) await until('the cluster', () => knowsAll(server))
  return servers
}

describeRedis('redisReplayStore in a Cluster', () => {
  it.each(Object.entries(clusterClients))(
    '%s: keys are on all nodes; without one node its proofs result in 503, others are accepted; no proof is accepted twice',
    async (_name, connect) => {
      const servers = await startCluster()
      const open = async () => {
        const connection: Connection = await connect(servers.map(({ port }) => port))
        onTestFinished(async () => void (await connection.close()))
        const { sendCommand } = connection
        return createVerifier({ ...world.options, replay: redisReplayStore({ sendCommand, timeoutMs: 1500 }), instances: 2 })
      }
      const [here, there] = [await open(), await open()]
      const send = async (count: number) => {
        const requests = await Promise.all(Array.from({ length: count }, () => world.request()))
        return await Promise.all(
          requests.map(async (request) => {
            const pair = await Promise.all([here, there].map((verifier) => verdictOf(verifier.verifyRequest(request))))
            expect(pair.filter((verdict) => verdict === 'accepted').length).toBeLessThanOrEqual(1)
            return ['accepted', OUTAGE].find((one) => pair.includes(one)) ?? pair.join()
          })
        )
      }

      expect(new Set(await send(60))).toEqual(new Set(['accepted']))
      for (const server of servers) expect(Number(await server.command('DBSIZE'))).toBeGreaterThan(5)

      await servers[0]?.kill()
      let verdicts: string[] = []
      await until('some pass', async () => {
        verdicts = await send(12)
        for (const verdict of verdicts) expect(allowed).toContain(verdict)
        return verdicts.includes('accepted') && verdicts.includes(OUTAGE)
      })

      await servers[0]?.restart()
      await until('all pass', async () => {
        verdicts = await send(12)
        for (const verdict of verdicts) expect(allowed).toContain(verdict)
        return verdicts.every((verdict) => verdict === 'accepted')
      })
    },
    60_000
  )
})
