/** What we do with JSON that others sent. @module */

/** A JSON object; members are whatever the sender put in. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Freezes a value and everything in it, however deep: results are shared between requests. */
export function deepFreeze<T extends object>(value: T): T {
  const open: object[] = [value]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    for (const member of Object.values(Object.freeze(next))) {
      if (typeof member === 'object' && member !== null) open.push(member)
    }
  }
  return value
}
