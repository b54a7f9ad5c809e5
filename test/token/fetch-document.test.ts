import { describe, expect, it } from 'vitest'
import type { Fetch } from '../../src/options.js'
import { fetchJson } from '../../src/token/fetch-document.js'
import { type PathResponse, startIssuerServer } from '../support/issuer-server.js'
import { holdTimeouts } from '../support/timeouts.js'

const config: { fetch: Fetch } = { fetch: (url, init) => fetch(url, init) }

describe('fetchJson', () => {
  const fetchFrom = async (response: PathResponse) => {
    const server = await startIssuerServer(() => ({ '/': response }))
    return await fetchJson(`${server.origin}/`, config)
  }

  it('returns the JSON value of a response with status 200', async () => {
    expect(await fetchFrom({ a: 'ü' })).toEqual({ a: 'ü' })
  })

  it('decodes a body whose chunks end inside a UTF-8 sequence', async () => {
    const bytes = new TextEncoder().encode('"ü€"')
    const pieces = new ReadableStream<Uint8Array>({
      start(controller) {
        for (const byte of bytes) controller.enqueue(Uint8Array.of(byte))
        controller.close()
      }
    })
    expect(await fetchJson('https://issuer.example', { fetch: async () => new Response(pieces) })).toBe('ü€')
  })

  it('sends Accept: application/json', async () => {
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

  it.each([201, 204, 404, 500])('rejects a response with status %i', async (status) => {
    await expect(fetchFrom((response) => response.writeHead(status).end(status === 204 ? undefined : '{}'))).rejects.toThrow(
      'not 200'
    )
  })

  it('does not follow a redirect', async () => {
    const server = await startIssuerServer((origin) => ({
      '/': (response) => response.writeHead(302, { location: `${origin}/other` }).end(),
      '/other': {}
    }))
    await expect(fetchJson(`${server.origin}/`, config)).rejects.toThrow('not 200')
    expect(server.requested).toEqual(['/'])
  })

  it.each<[string, PathResponse]>([
    ['a body of HTML', '<p>'],
    ['bytes that are not UTF-8', (response) => response.end(Buffer.from([0x22, 0xff, 0x22]))],
    ['an incomplete UTF-8 sequence at the end', (response) => response.end(Buffer.from([0x22, 0xc3]))],
    ['a broken connection', (response) => response.writeHead(200, { 'content-length': 100 }).write('{', () => response.destroy())]
  ])('rejects a response with %s', async (_title, response) => {
    await expect(fetchFrom(response)).rejects.toThrow()
  })

  it('rejects a response without a body', async () => {
    await expect(fetchJson('https://issuer.example', { fetch: async () => new Response(null) })).rejects.toThrow('not JSON')
    const fetch = async () => new Response(null, { status: 404 })
    await expect(fetchJson('https://issuer.example', { fetch })).rejects.toThrow('not 200')
  })

  it('stops reading a body above one megabyte', async () => {
    let closed: Promise<unknown> | undefined
    const endless = (response: import('node:http').ServerResponse) => {
      closed = new Promise((resolve) => response.on('close', resolve))
      const more = (): unknown => response.write('"'.repeat(65_536), () => setImmediate(more))
      more()
    }
    await expect(fetchFrom(endless)).rejects.toThrow('The document is too large')
    await closed
  })

  it('accepts a body of exactly one megabyte', async () => {
    const text = `"${'x'.repeat(1_048_574)}"`
    expect(await fetchFrom(text)).toHaveLength(1_048_574)
    await expect(fetchFrom(`${text} `)).rejects.toThrow('The document is too large')
  })

  it.each<[string, PathResponse]>([
    ['does not arrive', () => {}],
    ['stops before its end', (response) => response.write('{"a":')]
  ])('aborts after five seconds if the response %s', async (_title, response) => {
    const timeouts = holdTimeouts()
    const server = await startIssuerServer(() => ({ '/': response }))
    const verdict = expect(fetchJson(`${server.origin}/`, config)).rejects.toThrow('timeout')
    while (server.requested.length === 0) await new Promise((resolve) => setImmediate(resolve))
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
      'rejects after the abort',
      (_url, { signal }) => new Promise((_, reject) => signal.addEventListener('abort', () => setImmediate(reject)))
    ]
  ])('stops waiting for a custom fetch that %s after five seconds', async (_title, fetch) => {
    const timeouts = holdTimeouts()
    const verdict = expect(fetchJson('https://issuer.example', { fetch })).rejects.toThrow('timeout')
    timeouts.elapse()
    await verdict
    // A late rejection must not be unhandled, which Vitest would report.
    await new Promise((resolve) => setTimeout(resolve, 5))
  })

  it('is not affected by a timeout that elapses after it has returned', async () => {
    const timeouts = holdTimeouts()
    const fetch: Fetch = async () => Response.json({ a: 1 })
    expect(await fetchJson('https://issuer.example', { fetch })).toEqual({ a: 1 })
    timeouts.elapse()
    await new Promise((resolve) => setImmediate(resolve))
  })
})
