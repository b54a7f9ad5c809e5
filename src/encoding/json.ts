/** What we do with JSON that others sent. @module */

/** A JSON object; members are whatever the sender put in. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Freezes a value and everything in it, however deep: results are shared between requests. */
export function deepFreeze<T extends object>(value: T): T {
  let open: object[] | undefined
  for (let next: object | undefined = value; next !== undefined; next = open?.pop()) {
    Object.freeze(next)
    // Most claims are flat, and a list of what is still open is then not needed. JSON has own members only.
    for (const name in next) {
      const member = (next as JsonObject)[name]
      if (typeof member !== 'object' || member === null) continue
      open ??= []
      open.push(member)
    }
  }
  return value
}
