/** HTTP/1.1 and HTTP/2 clients that send a request byte for byte and expose every field line of the response. */

import { once } from 'node:events'
import { connect as connectHttp2, constants } from 'node:http2'
import { connect } from 'node:net'

/** A header field line: name and value. */
export type HeaderLine = readonly [name: string, value: string]

interface RawRequest {
  readonly port: number
  readonly method: string
  /** The request target, byte for byte. */
  readonly target: string
  /** Every line as it is to be sent, `Host` included. */
  readonly headers: readonly HeaderLine[]
  readonly body?: string
}

export interface RawResponse {
  readonly status: number
  readonly headers: readonly HeaderLine[]
  readonly body: string
  /** The response as received. */
  readonly text: string
  /** The field lines of a header field. */
  lines(name: string): string[]
}

export type Send = (request: RawRequest) => Promise<RawResponse>

/** HTTP/1.1 over a raw socket. Strings are Latin-1, so that one character is one byte. */
export const sendHttp1: Send = async ({ port, method, target, headers, body = '' }) => {
  const socket = connect(port, '127.0.0.1')
  const lines = [...headers, ['Content-Length', String(body.length)], ['Connection', 'close']]
  const head = lines.map(([name, value]) => `${name}: ${value}\r\n`).join('')
  socket.write(`${method} ${target} HTTP/1.1\r\n${head}\r\n${body}`, 'latin1')
  let text = ''
  for await (const chunk of socket.setEncoding('latin1')) text += chunk
  const [start = '', rest = ''] = splitOnce(text, '\r\n\r\n')
  const [statusLine = '', ...fieldLines] = start.split('\r\n')
  const fields = fieldLines.map((line) => splitOnce(line, ': '))
  const isChunked = fields.some(([name, value]) => name.toLowerCase() === 'transfer-encoding' && value === 'chunked')
  return toResponse(Number(statusLine.split(' ')[1]), fields, isChunked ? dechunk(rest) : rest, text)
}

/** HTTP/2 without TLS. `Host` becomes `:authority`, and repeated field lines are kept. */
export const sendHttp2: Send = async ({ port, method, target, headers, body }) => {
  const session = connectHttp2(`http://127.0.0.1:${port}`)
  const fields: Record<string, string[]> = {}
  for (const [name, value] of headers) fields[name.toLowerCase()] = [...(fields[name.toLowerCase()] ?? []), value]
  const { host = [], ...others } = fields
  const stream = session.request({
    [constants.HTTP2_HEADER_METHOD]: method,
    [constants.HTTP2_HEADER_PATH]: target,
    [constants.HTTP2_HEADER_AUTHORITY]: host.join(),
    ...Object.fromEntries(Object.entries(others).map(([name, lines]) => [name, lines.length > 1 ? lines : lines.join()]))
  })
  stream.setEncoding('utf8').end(body)
  const [received, , rawHeaders] = (await once(stream, 'response')) as [Record<string, string>, number, string[]]
  let text = ''
  for await (const chunk of stream) text += chunk
  session.close()
  const lines: HeaderLine[] = []
  for (let i = 0; i < rawHeaders.length; i += 2) lines.push([rawHeaders[i] as string, rawHeaders[i + 1] as string])
  return toResponse(Number(received[constants.HTTP2_HEADER_STATUS]), lines, text, `${rawHeaders.join('\n')}\n\n${text}`)
}

function toResponse(status: number, headers: readonly HeaderLine[], body: string, text: string): RawResponse {
  const lines = (name: string) =>
    headers.filter(([field]) => field.toLowerCase() === name.toLowerCase()).map(([, value]) => value)
  return { status, headers, body, text, lines }
}

function splitOnce(text: string, by: string): [before: string, after: string] {
  const at = text.indexOf(by)
  return at === -1 ? [text, ''] : [text.slice(0, at), text.slice(at + by.length)]
}

/** RFC 9112 §7.1 */
function dechunk(text: string): string {
  const [size, rest] = splitOnce(text, '\r\n')
  const length = Number.parseInt(size, 16)
  return length > 0 ? rest.slice(0, length) + dechunk(rest.slice(length + 2)) : ''
}
