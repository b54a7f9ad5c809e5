/** A memory store with several processes is likely a mistake: a warning is emitted once. */

import cluster from 'node:cluster'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { type MisconfiguredEvent, type ReplayStore, redisReplayStore, type VerifierOptions } from 'dpop-guard'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'

const options = { issuer: 'https://issuer.example', baseUrl: 'https://api.example' } satisfies VerifierOptions

// The warning is emitted once for each process: each test loads the modules again.
beforeEach(() => vi.resetModules())

/** The warnings that are emitted when verifiers are created with these options. */
async function warningsOf(...made: Partial<VerifierOptions>[]): Promise<MisconfiguredEvent[]> {
  const events: MisconfiguredEvent[] = []
  const keep = (event: unknown) => void events.push(event as MisconfiguredEvent)
  subscribe('dpop-guard:misconfigured', keep)
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => {
    unsubscribe('dpop-guard:misconfigured', keep)
    emitWarning.mockRestore()
  })
  const { createVerifier } = await import('dpop-guard')
  for (const extra of made) createVerifier({ ...options, ...extra })
  expect(emitWarning.mock.calls).toEqual(
    events.map(({ message, code }) => [message, expect.objectContaining({ type: 'DPoPGuardWarning', code })])
  )
  return events
}

/** A memory store of the modules that the test has loaded. */
const memory = async (): Promise<ReplayStore> => (await import('dpop-guard')).memoryReplayStore()
const shared = redisReplayStore({ sendCommand: async () => 'OK' })
const loneMemory = {
  code: 'DPOP_GUARD_LONE_MEMORY',
  message: expect.stringMatching(/^Several processes serve this API.*"replay".*redisReplayStore\(\)/)
}

describe('the warning about memoryReplayStore() with several instances', () => {
  it('is emitted for the default store, with the solution', async () => {
    expect(await warningsOf({ instances: 2 })).toEqual([loneMemory])
  })

  it('is emitted for a given store', async () => {
    expect(await warningsOf({ instances: 2, replay: await memory() })).toEqual([loneMemory])
  })

  it('is emitted once for each process, for any number of verifiers', async () => {
    expect(await warningsOf({ instances: 4 }, { instances: 4 }, { instances: 2 })).toHaveLength(1)
  })

  it('is not emitted for one instance, a shared store, or replay: false', async () => {
    const replay = await memory()
    expect(await warningsOf({}, { instances: 1 }, { replay }, { instances: 4, replay: shared })).toEqual([])
    expect(await warningsOf({ instances: 4, replay: false })).toEqual([])
  })

  it('is emitted in a worker of node:cluster', async () => {
    const was = cluster.isWorker
    Object.assign(cluster, { isWorker: true })
    onTestFinished(() => void Object.assign(cluster, { isWorker: was }))
    expect(await warningsOf({ replay: shared })).toEqual([])
    expect(await warningsOf({})).toEqual([loneMemory])
  })

  it.each([0, -1, 1.5, Number.NaN, 1_000_001, '4', null])(
    'instances must be an integer of at least 1: %j is a TypeError',
    async (instances) => {
      const { createVerifier } = await import('dpop-guard')
      const message = '"instances" must be an integer from 1 to 1000000'
      expect(() => createVerifier({ ...options, instances: instances as number })).toThrow(new TypeError(message))
      expect(() => createVerifier({ ...options, replay: shared, instances: instances as number })).toThrow(new TypeError(message))
    }
  )
})

it.each([
  undefined,
  {},
  { getBuiltinModule: () => undefined },
  {
    getBuiltinModule() {
      throw new Error('not supported')
    }
  }
])('a runtime without warnings and workers is supported: process is %j', async (process) => {
  const { createVerifier } = await import('dpop-guard')
  vi.stubGlobal('process', process)
  onTestFinished(() => void vi.unstubAllGlobals())
  expect(() => createVerifier(options)).not.toThrow()
  expect(() => createVerifier({ ...options, instances: 2 })).not.toThrow()
})
