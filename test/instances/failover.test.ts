/** A master that fails while requests wait for it: they result in 503, and others are accepted when a replica is the master (RFC 9449 §11.1). */

import { setTimeout as after } from 'node:timers/promises'
import { createVerifier, type DPoPUnavailableError, redisReplayStore } from 'dpop-guard'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { describeRedis, type RedisServer, startRedis, startRedisSentinel } from '../support/redis.js'
import { type Connection, clients, sentinelClients } from '../support/redis-clients.js'
import { createWorld, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

const OUTAGE = 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE'
const REPLAYED = 'ERR_DPOP_PROOF_REPLAYED'

/** A master, and a replica that is synchronized with it. */
async function startPair(): Promise<[RedisServer, RedisServer]> {
  const settings = ['--repl-diskless-sync-delay', '0', '--repl-ping-replica-period', '1']
  const master = await startRedis(...settings)
  const replica = await startRedis(...settings, '--replicaof', '127.0.0.1', String(master.port))
  await until(async () => String(await replica.command('INFO', 'replication')).includes('master_link_status:up'))
  return [master, replica]
}

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 600; attempt++) {
    if (await isSo()) return
    await after(25)
  }
  throw new Error('Timed out')
}

async function verifierOver(opening: Promise<Connection>, timeoutMs: number) {
  const connection = await opening
  onTestFinished(async () => void (await connection.close()))
  const { sendCommand } = connection
  return createVerifier({ ...world.options, replay: redisReplayStore({ sendCommand, timeoutMs }), instances: 2 })
}

describeRedis('failover during a request', () => {
  it.each(Object.entries(clients))(
    '%s: a master that becomes a replica during the command results in 503, and the proof is not consumed',
    async (_name, connect) => {
      const [master, replica] = await startPair()
      const verifier = await verifierOver(connect(master.port), 10_000)
      const used = await world.request()
      expect(await verdictOf(verifier.verifyRequest(used))).toBe('accepted')
      // Replication is asynchronous: keys that the replica has not received are lost when it is promoted.
      await until(async () => (await replica.command('DBSIZE')) === 1)

      await master.command('CLIENT', 'PAUSE', '60000', 'WRITE')
      const request = await world.request()
      const waiting = verifier.verifyRequest(request).catch((error: DPoPUnavailableError) => error)
      await until(async () => String(await master.command('INFO', 'clients')).includes('blocked_clients:1'))
      await replica.command('REPLICAOF', 'NO', 'ONE')
      await master.command('REPLICAOF', '127.0.0.1', String(replica.port))
      await master.command('CLIENT', 'UNPAUSE')
      expect(await waiting).toMatchObject({ code: OUTAGE, status: 503, headers: { 'Retry-After': '1' } })

      const promoted = await verifierOver(connect(replica.port), 10_000)
      expect(await verdictOf(promoted.verifyRequest(request))).toBe('accepted')
      expect(await verdictOf(promoted.verifyRequest(request))).toBe(REPLAYED)
      expect(await verdictOf(promoted.verifyRequest(used))).toBe(REPLAYED)
    }
  )

  it.each(Object.entries(sentinelClients))(
    '%s under Sentinel: a failed master results in 503 until its replica is promoted; proofs that it had received are not accepted again',
    async (_name, connect) => {
      const [master, replica] = await startPair()
      const sentinel = await startRedisSentinel(master)
      await until(async () => String(await sentinel.command('INFO', 'sentinel')).includes('slaves=1'))
      const verifier = await verifierOver(connect(sentinel.port), 500)
      await until(async () => (await verdictOf(verifier.verifyRequest(await world.request()))) === 'accepted')
      const used = await Promise.all(Array.from({ length: 20 }, () => world.request()))
      for (const request of used) expect(await verdictOf(verifier.verifyRequest(request))).toBe('accepted')
      await until(async () => Number(await replica.command('DBSIZE')) >= 21)

      // The process is stopped, and its connections stay open: requests wait for it.
      master.freeze()
      const waiting = Array.from({ length: 10 }, async () => verdictOf(verifier.verifyRequest(await world.request())))
      expect(new Set(await Promise.all(waiting))).toEqual(new Set([OUTAGE]))
      await master.kill()

      const seen = new Set<string>()
      await until(async () => {
        seen.add(await verdictOf(verifier.verifyRequest(await world.request())))
        return seen.has('accepted')
      })
      expect([...seen].filter((verdict) => verdict !== 'accepted' && verdict !== OUTAGE)).toEqual([])
      const other = await verifierOver(connect(sentinel.port), 500)
      for (const request of used) expect(await verdictOf(other.verifyRequest(request))).toBe(REPLAYED)
    },
    60_000
  )
})
