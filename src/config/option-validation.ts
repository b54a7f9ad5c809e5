/** Validates the types of option values. A TypeError names the option. @module */

/** Throws the TypeError of an invalid option. `must` completes the sentence: `be a function`. */
export function misconfigured(name: string, must: string): never {
  throw new TypeError(`"${name}" must ${must}`)
}

/** Validates that an object has only known keys. The error suggests a similar key. `path` is the prefix of the names, such as `'proof.'`. */
export function checkKeys<T extends object>(path: string, value: T, known: Readonly<Record<keyof T, true>>): T {
  const isObject = typeof value === 'object' && value !== null && !Array.isArray(value)
  if (!isObject) misconfigured(path.slice(0, -1) || 'options', 'be an object')
  for (const key of Object.keys(value)) {
    if (!Object.hasOwn(known, key)) unknownOption(path, key, Object.keys(known))
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

function unknownOption(path: string, key: string, known: readonly string[]): never {
  const similar = findSimilar(key, known)
  const help = similar === undefined ? `known are ${known.join(', ')}` : `did you mean "${path}${similar}"?`
  throw new TypeError(`"${path}${key}" is not an option; ${help}`)
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

/** Whether a host name is that of the local machine. */
export function isLoopback(hostname: string): boolean {
  return (
    hostname === 'localhost' || hostname.endsWith('.localhost') || hostname === '[::1]' || /^127\.\d+\.\d+\.\d+$/.test(hostname)
  )
}

/** The known key that starts like the word, else a similar one: it contains the word, or has a small distance. undefined if there is none. */
function findSimilar(word: string, known: readonly string[]): string | undefined {
  const lower = word.toLowerCase()
  const isPrefix = (key: string) => key.toLowerCase().startsWith(lower)
  const isSimilar = (key: string) => key.toLowerCase().includes(lower) || distance(word, key) <= Math.max(2, word.length / 3)
  const candidates = known.filter(known.some(isPrefix) ? isPrefix : isSimilar)
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
