/** Parses a raw HTTP request, as copied from the log of a browser, a proxy or curl. @module */

/** A parsed request. */
export interface RawRequest {
  readonly method: string
  /** The request target, or an absolute URL. */
  readonly target: string
  /** The value of `:scheme`. */
  readonly scheme?: string
  readonly headers: readonly (readonly [string, string])[]
}

const requestLine = /^([!#$%&'*+.^_`|~0-9A-Za-z-]+) +(\S+)(?: +HTTP\/\d(?:\.\d)?)?$/
const fieldLine = /^(:?[!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*)$/

/**
 * Accepts CRLF and LF, folded lines, the output of `curl -v`, and the pseudo-header fields of HTTP/2 instead of a request line. The body is
 * ignored.
 *
 * @throws SyntaxError that says what is wrong with the input
 */
export function parseRawRequest(input: string): RawRequest {
  const lines = headLines(input)
  const [first] = lines
  if (first === undefined) throw new SyntaxError('The input is empty; expected an HTTP request')
  const start = requestLine.exec(first)
  const fields = (start === null ? lines : lines.slice(1)).map(parseField)
  const pseudo = (name: string) => fields.find(([field]) => field === name)?.[1]
  const method = start?.[1] ?? pseudo(':method')
  const target = start?.[2] ?? pseudo(':path')
  if (method === undefined || target === undefined)
    throw new SyntaxError(
      'The first line must be a request line, such as "GET /notes HTTP/1.1", or :method and :path must be present'
    )
  const scheme = pseudo(':scheme')
  const headers = fields.filter(([name]) => !name.startsWith(':') || name === ':authority')
  return { method, target, ...(scheme !== undefined && { scheme }), headers }
}

/** The lines before the body, with folded lines joined. Of the output of curl, those that it sent. */
function headLines(input: string): string[] {
  const all = input.replace(/^\s+/, '').split(/\r\n|\n|\r/)
  const isSent = (line: string) => line.startsWith('>')
  const lines: string[] = []
  for (const raw of all.some(isSent) ? all.filter(isSent) : all) {
    const line = raw.replace(/^> ?/, '')
    if (line.trim() === '') break
    if (/^[ \t]/.test(line) && lines.length > 0) lines.push(`${lines.pop()} ${line.trim()}`)
    else lines.push(line.trimEnd())
  }
  return lines
}

/** The error does not repeat the line, which may be a token. */
function parseField(line: string): readonly [string, string] {
  const match = fieldLine.exec(line)
  if (match === null)
    throw new SyntaxError('Each line after the request line must be a header field, such as "Host: api.example"')
  return [match[1] as string, match[2] as string]
}
