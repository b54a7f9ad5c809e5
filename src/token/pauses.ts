/** How often an authorization server is asked what it could not tell, or need not tell again. @module */

/** Least time between two attempts after one that failed. */
export const RETRY_PAUSE_MS = 1_000
/** Least time between two looks for something newer that any request can cause. */
export const FRESH_LOOK_PAUSE_MS = 30_000

/**
 * Whether less than `spanMs` have passed. A request that is older than what it looks at counts as within; a clock that was set back
 * further than that does not, so that nobody waits until it has caught up.
 */
export function isWithin(spanMs: number, sinceMs: number, nowMs: number): boolean {
  return Math.abs(nowMs - sinceMs) < spanMs
}
