import { redisReplayStore } from 'dpop-guard'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { NOW_MS } from '../support/world.js'

type Send = (...args: string[]) => Promise<unknown>
/** A store whose client has this response, and the commands that it sent. */
function createStore(response: Send, options: object = {}) {
  const sent: string[][] = []
  const sendCommand: Send = (...args) => {
    sent.push(args)
    return response(...args)
  }
  return { store: redisReplayStore({ sendCommand, ...options }), sent }
}
const context = { nowMs: NOW_MS, jkt: 'j' }

describe('redisReplayStore', () => {
  it('reserves a key with one atomic command that has the remaining lifetime of the entry', async () => {
    const { store, sent } = createStore(async () => 'OK')
    expect(await store.reserve('key', NOW_MS + 1500.2, context)).toBe(true)
    expect(sent).toEqual([['SET', 'dpop:key', '1', 'NX', 'PX', '1501']])
  })

  it('uses the prefix and a lifetime of at least one millisecond', async () => {
    const { store, sent } = createStore(async () => 'OK', { prefix: '' })
    await store.reserve('key', NOW_MS - 10, context)
    expect(sent).toEqual([['SET', 'key', '1', 'NX', 'PX', '1']])
  })

  it('accepts the proof if Redis replies OK, as a string or as bytes, and rejects it on nil', async () => {
    for (const reply of ['OK', Buffer.from('OK')])
      expect(await createStore(async () => reply).store.reserve('k', NOW_MS + 1, context)).toBe(true)
    expect(await createStore(async () => null).store.reserve('k', NOW_MS + 1, context)).toBe(false)
  })

  it.each([undefined, '', 'QUEUED', 1, true, {}, []])('rejects with an error on any other reply: %j', async (reply) => {
    await expect(createStore(async () => reply).store.reserve('k', NOW_MS + 1, context)).rejects.toThrow(
      'Redis replied to SET with neither OK nor nil'
    )
  })

  it('rejects a proof that this process has reserved without a command until its entry expires', async () => {
    const { store, sent } = createStore(async () => 'OK')
    expect(await store.reserve('k', NOW_MS + 1000, context)).toBe(true)
    expect(await store.reserve('k', NOW_MS + 1000, { ...context, nowMs: NOW_MS + 1000 })).toBe(false)
    expect(sent).toHaveLength(1)
    expect(await store.reserve('k', NOW_MS + 9000, { ...context, nowMs: NOW_MS + 1001 })).toBe(true)
    expect(sent).toHaveLength(2)
  })

  it('caches at most 100 000 consumed proofs, and sends a command for an evicted one', async () => {
    const { store, sent } = createStore(async () => 'OK')
    const CAPACITY = 100_000
    for (let i = 0; i <= CAPACITY; i++) await store.reserve(`k${i}`, NOW_MS + 1000, context)
    expect(await store.reserve('k1', NOW_MS + 1000, context)).toBe(false)
    expect(sent).toHaveLength(CAPACITY + 1)
    await store.reserve('k0', NOW_MS + 1000, context)
    expect(sent).toHaveLength(CAPACITY + 2)
  })

  it('does not cache a proof as consumed if the command failed', async () => {
    const responses: Send[] = [() => Promise.reject(new Error('LOADING')), async () => 'OK']
    const { store } = createStore((...args) => (responses.shift() as Send)(...args))
    await expect(store.reserve('k', NOW_MS + 1000, context)).rejects.toThrow('LOADING')
    expect(await store.reserve('k', NOW_MS + 1000, context)).toBe(true)
  })

  it('rejects if the client throws synchronously', async () => {
    const { store } = createStore(() => {
      throw new Error('closed')
    })
    await expect(store.reserve('k', NOW_MS + 1000, context)).rejects.toThrow('closed')
  })

  it('rejects with a timeout error when Redis does not reply within timeoutMs', async () => {
    vi.useFakeTimers()
    const { store } = createStore(() => new Promise(() => {}), { timeoutMs: 50 })
    const verdict = expect(store.reserve('k', NOW_MS + 1000, context)).rejects.toThrow('Redis did not reply in time')
    await vi.advanceTimersByTimeAsync(50)
    await verdict
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('clears its timer when Redis replies in time, so that the process can exit', async () => {
    vi.useFakeTimers()
    for (const response of [async () => 'OK', async () => null, () => Promise.reject(new Error('LOADING'))]) {
      await Promise.allSettled([createStore(response).store.reserve('k', NOW_MS + 1000, context)])
      expect(vi.getTimerCount()).toBe(0)
    }
    vi.useRealTimers()
  })

  it.each<[string, () => Promise<unknown>]>([
    ['is an error', () => Promise.reject(new Error('Connection is closed'))],
    ['is OK', () => Promise.resolve('OK')]
  ])('ignores a reply that %s after the timeout, without an unhandled rejection', async (_title, reply) => {
    vi.useFakeTimers()
    onTestFinished(() => void vi.useRealTimers())
    const late = () => new Promise((resolve) => setTimeout(resolve, 80)).then(reply)
    const { store, sent } = createStore(late, { timeoutMs: 50 })
    const verdict = expect(store.reserve('k', NOW_MS + 1000, context)).rejects.toThrow('Redis did not reply in time')
    await vi.advanceTimersByTimeAsync(50)
    await verdict
    const unhandled: unknown[] = []
    const keep = (reason: unknown) => void unhandled.push(reason)
    process.on('unhandledRejection', keep)
    onTestFinished(() => void process.off('unhandledRejection', keep))
    await vi.advanceTimersByTimeAsync(50)
    vi.useRealTimers()
    await new Promise((resolve) => setImmediate(resolve))
    expect(unhandled).toEqual([])
    // Not cached as consumed: the command is sent again.
    const again = expect(store.reserve('k', NOW_MS + 1000, context)).rejects.toThrow('Redis did not reply in time')
    expect(sent).toHaveLength(2)
    await again
  })

  it('uses the clock of the platform without a context', async () => {
    const { store, sent } = createStore(async () => 'OK')
    vi.spyOn(Date, 'now').mockReturnValue(NOW_MS)
    await store.reserve('k', NOW_MS + 7)
    vi.restoreAllMocks()
    expect(sent[0]?.at(-1)).toBe('7')
  })

  it('has() sends EXISTS, which does not reserve', async () => {
    const { store, sent } = createStore(async (_command, key) => (key === 'dpop:a' ? 1 : 0))
    expect([await store.has?.('a'), await store.has?.('b')]).toEqual([true, false])
    expect(sent).toEqual([
      ['EXISTS', 'dpop:a'],
      ['EXISTS', 'dpop:b']
    ])
    await expect(createStore(() => Promise.reject(new Error('NOPERM'))).store.has?.('a')).rejects.toThrow('NOPERM')
    await expect(createStore(() => new Promise(() => {}), { timeoutMs: 1 }).store.has?.('a')).rejects.toThrow()
  })

  it('ready() sends the command of reserve(), so that a server that rejects it is detected at start-up', async () => {
    const { store, sent } = createStore(async () => 'OK')
    await store.ready?.()
    expect(sent).toEqual([['SET', 'dpop:ready', '1', 'NX', 'PX', '1']])
    await expect(createStore(() => Promise.reject(new Error('READONLY'))).store.ready?.()).rejects.toThrow('READONLY')
  })

  it.each<[object, string]>([
    [{}, '"sendCommand" must be a function'],
    [{ sendCommand: {} }, '"sendCommand" must be a function'],
    [{ sendCommand: () => {}, prefix: 7 }, '"prefix" must be a string'],
    [{ sendCommand: () => {}, timeoutMs: 0 }, '"timeoutMs" must be an integer from 1 to 60000'],
    [{ sendCommand: () => {}, url: 'redis://x' }, '"url" is not an option; known are sendCommand, prefix, timeoutMs']
  ])('rejects the options %j with a TypeError', (options, message) => {
    expect(() => redisReplayStore(options as never)).toThrow(new TypeError(message))
  })
})
