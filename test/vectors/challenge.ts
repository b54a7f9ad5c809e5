/** A strict reader of challenges (RFC 9110 §11.2, §11.3, §5.6.4; RFC 6750 §3). @module */

/** One challenge, its parameter names in lower case. */
export interface Challenge {
  readonly scheme: string
  readonly params: ReadonlyMap<string, string>
}

const token = "[!#$%&'*+.^_`|~0-9A-Za-z-]+"
const scheme = new RegExp(`^(${token}) +`)
// RFC 6750 §3 leaves out what would have to be escaped: values are %x20-21 / %x23-5B / %x5D-7E.
const param = new RegExp(`(${token})="([\\x20-\\x21\\x23-\\x5b\\x5d-\\x7e]*)"(, )?`, 'y')

/** The one challenge of a line; throws for a line that the grammar does not allow, or that names a parameter twice. */
export function parseChallenge(line: string): Challenge {
  const start = scheme.exec(line)
  if (start === null) throw new SyntaxError(`Not a challenge with a parameter: ${line}`)
  const params = new Map<string, string>()
  param.lastIndex = start[0].length
  for (let isLast = false; !isLast; ) {
    const match = param.exec(line)
    if (match === null) throw new SyntaxError(`Not a list of parameters: ${line}`)
    const name = (match[1] as string).toLowerCase()
    if (params.has(name)) throw new SyntaxError(`Twice the parameter ${name}: ${line}`)
    params.set(name, match[2] as string)
    isLast = match[3] === undefined
    if (isLast && match.index + match[0].length !== line.length) throw new SyntaxError(`Something behind the challenge: ${line}`)
  }
  return { scheme: start[1] as string, params }
}
