/** Prints values of a request for operators. @module */

const MAX_LENGTH = 200

/** A string in quotes, shortened, with characters outside of printable ASCII replaced; for other values their type. */
export function printable(value: unknown): string {
  return Array.isArray(value) && value.length <= 10 ? `[${value.map(printableMember).join(', ')}]` : printableMember(value)
}

/** Arrays in arrays are not printed: a client can nest thousands. */
function printableMember(value: unknown): string {
  if (typeof value === 'string') {
    const ascii = value.slice(0, MAX_LENGTH).replace(/[^ -~]/g, '?')
    return JSON.stringify(value.length > MAX_LENGTH ? `${ascii}…` : ascii)
  }
  if (Array.isArray(value)) return `an array of ${value.length}`
  return value === null ? 'null' : typeof value
}

/** A text with control and format characters replaced, which could change what a terminal shows. */
export function onOneLine(text: string): string {
  return text.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, '?')
}
