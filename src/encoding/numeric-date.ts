/** Points in time as JWTs have them. @module */

/** RFC 7519 §2: a number of seconds since the epoch, whole or not. Beyond 2^53 / 1000 seconds no arithmetic is exact. */
export function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER / 1000
}
