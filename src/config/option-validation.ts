/** Validates the types of option values. A TypeError names the option. @module */

/** Throws the TypeError of an invalid option. `must` completes the sentence: `be a function`. */
export function misconfigured(name: string, must: string): never {
  throw new TypeError(`"${name}" must ${must}`)
}

/** Validates that an object has only known keys. The error suggests the most similar key. `path` is the prefix of the names, such as `'proof.'`. */
export function checkKeys<T extends object>(path: string, value: T, known: Readonly<Record<keyof T, true>>): T {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject) misconfigured(path.slice(0, -1) || 'options', 'be an object')
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(known, key)) unknownOption(`${path}${key}`, `${path}${nearest(key, Object.keys(known))}`)
  }
  return value
}

/**
 * Throws if a function of the options returned a promise where a value is required. A rejection of the promise is handled, because it
 * would end the process.
 */
export function checkNotPromise<T>(name: string, result: T): T {
  if (!(result instanceof Promise)) return result
  result.catch(() => {})
  return misconfigured(name, 'not return a promise')
}

function unknownOption(name: string, known: string): never {
  throw new TypeError(`"${name}" is not an option; did you mean "${known}"?`)
}

/** One validator for each type. `undefined` results in the default. */
export const check = {
  flag(name: string, value: unknown): boolean {
    if (value === undefined) return false
    return typeof value === 'boolean' ? value : misconfigured(name, 'be true or false')
  },

  integer(name: string, value: unknown, { min, max, otherwise }: { min: number; max: number; otherwise: number }): number {
    if (value === undefined) return otherwise
    const isInRange = Number.isInteger(value) && (value as number) >= min && (value as number) <= max
    return isInRange ? (value as number) : misconfigured(name, `be an integer from ${min} to ${max}`)
  },

  oneOf<T extends string>(name: string, value: unknown, known: readonly T[]): T | undefined {
    if (value === undefined) return undefined
    return known.find((item) => item === value) ?? misconfigured(name, `be one of ${known.join(', ')}`)
  },

  listOf<T extends string>(name: string, value: unknown, known: readonly T[]): readonly T[] | undefined {
    if (value === undefined) return undefined
    if (!Array.isArray(value) || value.length === 0) misconfigured(name, `be a non-empty array of ${known.join(', ')}`)
    const items = value.map(
      (item) => known.find((one) => one === item) ?? misconfigured(name, `contain only ${known.join(', ')}`)
    )
    return Object.freeze([...new Set(items)])
  },

  strings(name: string, value: unknown): readonly string[] {
    const items = [value].flat()
    const isValid = items.length > 0 && items.every((item) => typeof item === 'string' && item !== '')
    return isValid
      ? Object.freeze(items as string[])
      : misconfigured(name, 'be a non-empty string or an array of non-empty strings')
  },

  func<T>(name: string, value: T | undefined): T | undefined {
    return value === undefined || typeof value === 'function' ? value : misconfigured(name, 'be a function')
  },

  /** An https URL. http is accepted for loopback, or if `allowHttp` is true. */
  url(name: string, value: unknown, allowHttp: boolean): URL {
    if (typeof value !== 'string' || !URL.canParse(value)) misconfigured(name, 'be an absolute URL')
    const url = new URL(value)
    const isSafe = url.protocol === 'https:' || (url.protocol === 'http:' && (allowHttp || isLoopback(url.hostname)))
    if (!isSafe) misconfigured(name, 'be an https URL (http only on loopback, or with "dangerouslyAllowInsecureRequests")')
    if (url.username !== '' || url.password !== '' || url.hash !== '')
      misconfigured(name, 'have no user information and no fragment')
    return url
  }
}

function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}

/** The known key that starts like the word, else the one with the smallest distance. */
function nearest(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase()
  const isPrefix = (key: string) => key.toLowerCase().startsWith(lower)
  const candidates = known.some(isPrefix) ? known.filter(isPrefix) : known
  return candidates.toSorted((a, b) => distance(word, a) - distance(word, b))[0]
}

/** Levenshtein distance, case-insensitive. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, j) => j)
  for (const [i, charA] of [...a.toLowerCase()].entries()) {
    const next = [i + 1]
    for (const [j, charB] of [...b.toLowerCase()].entries()) {
      const [left, above, diagonal] = [next[j] as number, row[j + 1] as number, row[j] as number]
      next.push(Math.min(left + 1, above + 1, diagonal + (charA === charB ? 0 : 1)))
    }
    row = next
  }
  return row[b.length] as number
}
