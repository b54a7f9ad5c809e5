import { describe, expect, it } from 'vitest'
import type { Fetch } from '../../src/options.js'
import { fetchJson } from '../../src/token/fetch-document.js'
import { type Answer, startIssuerServer } from '../support/issuer-server.js'
import { holdTimeouts } from '../support/timeouts.js'

const config: { fetch: Fetch } = { fetch: (url, init) => fetch(url, init) }

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
    expect(await fetchJson('https://issuer.example', { fetch: async () => new Response(pieces) })).toBe('ü€')
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
    await expect(fetchJson('https://issuer.example', { fetch: async () => new Response(null) })).rejects.toThrow('not JSON')
    const fetch = async () => new Response(null, { status: 404 })
    await expect(fetchJson('https://issuer.example', { fetch })).rejects.toThrow('not 200')
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
    const verdict = expect(fetchJson('https://issuer.example', { fetch })).rejects.toThrow('timeout')
    timeouts.elapse()
    await verdict
    // A late rejection must not be unhandled, which Vitest would report.
    await new Promise((resolve) => setTimeout(resolve, 5))
  })

  it('that was there in time is not harmed when the time is over', async () => {
    const timeouts = holdTimeouts()
    const fetch: Fetch = async () => Response.json({ a: 1 })
    expect(await fetchJson('https://issuer.example', { fetch })).toEqual({ a: 1 })
    timeouts.elapse()
    await new Promise((resolve) => setImmediate(resolve))
  })
})
