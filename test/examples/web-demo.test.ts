/** The command `npm run demo:web`: its options, its termination, and the requests that its server rejects. Runs the built package. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { request } from 'node:http'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { findFreePort } from '../support/free-port.js'

const script = fileURLToPath(new URL('../../examples/web-demo.mjs', import.meta.url))

async function start(...args: string[]): Promise<{ child: ChildProcess; url: string }> {
  const child = spawn(process.execPath, [script, ...args])
  const [line] = await once(child.stdout, 'data')
  return { child, url: /http:\/\/127\.0\.0\.1:\d+/.exec(String(line))?.[0] as string }
}

async function run(...args: string[]) {
  const child = spawn(process.execPath, [script, ...args])
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, output, errors }
}

let demo: Awaited<ReturnType<typeof start>>
beforeAll(async () => {
  demo = await start()
}, 30_000)
afterAll(() => void demo?.child.kill())

describe('npm run demo:web', () => {
  it('serves every part until SIGINT, and then ends', async () => {
    const { child, url } = await start()
    onTestFinished(() => void child.kill('SIGKILL'))
    const { issuer, apis } = await (await fetch(`${url}/demo/config`)).json()
    expect((await fetch(`${issuer}/.well-known/openid-configuration`)).status).toBe(200)
    for (const api of apis) expect((await fetch(`${api.url}/health`)).status).toBe(200)

    child.kill('SIGINT')
    const [code] = await once(child, 'close')
    expect(code).toBe(0)
  })

  it('--port chooses the port; one that is in use or invalid is an error', async () => {
    const { port } = new URL(demo.url)

    expect(await run('--port', port)).toMatchObject({ code: 1, errors: `Port ${port} is in use. Choose another with --port.\n` })
    expect(await run('--port', '65536')).toMatchObject({ code: 1, errors: '"--port" must be from 0 to 65535\n' })
    const free = await findFreePort()
    const { child, url } = await start('--port', String(free))
    onTestFinished(() => void child.kill('SIGKILL'))
    expect(url).toBe(`http://127.0.0.1:${free}`)
    child.kill('SIGTERM')
    expect(await once(child, 'close')).toEqual([0, null])
  })

  it('--help prints the options', async () => {
    expect(await run('--help')).toMatchObject({ code: 0, output: expect.stringContaining('Usage: npm run demo:web') })
  })
})

describe('the server of the page', () => {
  it('restricts scripts, styles and connections to the parts of the demo', async () => {
    const { issuer, apis } = await (await fetch(`${demo.url}/demo/config`)).json()
    const policy = (await fetch(demo.url)).headers.get('content-security-policy') ?? ''

    const connections = [issuer, ...apis.map((api: { url: string }) => api.url)].join(' ')
    expect(policy.split('; ')).toEqual([
      "default-src 'none'",
      "script-src 'self'",
      "style-src 'self'",
      "img-src 'self'",
      `connect-src 'self' ${connections}`,
      "base-uri 'none'",
      "form-action 'none'",
      "frame-ancestors 'none'",
      "require-trusted-types-for 'script'",
      "trusted-types 'none'"
    ])
  })

  it.each([
    ['another origin', { Origin: 'http://127.0.0.1:1' }],
    ['another site', { 'Sec-Fetch-Site': 'cross-site' }]
  ])('rejects requests of %s', async (_name, headers) => {
    const body = JSON.stringify({ required: true })

    expect((await fetch(`${demo.url}/demo/nonces`, { method: 'PUT', headers, body })).status).toBe(403)
    expect((await fetch(`${demo.url}/demo/config`, { headers })).status).toBe(403)
    expect(await (await fetch(`${demo.url}/demo/config`)).json()).toMatchObject({ noncesRequired: false })
  })

  it('rejects requests for another name of its address (DNS rebinding)', async () => {
    const { port } = new URL(demo.url)
    const sent = request(demo.url, { headers: { Host: `localhost:${port}` } }).end()
    const [response] = await once(sent, 'response')
    response.resume()
    expect(response.statusCode).toBe(421)
  })

  it.each([
    ['GET', '/missing.js', undefined, 404],
    ['GET', '/../package.json', undefined, 404],
    ['PUT', '/demo/nonces', 'no JSON', 400],
    ['PUT', '/demo/nonces', JSON.stringify({ pad: 'x'.repeat(70_000) }), 400],
    ['POST', '/demo/explain', JSON.stringify({ api: 'none' }), 400]
  ])('%s %s: %s is %i', async (method, path, body, status) => {
    expect((await fetch(`${demo.url}${path}`, { method, ...(body && { body }) })).status).toBe(status)
  })
})
