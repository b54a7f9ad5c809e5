/** A Redis that cannot store a proof results in 503, never in acceptance or 401 (RFC 9449 §11.1). */

import { setTimeout as after } from 'node:timers/promises'
import { createVerifier, type DPoPUnavailableError, redisReplayStore } from 'dpop-guard'
import { createClient } from 'redis'
import { beforeAll, expect, it, onTestFinished } from 'vitest'
import { describeRedis, type RedisServer, startRedis } from '../support/redis.js'
import { createWorld, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

const OUTAGE = 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE'

async function verifierOn({ port }: RedisServer) {
  const client = createClient({ socket: { host: '127.0.0.1', port, reconnectStrategy: 25 }, disableOfflineQueue: true })
  client.on('error', () => {})
  await client.connect()
  onTestFinished(() => client.destroy())
  const replay = redisReplayStore({ sendCommand: (...args) => client.sendCommand(args), timeoutMs: 10_000 })
  return createVerifier({ ...world.options, replay, instances: 2 })
}

type AnyVerifier = Awaited<ReturnType<typeof verifierOn>>
/** The error code of a valid request, or undefined if it is accepted. */
const outageOf = async (verifier: AnyVerifier): Promise<DPoPUnavailableError | undefined> =>
  await verifier.verifyRequest(await world.request()).then(
    () => undefined,
    (error: DPoPUnavailableError) => error
  )
const causeOf = (error: DPoPUnavailableError | undefined) => (error?.cause as Error | undefined)?.message

async function until(isSo: () => Promise<boolean>): Promise<void> {
  for (let attempt = 0; attempt < 400; attempt++) {
    if (await isSo()) return
    await after(25)
  }
  throw new Error('Timed out')
}

describeRedis('a Redis server that rejects the command', () => {
  it('READONLY on a replica results in 503 with Retry-After and no challenge, until it is the master', async () => {
    const master = await startRedis()
    const replica = await startRedis('--replicaof', '127.0.0.1', String(master.port))
    const verifier = await verifierOn(replica)
    const error = await outageOf(verifier)
    expect(error).toMatchObject({ code: OUTAGE, status: 503, headers: { 'Retry-After': '1' } })
    expect(causeOf(error)).toMatch(/^READONLY/)
    expect(await verdictOf(verifier.ready())).toBe(OUTAGE)
    await replica.command('REPLICAOF', 'NO', 'ONE')
    expect(await outageOf(verifier)).toBeUndefined()
    expect(await verdictOf(verifier.ready())).toBe('accepted')
  })

  it('OOM with noeviction results in 503 without evicting entries, until memory is available', async () => {
    const server = await startRedis('--maxmemory-policy', 'noeviction')
    const verifier = await verifierOn(server)
    const used = await world.request()
    await verifier.verifyRequest(used)
    await server.command('CONFIG', 'SET', 'maxmemory', '1')
    expect(causeOf(await outageOf(verifier))).toMatch(/^OOM/)
    expect(await verdictOf(verifier.ready())).toBe(OUTAGE)
    await server.command('CONFIG', 'SET', 'maxmemory', '0')
    expect(await outageOf(verifier)).toBeUndefined()
    expect(await verdictOf((await verifierOn(server)).verifyRequest(used))).toBe('ERR_DPOP_PROOF_REPLAYED')
  })

  it('LOADING after a restart results in 503 until the data is loaded, and consumed proofs are still rejected', async () => {
    const server = await startRedis('--enable-debug-command', 'yes', '--appendonly', 'no')
    const verifier = await verifierOn(server)
    const used = await world.request()
    await verifier.verifyRequest(used)
    await server.command('DEBUG', 'POPULATE', '20000')
    await server.command('SAVE')
    await server.restart('--key-load-delay', '200', '--loading-process-events-interval-bytes', '1024')
    await until(async () => /^LOADING/.test(causeOf(await outageOf(verifier)) ?? ''))
    await server.command('CONFIG', 'SET', 'key-load-delay', '0')
    await until(async () => (await outageOf(verifier)) === undefined)
    expect(await verdictOf((await verifierOn(server)).verifyRequest(used))).toBe('ERR_DPOP_PROOF_REPLAYED')
  })

  it('a restart loses no consumed proof with appendfsync always', async () => {
    const server = await startRedis('--appendonly', 'yes', '--appendfsync', 'always')
    const verifier = await verifierOn(server)
    const used = await Promise.all(Array.from({ length: 20 }, () => world.request()))
    for (const request of used) await verifier.verifyRequest(request)
    await server.restart()
    await until(async () => (await outageOf(verifier)) === undefined)
    const other = await verifierOn(server)
    for (const request of used) expect(await verdictOf(other.verifyRequest(request))).toBe('ERR_DPOP_PROOF_REPLAYED')
  })
})
