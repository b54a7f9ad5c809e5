/** Ends a connection when its access token expires. @module */

/** The clock is read again after this time, because it may have been set forward. */
const MAX_DELAY_MS = 60_000

/**
 * Calls `close` once when the access token has expired, for connections that were verified only at their start. At once for a token
 * that has already expired or has no `exp`, so that the connection is not open forever. The timer does not keep the process running.
 *
 * @param expiresAt seconds since the epoch: `claims.exp` of a verified request, or `expiresAt` of a redeemed ticket
 * @param clock milliseconds since the epoch
 * @returns cancels the call; for connections that end earlier
 */
export function onExpiry(expiresAt: number | undefined, close: () => void, clock: () => number = Date.now): () => void {
  const expiresAtMs = (expiresAt ?? 0) * 1000
  let timer: ReturnType<typeof setTimeout>
  const wait = () => {
    timer = setTimeout(check, Math.min(Math.max(expiresAtMs - clock(), 0), MAX_DELAY_MS))
    // Timers of Node.js are objects, those of other runtimes are numbers.
    if (typeof timer === 'object') timer.unref()
  }
  // A timer may fire early, and the clock may have been set back.
  const check = () => {
    if (expiresAtMs > clock()) wait()
    else close()
  }
  wait()
  return () => clearTimeout(timer)
}
