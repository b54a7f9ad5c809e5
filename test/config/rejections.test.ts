/** A rejection that incorrect options cause, before any request was accepted, is printed once per error code. */

import { createVerifier, type VerifierOptions } from 'dpop-guard'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { createWorld, type RequestSpec, verdictOf } from '../support/world.js'

// A warning is emitted once per process and code: each test loads the modules again.
beforeEach(() => vi.resetModules())

/** What is printed while a verifier of these options receives these requests. */
async function warningsOf(requests: RequestSpec[], options: Partial<VerifierOptions> = {}): Promise<string[]> {
  const world = await createWorld()
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => emitWarning.mockRestore())
  const { createVerifier } = await import('dpop-guard')
  const verifier = createVerifier({ ...world.options, ...options })
  for (const spec of requests) await verdictOf(verifier.verifyRequest(await world.request(spec)))
  await vi.dynamicImportSettled()
  for (const [, about] of emitWarning.mock.calls)
    expect(about).toEqual({ type: 'DPoPGuardWarning', code: 'DPOP_GUARD_NOTHING_ACCEPTED' })
  return emitWarning.mock.calls.map(([message]) => String(message))
}

const otherScheme: RequestSpec = { url: 'http://api.example/notes' }
const otherAudience: RequestSpec = { tokenSpec: { claims: { aud: 'https://other.example' } } }

describe('before a request was accepted', () => {
  it('a rejection is printed with its cause and the option to change', async () => {
    expect(await warningsOf([otherScheme])).toEqual([
      'No request was accepted yet, and one was rejected. If this is unexpected: ERR_DPOP_PROOF_HTU (RFC 9449 §4.3 #9): ' +
        'htu is "http://api.example/notes", expected "https://api.example/notes"; scheme differs (http:// instead of https://): ' +
        'if TLS is terminated by a proxy, set baseUrl to the public URL'
    ])
  })

  it('each error code is printed once, for any requests', async () => {
    const printed = await warningsOf([
      otherScheme,
      otherScheme,
      otherAudience,
      { ...otherScheme, target: '/other' },
      otherAudience
    ])
    expect(printed.map((line) => /ERR_DPOP_\w+/.exec(line)?.[0])).toEqual(['ERR_DPOP_PROOF_HTU', 'ERR_DPOP_TOKEN_INVALID'])
  })

  it('neither token nor proof is printed', async () => {
    const [line] = await warningsOf([{ tokenSpec: { claims: { aud: 'https://other.example', sub: 'alice' } } }])
    expect(line).not.toMatch(/eyJ|alice/)
  })

  it.each<[title: string, spec: RequestSpec]>([
    ['an invalid signature of the proof', { claims: { jti: '' } }],
    ['a proof of another method', { claims: { htm: 'PUT' } }],
    ['a proof of another token', { claims: { ath: 'x' } }],
    ['an expired token', { tokenSpec: { expiresInSeconds: -100 } }]
  ])('nothing is printed for %s, which the options do not cause', async (_title, spec) => {
    expect(await warningsOf([spec])).toEqual([])
  })
})

it('nothing is printed after a request was accepted', async () => {
  expect(await warningsOf([{}, otherScheme, otherAudience])).toEqual([])
})

it('a verifier that has accepted a request does not affect another', async () => {
  const world = await createWorld()
  await createVerifier(world.options).verifyRequest(await world.request())
  expect(await warningsOf([otherScheme])).toHaveLength(1)
})

it('a runtime whose emitWarning throws prints the warning, and rejects the request as usual', async () => {
  const world = await createWorld()
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {
    throw new Error('not supported')
  })
  const warn = vi.spyOn(console, 'warn').mockImplementation(() => {})
  onTestFinished(() => {
    emitWarning.mockRestore()
    warn.mockRestore()
  })
  const { createVerifier } = await import('dpop-guard')
  const verifier = createVerifier(world.options)
  await expect(verifier.verifyRequest(await world.request(otherScheme))).rejects.toMatchObject({ code: 'ERR_DPOP_PROOF_HTU' })
  await vi.dynamicImportSettled()
  expect(warn).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^dpop-guard: No request was accepted yet/))
})
