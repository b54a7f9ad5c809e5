/** Copies strings out of larger ones. @module */

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A copy that does not reference the string it was sliced from; a slice would keep the whole header in memory. */
export function copyString(value: string): string {
  return decoder.decode(encoder.encode(value))
}
