/** A small thing about strings. @module */

/** A copy of its own: a substring of a header keeps the whole header in memory for as long as it lives. */
export function unpinned(text: string): string {
  return new TextDecoder().decode(new TextEncoder().encode(text))
}
