/** Prints values of a request for operators. @module */

const MAX_LENGTH = 200

/** A string in quotes, shortened, with characters outside of printable ASCII replaced; for other values their type. */
export function printable(value: unknown): string {
  if (typeof value === 'string') {
    const ascii = value.slice(0, MAX_LENGTH).replace(/[^ -~]/g, '?')
    return JSON.stringify(value.length > MAX_LENGTH ? `${ascii}…` : ascii)
  }
  if (Array.isArray(value)) return value.length > 10 ? `an array of ${value.length}` : `[${value.map(printable).join(', ')}]`
  return value === null ? 'null' : typeof value
}
