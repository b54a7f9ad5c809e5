import { describe, expect, it } from 'vitest'
import type { Fetch } from '../../src/options.js'
import { fetchJson, IssuerMetadata } from '../../src/token/metadata.js'
import { type Answer, startIssuerServer } from '../support/issuer-server.js'
import { holdTimeouts } from '../support/timeouts.js'

const config = { fetch: (url, init) => fetch(url, init), allowHttp: false } satisfies { fetch: Fetch; allowHttp: boolean }
const OAUTH = '/.well-known/oauth-authorization-server'
const OIDC = '/.well-known/openid-configuration'

describe('discovery', () => {
  it('RFC 8414 §3.1: the well-known part stands between host and path', async () => {
    const server = await startIssuerServer((issuer) => ({
      [OAUTH]: { issuer, jwks_uri: `${issuer}/keys` },
      [`${OAUTH}/tenant/a`]: { issuer: `${issuer}/tenant/a`, jwks_uri: `${issuer}/tenant-keys` }
    }))
    expect(await new IssuerMetadata(server.origin, config).endpoint('jwks_uri')).toBe(`${server.origin}/keys`)
    expect(await new IssuerMetadata(`${server.origin}/tenant/a`, config).endpoint('jwks_uri')).toBe(
      `${server.origin}/tenant-keys`
    )
    expect(server.asked).toEqual([OAUTH, `${OAUTH}/tenant/a`])
  })

  it('else OpenID Connect Discovery §4.1: behind the path, of which a slash at the end is left out', async () => {
    const server = await startIssuerServer((origin) => ({
      [`/tenant/a${OIDC}`]: { issuer: `${origin}/tenant/a/`, jwks_uri: `${origin}/keys` }
    }))
    expect(await new IssuerMetadata(`${server.origin}/tenant/a/`, config).endpoint('jwks_uri')).toBe(`${server.origin}/keys`)
    expect(server.asked).toEqual([`${OAUTH}/tenant/a`, `/tenant/a${OIDC}`])
  })

  it('a trailing slash makes another issuer (RFC 8414 §3.3)', async () => {
    const server = await startIssuerServer((origin) => ({ [OAUTH]: { issuer: origin, jwks_uri: `${origin}/keys` } }))
    await expect(new IssuerMetadata(`${server.origin}/`, config).endpoint('jwks_uri')).rejects.toThrow(
      'The issuer has no usable metadata'
    )
  })

  const another = 'The metadata has another issuer'
  it.each<[title: string, answer: (origin: string) => Answer, why: unknown]>([
    ['metadata of another issuer', (origin) => ({ issuer: 'https://evil.example', jwks_uri: `${origin}/keys` }), another],
    ['metadata without issuer', (origin) => ({ jwks_uri: `${origin}/keys` }), another],
    ['metadata without jwks_uri', (issuer) => ({ issuer }), 'The metadata has no jwks_uri'],
    ['a jwks_uri that is no string', (issuer) => ({ issuer, jwks_uri: [`${issuer}/keys`] }), 'The metadata has no jwks_uri'],
    ['a relative jwks_uri', (issuer) => ({ issuer, jwks_uri: '/keys' }), 'The metadata has no jwks_uri'],
    ['a jwks_uri of another scheme', (issuer) => ({ issuer, jwks_uri: 'data:,x' }), 'The jwks_uri is not an https URL'],
    ['null', () => 'null', another],
    ['a list', () => [], another],
    ['a string', () => '"x"', another],
    ['HTML', () => '<!doctype html>', expect.stringMatching(/JSON/)],
    ['nothing', () => '', expect.stringMatching(/JSON/)]
  ])('rejects %s, with a specific diagnostics event', async (_title, answer, why) => {
    const server = await startIssuerServer((origin) => ({ [OAUTH]: answer(origin), [OIDC]: answer(origin) }))
    const failure = await new IssuerMetadata(server.origin, config).endpoint('jwks_uri').catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AggregateError)
    expect((failure as AggregateError).errors.map(({ message }) => message)).toEqual([why, why])
    expect(server.asked).toEqual([OAUTH, OIDC])
  })

  it('an https issuer cannot send us to http, unless all of http is dangerously allowed', async () => {
    const issuer = 'https://issuer.example'
    const answers =
      (jwks_uri: string): Fetch =>
      async () =>
        Response.json({ issuer, jwks_uri })
    const find = (uri: string, allowHttp: boolean) =>
      new IssuerMetadata(issuer, { fetch: answers(uri), allowHttp }).endpoint('jwks_uri')
    await expect(find('http://issuer.example/keys', false)).rejects.toThrow(AggregateError)
    expect(await find('http://issuer.example/keys', true)).toBe('http://issuer.example/keys')
    expect(await find('HTTPS://issuer.example/keys', false)).toBe('HTTPS://issuer.example/keys')
    await expect(find('ftp://issuer.example/keys', true)).rejects.toThrow(AggregateError)
  })
})

describe('a document', () => {
  const answerOf = async (answer: Answer) => {
    const server = await startIssuerServer(() => ({ '/': answer }))
    return await fetchJson(`${server.origin}/`, config)
  }

  it('is JSON with 200', async () => {
    expect(await answerOf({ a: 'ü' })).toEqual({ a: 'ü' })
  })

  it('may come in pieces that end in the middle of a character', async () => {
    const bytes = new TextEncoder().encode('"ü€"')
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
        controller.close()
      }
    })
    expect(await fetchJson('https://issuer.example', { fetch: async () => new Response(pieces), allowHttp: false })).toBe('ü€')
  })

  it('is requested as JSON', async () => {
    let accept: string | undefined
    const server = await startIssuerServer(() => ({
      '/': (response) => {
        accept = response.req.headers.accept
        response.end('1')
      }
    }))
    expect(await fetchJson(`${server.origin}/`, config)).toBe(1)
    expect(accept).toBe('application/json')
  })

  it.each([201, 204, 404, 500])('with the status %i is rejected', async (status) => {
    await expect(answerOf((response) => response.writeHead(status).end(status === 204 ? undefined : '{}'))).rejects.toThrow(
      'not 200'
    )
  })

  it('elsewhere is not followed', async () => {
    const server = await startIssuerServer((origin) => ({
      '/': (response) => response.writeHead(302, { location: `${origin}/other` }).end(),
      '/other': {}
    }))
    await expect(fetchJson(`${server.origin}/`, config)).rejects.toThrow('not 200')
    expect(server.asked).toEqual(['/'])
  })

  it.each<[string, Answer]>([
    ['HTML', '<p>'],
    ['bytes that are not UTF-8', (response) => response.end(Buffer.from([0x22, 0xff, 0x22]))],
    ['half a character at the end', (response) => response.end(Buffer.from([0x22, 0xc3]))],
    ['a broken connection', (response) => response.writeHead(200, { 'content-length': 100 }).write('{', () => response.destroy())]
  ])('that is %s is rejected', async (_title, answer) => {
    await expect(answerOf(answer)).rejects.toThrow()
  })

  it('without a body is none', async () => {
    await expect(
      fetchJson('https://issuer.example', { fetch: async () => new Response(null), allowHttp: false })
    ).rejects.toThrow('not JSON')
    const fetch = async () => new Response(null, { status: 404 })
    await expect(fetchJson('https://issuer.example', { fetch, allowHttp: false })).rejects.toThrow('not 200')
  })

  it('above a megabyte is not read to its end', async () => {
    let closed: Promise<unknown> | undefined
    const endless = (response: import('node:http').ServerResponse) => {
      closed = new Promise((resolve) => response.on('close', resolve))
      const more = (): unknown => response.write('"'.repeat(65_536), () => setImmediate(more))
      more()
    }
    await expect(answerOf(endless)).rejects.toThrow('The document is too large')
    await closed
  })

  it('of exactly a megabyte is read', async () => {
    const text = `"${'x'.repeat(1_048_574)}"`
    expect(await answerOf(text)).toHaveLength(1_048_574)
    await expect(answerOf(`${text} `)).rejects.toThrow('The document is too large')
  })

  it.each<[string, Answer]>([
    ['does not come', () => {}],
    ['stops in the middle', (response) => response.write('{"a":')]
  ])('that %s is aborted after five seconds', async (_title, answer) => {
    const timeouts = holdTimeouts()
    const server = await startIssuerServer(() => ({ '/': answer }))
    const verdict = expect(fetchJson(`${server.origin}/`, config)).rejects.toThrow('timeout')
    while (server.asked.length === 0) await new Promise((resolve) => setImmediate(resolve))
    timeouts.elapse()
    await verdict
    expect(timeouts.given()).toEqual([5000])
  })

  it.each<[string, Fetch]>([
    ['never resolves', () => new Promise(() => {})],
    ['has a body that never ends', async () => new Response(new ReadableStream())],
    [
      'has a body that cannot be closed',
      async () => new Response(new ReadableStream({ cancel: () => new Promise(() => {}) }), { status: 404 })
    ],
    [
      'fails after that',
      (_url, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => setImmediate(reject)))
    ]
  ])('aborts a custom fetch that %s after five seconds', async (_title, fetch) => {
    const timeouts = holdTimeouts()
    const verdict = expect(fetchJson('https://issuer.example', { fetch, allowHttp: false })).rejects.toThrow('timeout')
    timeouts.elapse()
    await verdict
    // A late rejection must not be unhandled, which Vitest would report.
    await new Promise((resolve) => setTimeout(resolve, 5))
  })

  it('that was there in time is not harmed when the time is over', async () => {
    const timeouts = holdTimeouts()
    const fetch: Fetch = async () => Response.json({ a: 1 })
    expect(await fetchJson('https://issuer.example', { fetch, allowHttp: false })).toEqual({ a: 1 })
    timeouts.elapse()
    await new Promise((resolve) => setImmediate(resolve))
  })
})
