/** Minimum time between two requests to an authorization server. @module */

/** Minimum time between two attempts after a failure. */
export const RETRY_COOLDOWN_MS = 1_000
/** Minimum time between two refreshes that any request can cause. */
export const REFRESH_COOLDOWN_MS = 30_000

/**
 * Whether less than `spanMs` have passed since `sinceMs`. A `sinceMs` slightly in the future counts as within, because a request may be
 * older than the entry it reads. One further in the future does not, so that a clock that was set back does not block refreshes.
 */
export function isWithin(spanMs: number, sinceMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - sinceMs) < spanMs
}
