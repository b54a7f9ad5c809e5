/** Validates NumericDate values of JWT claims. @module */

/** RFC 7519 §2: seconds since the epoch, not necessarily an integer. Values above 2^53 / 1000 are rejected: they are inexact in milliseconds. */
export function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER / 1000
}
