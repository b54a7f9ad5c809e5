import { redisReplayStore } from 'dpop-guard'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { NOW_MS } from '../support/world.js'

type Send = (...args: string[]) => Promise<unknown>
/** A store over a client of our own, and the commands that it sent. */
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
  it('is one atomic command with the remaining lifetime of the entry', async () => {
    const { store, sent } = createStore(async () => 'OK')
    expect(await store.reserve('key', NOW_MS + 1500.2, context)).toBe(true)
    expect(sent).toEqual([['SET', 'dpop:key', '1', 'NX', 'PX', '1501']])
  })

  it('uses the prefix and a lifetime of at least one millisecond', async () => {
    const { store, sent } = createStore(async () => 'OK', { prefix: '' })
    await store.reserve('key', NOW_MS - 10, context)
    expect(sent).toEqual([['SET', 'key', '1', 'NX', 'PX', '1']])
  })

  it('OK is the first use, as a string or as bytes; nil is a replay', async () => {
    for (const reply of ['OK', Buffer.from('OK')])
      expect(await createStore(async () => reply).store.reserve('k', NOW_MS + 1, context)).toBe(true)
    expect(await createStore(async () => null).store.reserve('k', NOW_MS + 1, context)).toBe(false)
  })

  it.each([undefined, '', 'QUEUED', 1, true, {}, []])('any other response is none: %j', async (reply) => {
    await expect(createStore(async () => reply).store.reserve('k', NOW_MS + 1, context)).rejects.toThrow(
      'Redis replied to SET with neither OK nor nil'
    )
  })

  it('a proof that this process saw consumed is rejected without a command until it expires', async () => {
    const { store, sent } = createStore(async () => 'OK')
    expect(await store.reserve('k', NOW_MS + 1000, context)).toBe(true)
    expect(await store.reserve('k', NOW_MS + 1000, { ...context, nowMs: NOW_MS + 1000 })).toBe(false)
    expect(sent).toHaveLength(1)
    expect(await store.reserve('k', NOW_MS + 9000, { ...context, nowMs: NOW_MS + 1001 })).toBe(true)
    expect(sent).toHaveLength(2)
  })

  it('caches at most 100 000 consumed proofs: the server decides about an evicted one', async () => {
    const { store, sent } = createStore(async () => 'OK')
    const CAPACITY = 100_000
    for (let i = 0; i <= CAPACITY; i++) await store.reserve(`k${i}`, NOW_MS + 1000, context)
    expect(await store.reserve('k1', NOW_MS + 1000, context)).toBe(false)
    expect(sent).toHaveLength(CAPACITY + 1)
    await store.reserve('k0', NOW_MS + 1000, context)
    expect(sent).toHaveLength(CAPACITY + 2)
  })

  it('what failed is not taken for used', async () => {
    const responses: Send[] = [() => Promise.reject(new Error('LOADING')), async () => 'OK']
    const { store } = createStore((...args) => (responses.shift() as Send)(...args))
    await expect(store.reserve('k', NOW_MS + 1000, context)).rejects.toThrow('LOADING')
    expect(await store.reserve('k', NOW_MS + 1000, context)).toBe(true)
  })

  it('a client that throws at once is the same', async () => {
    const { store } = createStore(() => {
      throw new Error('closed')
    })
    await expect(store.reserve('k', NOW_MS + 1000, context)).rejects.toThrow('closed')
  })

  it('a reply that does not come in time is none', async () => {
    vi.useFakeTimers()
    const { store } = createStore(() => new Promise(() => {}), { timeoutMs: 50 })
    const verdict = expect(store.reserve('k', NOW_MS + 1000, context)).rejects.toThrow('Redis did not reply in time')
    await vi.advanceTimersByTimeAsync(50)
    await verdict
    expect(vi.getTimerCount()).toBe(0)
    vi.useRealTimers()
  })

  it('one that comes in time leaves no timer behind, which would keep a process alive', async () => {
    vi.useFakeTimers()
    for (const response of [async () => 'OK', async () => null, () => Promise.reject(new Error('LOADING'))]) {
      await Promise.allSettled([createStore(response).store.reserve('k', NOW_MS + 1000, context)])
      expect(vi.getTimerCount()).toBe(0)
    }
    vi.useRealTimers()
  })

  it.each<[string, () => Promise<unknown>]>([
    ['fails', () => Promise.reject(new Error('Connection is closed'))],
    ['says OK', () => Promise.resolve('OK')]
  ])('a reply that %s after the timeout is ignored, and not an unhandled rejection', async (_title, reply) => {
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

  it('without a context the time is the platform’s', async () => {
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

  it('ready() sends a command of the kind that will be used, so that a server that cannot do it is noticed at the start', async () => {
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
    [{ sendCommand: () => {}, url: 'redis://x' }, '"url" is not an option; did you mean "prefix"?']
  ])('options: %j', (options, message) => {
    expect(() => redisReplayStore(options as never)).toThrow(new TypeError(message))
  })
})
