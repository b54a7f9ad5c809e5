/** redisReplayStore with each supported client, on a real server (RFC 9449 §11.1). */

import { setTimeout as after } from 'node:timers/promises'
import { createVerifier, type ReplayStore, redisReplayStore } from 'dpop-guard'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { describeRedis, type RedisServer, startRedis } from '../support/redis.js'
import { type Connection, clients } from '../support/redis-clients.js'
import { createWorld, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

/** Long enough for a busy machine, in tests that do not depend on the time. */
const PATIENT_MS = 10_000
const OUTAGE = 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE'

/** A server, a store on it, and a verifier with that store. */
async function start(connect: (port: number) => Promise<Connection>, options: { prefix?: string; timeoutMs?: number } = {}) {
  const server = await startRedis()
  const openStore = async (): Promise<{ store: ReplayStore; connection: Connection }> => {
    const connection = await connect(server.port)
    onTestFinished(async () => void (await connection.close()))
    const { sendCommand } = connection
    return { store: redisReplayStore({ sendCommand, timeoutMs: PATIENT_MS, ...options }), connection }
  }
  const { store, connection } = await openStore()
  const verifier = createVerifier({ ...world.options, replay: store, instances: 2 })
  const verdict = async () => await verdictOf(verifier.verifyRequest(await world.request()))
  /** Repeats until the result is the given one. */
  const settlesOn = async (expected: string) => {
    const verdicts = new Set<string>()
    for (let attempt = 0; attempt < 200 && !verdicts.has(expected); attempt++) {
      verdicts.add(await verdict())
      await after(25)
    }
    return verdicts
  }
  return { server, store, connection, openStore, verdict, settlesOn, verifier }
}

const inAMinute = () => Date.now() + 60_000

/** Commands of the store that the server executed, and its reads from sockets. */
async function countersOf(server: RedisServer): Promise<{ commands: number; reads: number }> {
  const read = async (section: string, pattern: RegExp) =>
    Number(pattern.exec(String(await server.command('INFO', section)))?.[1] ?? 0)
  return {
    commands: await read('commandstats', /cmdstat_set:calls=(\d+)/),
    reads: await read('stats', /total_reads_processed:(\d+)/)
  }
}

describeRedis('redisReplayStore on a real server', () => {
  for (const [name, connect] of Object.entries(clients)) {
    it(`${name}: reserves a key once for 200 concurrent calls over two connections`, async () => {
      const { store, openStore } = await start(connect)
      const { store: other } = await openStore()
      const endsAtMs = inAMinute()
      const responses = await Promise.all(
        Array.from({ length: 200 }, async (_, i) => await (i % 2 ? store : other).reserve('the-same-key', endsAtMs))
      )
      expect(responses.filter((isFirst) => isFirst === true)).toHaveLength(1)
      expect(responses.filter((isFirst) => isFirst === false)).toHaveLength(199)
    })

    it(`${name}: a key has the prefix and 22 characters, expires with its proof, and its lifetime is not extended by a replay`, async () => {
      const { server, store, openStore, verifier } = await start(connect, { prefix: 'notes:' })
      const { store: other } = await openStore()
      await verifier.verifyRequest(await world.request())
      expect(await server.command('DBSIZE')).toBe(1)
      expect(await server.command('RANDOMKEY').then(String)).toMatch(/^notes:[\w-]{22}$/)

      const nowMs = Date.now()
      expect(await store.reserve('k', nowMs + 5000.2, { nowMs, jkt: 'j' })).toBe(true)
      expect(await other.reserve('k', nowMs + 50_000, { nowMs, jkt: 'j' })).toBe(false)
      const leftMs = Number(await server.command('PTTL', 'notes:k'))
      expect(leftMs).toBeGreaterThan(0)
      expect(leftMs).toBeLessThanOrEqual(5001)
    })

    it(`${name}: reserves a key again when it has expired`, async () => {
      const { server, store } = await start(connect)
      const nowMs = Date.now()
      expect(await store.reserve('k', nowMs + 30, { nowMs, jkt: 'j' })).toBe(true)
      for (let attempt = 0; attempt < 200 && (await server.command('EXISTS', 'dpop:k')) === 1; attempt++) await after(10)
      expect(await server.command('EXISTS', 'dpop:k')).toBe(0)
      expect(await store.reserve('k', nowMs + 60_000, { nowMs: nowMs + 31, jkt: 'j' })).toBe(true)
    })

    it(`${name}: sends one command per accepted request, and pipelines those of concurrent requests`, async () => {
      const { server, store, verdict } = await start(connect)
      const before = await countersOf(server)
      for (let i = 0; i < 20; i++) expect(await verdict()).toBe('accepted')
      expect((await countersOf(server)).commands - before.commands).toBe(20)

      const beforeBurst = await countersOf(server)
      // The server does not reply for a while: a client that waits for each reply would send one command.
      server.freeze()
      const burst = Promise.all(Array.from({ length: 500 }, (_, i) => store.reserve(`k${i}`, inAMinute())))
      await after(50)
      server.thaw()
      await burst
      const afterBurst = await countersOf(server)
      expect(afterBurst.commands - beforeBurst.commands).toBe(500)
      expect(afterBurst.reads - beforeBurst.reads).toBeLessThan(250)
    })

    it(`${name}: a key that this store has reserved is rejected without a command, others with one command`, async () => {
      const { server, store, openStore } = await start(connect)
      const { store: other } = await openStore()
      const endsAtMs = inAMinute()
      expect(await store.reserve('k', endsAtMs)).toBe(true)
      const before = (await countersOf(server)).commands
      for (let i = 0; i < 50; i++) expect(await store.reserve('k', endsAtMs)).toBe(false)
      expect((await countersOf(server)).commands - before).toBe(0)
      for (let i = 0; i < 50; i++) expect(await other.reserve('k', endsAtMs)).toBe(false)
      expect((await countersOf(server)).commands - before).toBe(1)
    })

    it(`${name}: a server that does not reply in time results in 503, until it does`, async () => {
      const { server, verdict, settlesOn } = await start(connect, { timeoutMs: 150 })
      expect(await settlesOn('accepted')).toContain('accepted')
      await server.command('CLIENT', 'PAUSE', '60000', 'WRITE')
      expect([await verdict(), await verdict()]).toEqual([OUTAGE, OUTAGE])
      await server.command('CLIENT', 'UNPAUSE')
      const verdicts = await settlesOn('accepted')
      expect(verdicts).toContain('accepted')
      expect([...verdicts].filter((one) => one !== 'accepted' && one !== OUTAGE)).toEqual([])
    })

    it(`${name}: a server that is killed results in 503, until it is restarted`, async () => {
      const { server, verdict, settlesOn } = await start(connect, { timeoutMs: 500 })
      expect(await settlesOn('accepted')).toContain('accepted')
      await server.kill()
      expect([await verdict(), await verdict()]).toEqual([OUTAGE, OUTAGE])
      await server.restart()
      const verdicts = await settlesOn('accepted')
      expect(verdicts).toContain('accepted')
      expect([...verdicts].filter((one) => one !== 'accepted' && one !== OUTAGE)).toEqual([])
    })

    it(`${name}: a closed client results in 503, also for ready()`, async () => {
      const { connection, verdict, verifier } = await start(connect, { timeoutMs: 500 })
      expect(await verdictOf(verifier.ready())).toBe('accepted')
      await connection.close()
      expect(await verdict()).toBe(OUTAGE)
      expect(await verdictOf(verifier.ready())).toBe(OUTAGE)
    })
  }
})
