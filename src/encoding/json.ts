/** The type of parsed JSON objects, a test for plain objects, and a deep freeze for them. @module */

/** A parsed JSON object whose members are not validated. */
export type JsonObject = Readonly<Record<string, unknown>>

/** Whether a value is an object of no class: not an array, a Map or an instance. */
export function isPlainObject(value: unknown): value is JsonObject {
  if (typeof value !== 'object' || value === null) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === Object.prototype || prototype === null
}

/** Freezes a value of any depth, because cached results are shared between requests. */
export function deepFreeze<T extends object>(value: T): T {
  let pending: object[] | undefined
  for (let next: object | undefined = value; next !== undefined; next = pending?.pop()) {
    Object.freeze(next)
    // Most claims are flat, so the stack is allocated on demand.
    for (const member of Object.values(next)) {
      if (typeof member !== 'object' || member === null) continue
      pending ??= []
      pending.push(member)
    }
  }
  return value
}
