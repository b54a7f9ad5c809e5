/** Compares and copies plain objects and arrays, such as options. @module */

import { isPlainObject, type JsonObject } from './json.js'

/** Plain objects and arrays are compared by their members; anything else, such as a store or a function, by identity. */
export function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
}

/** Copies plain objects and arrays; anything else is kept. */
export function copyPlain<T>(value: T): T {
  if (!isPlain(value)) return value
  const members = Object.entries(value).map(([key, member]) => [key, copyPlain(member)] as const)
  return (Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members)) as T
}

function isPlain(value: unknown): value is JsonObject {
  return Array.isArray(value) || isPlainObject(value)
}
