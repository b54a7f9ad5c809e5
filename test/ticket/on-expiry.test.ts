import { onExpiry } from 'dpop-guard/ticket'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'

const NOW = 1_800_000_000

describe('onExpiry ends a connection when its access token expires', () => {
  beforeEach(() => void vi.useFakeTimers({ now: NOW * 1000 }))
  afterEach(() => {
    vi.useRealTimers()
    vi.restoreAllMocks()
  })

  it('calls once, at exp', () => {
    const close = vi.fn()
    onExpiry(NOW + 60, close)
    vi.advanceTimersByTime(59_999)
    expect(close).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(close).toHaveBeenCalledOnce()
    vi.advanceTimersByTime(86_400_000)
    expect(close).toHaveBeenCalledOnce()
  })

  it.each([NOW, NOW - 60, Number.NaN, undefined])(
    'calls in the next timer turn for a token that has expired, or if exp is not a number: %d',
    (expiresAt) => {
      const close = vi.fn()
      onExpiry(expiresAt, close)
      expect(close).not.toHaveBeenCalled()
      vi.advanceTimersByTime(1)
      expect(close).toHaveBeenCalledOnce()
    }
  )

  it('does not call after it was canceled', () => {
    const close = vi.fn()
    onExpiry(NOW + 60, close)()
    vi.advanceTimersByTime(61_000)
    expect(close).not.toHaveBeenCalled()
    expect(vi.getTimerCount()).toBe(0)
  })

  it('a token of more than 24 days does not overflow the timer, and can be canceled after a renewal', () => {
    const close = vi.fn()
    const cancel = onExpiry(NOW + 60 * 86_400, close)
    onExpiry(NOW + 60 * 86_400, close)
    vi.advanceTimersByTime(30 * 86_400_000)
    expect(close).not.toHaveBeenCalled()
    cancel()
    vi.advanceTimersByTime(30 * 86_400_000)
    expect(close).toHaveBeenCalledOnce()
  })

  it('is called within a minute after the clock was set forward past exp', () => {
    const close = vi.fn()
    let nowMs = NOW * 1000
    onExpiry(NOW + 3600, close, () => nowMs)
    nowMs += 3_600_000
    vi.advanceTimersByTime(59_999)
    expect(close).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(close).toHaveBeenCalledOnce()
  })

  it('calls later if the clock was set back', () => {
    const close = vi.fn()
    let nowMs = NOW * 1000
    onExpiry(NOW + 60, close, () => nowMs)
    vi.advanceTimersByTime(60_000)
    expect(close).not.toHaveBeenCalled()
    nowMs += 60_000
    vi.advanceTimersByTime(60_000)
    expect(close).toHaveBeenCalledOnce()
  })
})

describe('the timer', () => {
  afterEach(() => vi.restoreAllMocks())

  it('does not keep the process running', () => {
    const unref = vi.fn()
    vi.spyOn(globalThis, 'setTimeout').mockReturnValue({ unref } as unknown as NodeJS.Timeout)
    onExpiry(NOW, () => {})
    expect(unref).toHaveBeenCalledOnce()
  })

  it('may be a number, as on runtimes other than Node.js', () => {
    vi.spyOn(globalThis, 'setTimeout').mockReturnValue(7 as unknown as NodeJS.Timeout)
    const clear = vi.spyOn(globalThis, 'clearTimeout').mockReturnValue()
    onExpiry(NOW, () => {})()
    expect(clear).toHaveBeenCalledWith(7)
  })
})
