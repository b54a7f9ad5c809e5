/** Timeouts of fetches that elapse on demand. */

import { onTestFinished, vi } from 'vitest'

/** Replaces `AbortSignal.timeout` until the end of the test. */
export function holdTimeouts() {
  const held: AbortController[] = []
  const spy = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
    const controller = new AbortController()
    held.push(controller)
    return controller.signal
  })
  onTestFinished(() => spy.mockRestore())
  return {
    /** The timeout of each fetch in milliseconds. */
    given: () => spy.mock.calls.map(([ms]) => ms),
    /** Aborts every fetch so far. */
    elapse() {
      for (const controller of held)
        controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    }
  }
}
