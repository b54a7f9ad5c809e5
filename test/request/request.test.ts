import { once } from 'node:events'
import { createServer, request as httpRequest, type IncomingMessage } from 'node:http'
import http2 from 'node:http2'
import { type AddressInfo, connect } from 'node:net'
import type { RequestLike } from 'dpop-guard'
import { describe, expect, it, onTestFinished } from 'vitest'
import { type IncomingRequest, readRequest } from '../../src/request/request.js'

const READ: IncomingRequest = {
  ...{ method: 'GET', target: '/r?a', authority: 'rs.example' },
  ...{ authorization: ['DPoP abc'], dpop: ['h.p.s'], isWebSocketUpgrade: false }
}

/** The result of `readRequest`: the value, or what it throws. */
function attempt(request: unknown, target?: string): unknown {
  try {
    return readRequest(request as RequestLike, target)
  } catch (reason) {
    return reason
  }
}

/** Sends raw bytes to an HTTP/1.1 server and returns what `readRequest` reads from its request object. */
async function overHttp(lines: string[]): Promise<unknown> {
  let seen: unknown
  const server = createServer((request, response) => {
    seen = attempt(request)
    response.end()
  }).listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  socket.write([...lines, 'Connection: close', '', ''].join('\r\n'))
  socket.resume()
  await once(socket, 'close')
  return seen
}

/** The same over HTTP/2. */
async function overHttp2(headers: http2.OutgoingHttpHeaders): Promise<unknown> {
  let seen: unknown
  const server = http2.createServer((request, response) => {
    seen = attempt(request)
    response.end()
  })
  server.listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const client = http2.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  onTestFinished(() => client.close())
  const stream = client.request(headers)
  stream.resume()
  await once(stream, 'close')
  return seen
}

describe('a Node request over HTTP/1.1', () => {
  it('is read as sent, with case-insensitive field names', async () => {
    expect(await overHttp(['GET /r?a HTTP/1.1', 'hOST: rs.example', 'AUTHORIZATION: DPoP abc', 'dpop: h.p.s'])).toEqual(READ)
  })

  it('is read with every field line, also of fields of which Node.js keeps only the first', async () => {
    const lines = ['Host: rs.example', 'Authorization: DPoP abc', 'Authorization: Bearer def', 'DPoP: one', 'dpop: two']
    expect(await overHttp(['GET / HTTP/1.1', ...lines])).toMatchObject({
      authorization: ['DPoP abc', 'Bearer def'],
      dpop: ['one', 'two']
    })
  })

  it('is rejected with two Host field lines (RFC 9112 §3.2)', async () => {
    expect(await overHttp(['GET / HTTP/1.1', 'Host: rs.example', 'Host: evil.example'])).toMatchObject({
      code: 'ERR_DPOP_REQUEST_MALFORMED'
    })
  })

  it('is read with its method and target unchanged', async () => {
    expect(await overHttp(['PROPFIND http://evil/a/../b#c HTTP/1.1', 'Host: x'])).toMatchObject({
      method: 'PROPFIND',
      target: 'http://evil/a/../b#c'
    })
  })
})

describe('a Node request over HTTP/2 (RFC 9113 §8.3.1)', () => {
  it('is read with :authority as its authority', async () => {
    const headers = { ':path': '/r?a', ':authority': 'rs.example', authorization: 'DPoP abc', dpop: 'h.p.s' }
    expect(await overHttp2(headers)).toEqual(READ)
  })

  it('is rejected if Host differs from :authority', async () => {
    const headers = { ':path': '/', ':authority': 'rs.example' }
    expect(await overHttp2({ ...headers, host: 'RS.example' })).toMatchObject({ authority: 'rs.example' })
    expect(await overHttp2({ ...headers, host: 'evil.example' })).toMatchObject({ code: 'ERR_DPOP_REQUEST_MALFORMED' })
  })
})

describe('a Node request that a framework or a test creates', () => {
  const emulated = { method: 'GET', url: '/r?a', rawHeaders: [], headers: {} }

  it('is read from headers if rawHeaders is empty, with lists as field lines', () => {
    const headers = { host: 'rs.example', authorization: 'DPoP abc', dpop: ['h.p.s'], 'x-other': undefined }
    expect(readRequest({ ...emulated, headers })).toEqual(READ)
    expect(readRequest({ ...emulated, headers: { ...headers, DPoP: undefined } })).toEqual(READ)
    expect(readRequest({ ...emulated, headers: { dpop: ['a', 'b'] } })).toMatchObject({ authority: undefined, dpop: ['a', 'b'] })
  })

  it('has originalUrl as its target instead of url, and a target of the call instead of both', () => {
    const cut = { ...emulated, url: '/r', originalUrl: '/mount/r' }
    expect(readRequest(cut).target).toBe('/mount/r')
    expect(readRequest(cut, '/given').target).toBe('/given')
  })

  it('is rejected with two :authority fields', () => {
    expect(attempt({ ...emulated, rawHeaders: [':authority', 'a', ':authority', 'a'] })).toMatchObject({
      code: 'ERR_DPOP_REQUEST_MALFORMED'
    })
  })

  it.each<[string, object]>([
    ['no method', { method: undefined }],
    ['no url', { url: undefined }],
    ['an odd number of raw headers', { rawHeaders: ['authorization'] }],
    ['raw headers that are not a list', { rawHeaders: undefined }],
    ['a header that is a number', { headers: { dpop: 1 } }],
    ['a list with null', { headers: { dpop: [null] } }]
  ])('results in a TypeError, hence in 503, with %s', (_title, extra) => {
    expect(attempt({ ...emulated, ...extra })).toBeInstanceOf(TypeError)
  })
})

describe('a Fetch Request', () => {
  it('is read with the host of its URL as its authority, which is not part of the target', () => {
    const headers = { Authorization: 'DPoP abc', DPoP: 'h.p.s' }
    expect(readRequest(new Request('https://RS.example:443/r?a#f', { headers }))).toEqual(READ)
    expect(readRequest(new Request('https://rs.example:8443/'))).toMatchObject({
      authority: 'rs.example:8443',
      authorization: [],
      dpop: []
    })
  })

  it('has repeated fields joined with a comma, which credentials cannot contain', () => {
    const headers = new Headers([
      ['dpop', 'a'],
      ['DPoP', 'b']
    ])
    expect(readRequest(new Request('https://rs.example/', { headers })).dpop).toEqual(['a, b'])
  })

  it('results in a TypeError with an invalid URL', () => {
    expect(attempt({ method: 'GET', url: '/r', headers: new Headers() })).toBeInstanceOf(TypeError)
  })
})

describe('a plain request', () => {
  const plain = { method: 'GET', target: '/r?a' }
  const pairs: [string, string][] = [
    ['Host', 'rs.example'],
    ['Authorization', 'DPoP abc'],
    ['DPoP', 'h.p.s'],
    ['X-Other', 'x']
  ]
  it.each([
    ['a record', Object.fromEntries(pairs)],
    ['Fetch Headers', new Headers(pairs)],
    ['a Map', new Map(pairs)],
    ['pairs', pairs]
  ])('is read with headers as %s', (_title, headers) => {
    expect(readRequest({ ...plain, headers })).toEqual(READ)
  })

  it('is read with all repeated field lines: in pairs, in lists, and under names that differ only in case', () => {
    const twice = [...pairs, ['dpop', 'second'] as const]
    expect(readRequest({ ...plain, headers: twice }).dpop).toEqual(['h.p.s', 'second'])
    expect(readRequest({ ...plain, headers: { DPoP: ['a', 'b'], dpop: 'c' } }).dpop).toEqual(['a', 'b', 'c'])
  })

  it('ignores header fields whose names have the same length as DPoP, Host, :authority or Authorization', () => {
    const headers = { accept: 'x', date: 'x', range: 'x', ':authoritY': 'x', 'accept-range': 'x', 'cache-control': 'x', '': 'x' }
    expect(readRequest({ ...plain, headers })).toMatchObject({ authority: undefined, authorization: [], dpop: [] })
  })
})

describe('anything else is a TypeError, which results in 503', () => {
  const plain = { method: 'GET', target: '/' }
  it.each<[string, object]>([
    [
      'The request must be a Fetch Request, a Node IncomingMessage, or { method, target, headers }',
      { method: 'GET', headers: {} }
    ],
    ['The headers of the request must be a record, or iterable', { ...plain, headers: { get: () => 'DPoP abc' } }],
    ['The header lines of the request must be pairs of name and value', { ...plain, headers: ['DPoP', 'h.p.s'] }],
    ['The header lines of the request must be strings', { ...plain, headers: { dpop: 1 } }],
    ['The method and the target of the request must be strings', { ...plain, method: 1, headers: {} }]
  ])('with the message %s', (message, request) => {
    expect(attempt(request)).toEqual(new TypeError(message))
  })

  it.each([
    [undefined],
    [null],
    ['GET /'],
    [1],
    [{}],
    [[]],
    [() => {}],
    [{ method: 'GET' }],
    [{ method: 'GET', target: '/' }],
    [{ method: 'GET', target: '/', headers: null }],
    [{ method: 'GET', target: '/', headers: 'x' }],
    [{ method: 1, target: '/', headers: {} }],
    [{ method: 'GET', target: 1, headers: {} }],
    [{ method: 'GET', target: '/', headers: [1] }],
    [{ method: 'GET', target: '/', headers: [['dpop']] }],
    [{ method: 'GET', target: '/', headers: ['Authorization', 'DPoP abc', 'DPoP', 'h.p.s'] }],
    [{ method: 'GET', target: '/', headers: { get: () => 'DPoP abc' } }],
    [{ method: 'GET', url: 1, headers: {} }],
    [{ method: 'GET', url: 'https://rs.example', headers: {} }]
  ])('%o', (request) => {
    expect(attempt(request)).toBeInstanceOf(TypeError)
  })
})

it('readRequest has the same result for an IncomingMessage and for an object with its members', async () => {
  const server = createServer().listen(0, '127.0.0.1')
  onTestFinished(() => void server.close())
  await once(server, 'listening')
  const sent = httpRequest({
    port: (server.address() as AddressInfo).port,
    host: '127.0.0.1',
    path: '/r',
    headers: { DPoP: 'x' }
  })
  sent.on('error', () => {}).end()
  const [request, response] = (await once(server, 'request')) as [IncomingMessage, import('node:http').ServerResponse]
  const { method, url, rawHeaders, headers } = request
  expect(readRequest(request)).toEqual(readRequest({ method, url, rawHeaders, headers }))
  response.end()
})

describe('a WebSocket upgrade is a GET request whose Upgrade has the protocol websocket (RFC 6455 §4.2.1)', () => {
  const shapes = (method: string, upgrade: readonly string[]): RequestLike[] => [
    { method, url: '/r', headers: {}, rawHeaders: upgrade.flatMap((value) => ['Upgrade', value]) },
    { method, url: '/r', headers: { upgrade }, rawHeaders: [] },
    { method, target: '/r', headers: { UPGRADE: upgrade } },
    { method, target: '/r', headers: upgrade.map((value) => ['upgrade', value] as const) },
    { method, url: 'https://rs.example/r', headers: new Headers(upgrade.map((value) => ['Upgrade', value] as [string, string])) }
  ]
  it.each<[method: string, upgrade: string[], expected: boolean]>([
    ['GET', ['websocket'], true],
    ['GET', ['WebSocket'], true],
    ['GET', ['h2c,\twebsocket '], true],
    ['GET', ['h2c', 'websocket'], true],
    ['GET', [], false],
    ['GET', [''], false],
    ['GET', ['websockets'], false],
    ['GET', ['web socket'], false],
    ['GET', ['websocket/13'], false],
    ['get', ['websocket'], false],
    ['POST', ['websocket'], false],
    ['CONNECT', ['websocket'], false]
  ])('%s with %j: %j [AMB-31]', (method, upgrade, expected) => {
    for (const request of shapes(method, upgrade)) expect(readRequest(request).isWebSocketUpgrade).toBe(expected)
  })

  it('ignores a header field whose name has the same length as Upgrade', () => {
    expect(readRequest({ method: 'GET', target: '/r', headers: { referer: 'websocket' } }).isWebSocketUpgrade).toBe(false)
  })
})
