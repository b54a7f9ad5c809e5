/** The demo passes and prints every step, and fails if an API is broken. Runs the built package. @module */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'

const frameworks = ['Express', 'Fastify', 'Koa', 'NestJS', 'Hono']

const parties = [
  'user → client',
  'client → AS',
  'AS → user',
  'user → AS',
  'AS → client',
  'client',
  'client',
  'client → AS',
  'AS',
  'AS → client',
  'client → API',
  'API',
  'API → client'
]

const refusals = [
  'DPoP error="invalid_token" ERR_DPOP_TOKEN_BINDING',
  'DPoP error="invalid_dpop_proof" ERR_DPOP_PROOF_REPLAYED',
  'DPoP error="invalid_dpop_proof" ERR_DPOP_PROOF_HTU',
  'DPoP error="invalid_dpop_proof" ERR_DPOP_PROOF_HTM',
  'DPoP error="invalid_token" ERR_DPOP_SCHEME_NOT_ALLOWED',
  'DPoP error="invalid_dpop_proof" ERR_DPOP_PROOF_IAT',
  'DPoP error="invalid_dpop_proof" ERR_DPOP_PROOF_ATH',
  'DPoP error="invalid_dpop_proof" ERR_DPOP_PROOF_SIGNATURE',
  'DPoP error="invalid_dpop_proof" ERR_DPOP_PROOF_MISSING'
]

describe('npm run demo', () => {
  const demo = run(new URL('../../examples/demo.mjs', import.meta.url))

  it('completes the thirteen steps and rejects the nine attacks in each framework', async () => {
    const { code, output, errors } = await demo

    expect(errors).toBe('')
    expect(code).toBe(0)
    const [title, ...sections] = output.trimEnd().split('\n\n')
    const summary = sections.pop()
    expect(title).toMatch(/^DPoP, RFC 9449 {2}authorization server http:\/\/127\.0\.0\.1:\d+ /)
    expect(sections.map((section) => section.split(' ', 1)[0])).toEqual([...frameworks, ...frameworks])
    for (const section of sections.slice(0, frameworks.length)) expect(partiesOf(section)).toEqual(parties)
    for (const section of sections.slice(frameworks.length)) expect(refusalsOf(section)).toEqual(refusals)
    expect(summary).toMatch(/^✓ 65 of 65 steps passed, 45 of 45 attacks rejected, in \d+\.\d s$/)
  })

  it('prints at most 100 columns', async () => {
    const { output } = await demo

    expect(output.split('\n').filter((line) => line.length > 100)).toEqual([])
  })

  it('--help prints the options, and an unknown option is an error', async () => {
    const script = new URL('../../examples/demo.mjs', import.meta.url)
    expect(await run(script, '--help')).toMatchObject({ code: 0, output: expect.stringContaining('Usage: npm run demo') })
    expect(await run(script, '--instance')).toMatchObject({ code: 1, errors: expect.stringContaining("'--instance'") })
  })

  it('prints neither a whole token or proof nor an escape sequence into a pipe', async () => {
    const { output } = await demo

    expect(output).not.toMatch(/[\w-]{60,}/)
    expect(output).not.toContain('\u001b')
  })
})

describe.concurrent('a broken API fails the demo', () => {
  it.each([
    ['unguarded', ['12 API: nothing was verified', ...refusals.map((_, index) => `${index + 1} `)]],
    ['does not store proofs', ['2 a proof that was used: answered 200 ']],
    ['accepts old proofs', ['6 a proof ten minutes old: answered 200 ']],
    ['rejects for another reason', ['5 the token as Bearer: answered 401 ']],
    ['acts before it rejects', ['4 a proof of another method: the refused request took effect']],
    ['blocks the client after nine rejections', ["9 no proof: the client's own request was answered 401"]],
    ['never starts', ['the demo: gave up after 1 seconds']]
  ])('%s', async (name, expected) => {
    const { code, output } = await run(new URL('./broken-demo.mjs', import.meta.url), name)

    expect(code).toBe(1)
    const failures = output.slice(output.lastIndexOf('\n✗ ')).trimEnd().split('\n').slice(2)
    expect(failures).toEqual(expected.map((failure) => expect.stringContaining(`: ${failure}`)))
  })
})

async function run(script: URL, ...args: string[]) {
  const child = spawn(process.execPath, [fileURLToPath(script), ...args])
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  return { code, output, errors }
}

function partiesOf(section: string) {
  return linesOf(section).map((line) => /^ {2}✓ [ \d]\d {2}(.{14}) {2}\S/.exec(line)?.[1]?.trim())
}

function refusalsOf(section: string) {
  return linesOf(section).map((line) =>
    /^ {2}✓ [ \d]\d {2}.{25} {2}401 {2}(.*)$/.exec(line)?.[1]?.replaceAll(/ +/g, ' ').replace('" E', '" E')
  )
}

function linesOf(section: string) {
  // The other lines continue one.
  return section.split('\n').filter((line) => /^ {2}[✓✗]/.test(line))
}
