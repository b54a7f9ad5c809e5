/** Logs outages for the operator; the response has no details of them. @module */

import { LRUCache } from 'lru-cache'
import { outageLine } from '../../src/diagnostics/outage-line.js'
import { isDPoPUnavailableError } from '../../src/errors.js'

const LOG_INTERVAL_MS = 10_000

/** When each outage was logged last, by its line. */
const loggedAtMs = new LRUCache<string, number>({ max: 100 })

/**
 * Logs an outage with its causes, once per cause and ten seconds. The frameworks log such an error without its causes, or not at all.
 */
export function logOutage(error: unknown, log: (line: string) => void): void {
  if (!isDPoPUnavailableError(error)) return
  const line = `dpop-guard: ${outageLine(error.code, error.cause)}`
  const nowMs = Date.now()
  // The clock may have been set back.
  if (Math.abs(nowMs - (loggedAtMs.get(line) ?? Number.NEGATIVE_INFINITY)) < LOG_INTERVAL_MS) return
  loggedAtMs.set(line, nowMs)
  log(line)
}
