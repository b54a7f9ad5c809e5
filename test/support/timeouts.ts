/** The time that a fetch has, which elapses when a test says so. */

import { onTestFinished, vi } from 'vitest'

/** Stands in for `AbortSignal.timeout` until the end of the test. */
export function holdTimeouts() {
  const held: AbortController[] = []
  const spy = vi.spyOn(AbortSignal, 'timeout').mockImplementation(() => {
    const controller = new AbortController()
    held.push(controller)
    return controller.signal
  })
  onTestFinished(() => spy.mockRestore())
  return {
    /** How long each fetch was given, in milliseconds. */
    given: () => spy.mock.calls.map(([ms]) => ms),
    /** The time of every fetch so far is over. */
    elapse() {
      for (const controller of held)
        controller.abort(new DOMException('The operation was aborted due to timeout', 'TimeoutError'))
    }
  }
}
