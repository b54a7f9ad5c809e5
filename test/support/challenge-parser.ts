/** A strict parser of WWW-Authenticate (RFC 9110 §11.6.1, §11.2, §5.6): returns a value or throws. */

/** One challenge. Names are in lower case, values without their quotes. */
export interface Challenge {
  readonly scheme: string
  readonly params: Readonly<Record<string, string>>
}

const tchar = /[!#$%&'*+.^_`|~\dA-Za-z-]/
/** RFC 9110 §5.6.4: qdtext = HTAB / SP / %x21 / %x23-5B / %x5D-7E / obs-text; obs-text should not be sent, so it is an error here. */
const qdtext = /[\t !#-[\]-~]/

/** The character sets of the parameters of RFC 6750 §3, and of `algs` of RFC 9449 §7.1. */
const charsets: Readonly<Record<string, RegExp>> = {
  error: /^[ !#-[\]-~]+$/,
  error_description: /^[ !#-[\]-~]+$/,
  scope: /^[!#-[\]-~]+( [!#-[\]-~]+)*$/,
  algs: /^[\w-]+( [\w-]+)*$/
}

/** Parses the challenges of one field line. Every parameter value must be a quoted-string, as in RFC 6750 and RFC 9449. */
export function parseChallenges(line: string): Challenge[] {
  let at = 0
  const fail = (what: string): never => {
    throw new Error(`${what} at ${at} of ${JSON.stringify(line)}`)
  }
  const token = (): string => {
    const start = at
    while (at < line.length && tchar.test(line[at] as string)) at++
    return at > start ? line.slice(start, at) : fail('no token')
  }
  const quoted = (): string => {
    if (line[at++] !== '"') fail('no quoted-string')
    const start = at
    while (at < line.length && line[at] !== '"') if (!qdtext.test(line[at++] as string)) fail('not qdtext')
    if (at >= line.length) fail('an open quoted-string')
    return line.slice(start, at++)
  }

  const challenges: { scheme: string; params: Record<string, string> }[] = []
  while (at < line.length) {
    let word = token()
    if (line[at] !== '=') {
      if (line[at++] !== ' ') fail('no space after the scheme')
      challenges.push({ scheme: word, params: {} })
      word = token()
    }
    const params = challenges.at(-1)?.params ?? fail('a parameter without scheme')
    if (line[at++] !== '=') fail('a parameter without value')
    const name = word.toLowerCase()
    if (Object.hasOwn(params, name)) fail('a parameter that is there twice')
    params[name] = quoted()
    if (charsets[name]?.test(params[name]) === false) fail(`an invalid ${name}`)
    if (at === line.length) break
    if (!line.startsWith(', ', at)) fail('no separator')
    at += 2
    if (at === line.length) fail('an empty element')
  }
  if (challenges.length === 0) fail('no challenge')
  return challenges
}

/** The challenges in the header fields of an error: one field line or several, each with exactly one challenge. */
export function challengesOf(headers: Readonly<Record<string, string | readonly string[]>>): Challenge[] {
  return [headers['WWW-Authenticate'] ?? []].flat().map((line) => {
    const challenges = parseChallenges(line)
    if (challenges.length !== 1) throw new Error(`not one challenge a line: ${line}`)
    return challenges[0] as Challenge
  })
}
