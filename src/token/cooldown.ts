/** Minimum time between two requests to an authorization server. @module */

/** Minimum time between two attempts after a failure. */
export const RETRY_COOLDOWN_MS = 1_000
/** Minimum time between two refreshes that requests with unknown keys can cause, whatever they contain. */
export const REFRESH_COOLDOWN_MS = 3_000
/** Minimum time between two discoveries of an endpoint that fails. */
export const REDISCOVERY_COOLDOWN_MS = 30_000
/** Minimum time between two refreshes for the same unknown key. A key that was published since is accepted after this time. */
export const LOOKUP_COOLDOWN_MS = 5_000

/**
 * Whether less than `spanMs` have passed since `sinceMs`. A `sinceMs` slightly in the future counts as within, because a request may be
 * older than the entry it reads. One further in the future does not, so that a clock that was set back does not block refreshes.
 */
export function isWithin(spanMs: number, sinceMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - sinceMs) < spanMs
}
