/** A small thing about strings. @module */

const encoder = new TextEncoder()
const decoder = new TextDecoder()

/** A copy of its own: a substring of a header keeps the whole header in memory for as long as it lives. */
export function unpinned(text: string): string {
  return decoder.decode(encoder.encode(text))
}
