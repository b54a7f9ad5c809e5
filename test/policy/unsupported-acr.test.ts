/** A policy that requires an acr that the issuer does not support is likely a mistake: a warning is emitted once. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { MisconfiguredEvent, VerifierOptions } from 'dpop-guard'
import { createTestClient, createTestIssuer, fakeClock } from 'dpop-guard/testing'
import { beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { startIssuerServer } from '../support/issuer-server.js'
import { BASE_URL, NOW_MS, verdictOf } from '../support/world.js'

// A warning is emitted once per process and message: each test loads the modules again.
beforeEach(() => vi.resetModules())

const METADATA = '/.well-known/oauth-authorization-server'

/** An authorization server with these metadata members, and what is emitted when requests with these claims are verified. */
async function createStepUpWorld(members: object, options: (origin: string) => Partial<VerifierOptions> = () => ({})) {
  const clock = fakeClock(NOW_MS)
  const server = await startIssuerServer()
  const { origin } = server
  const issuer = await createTestIssuer({ issuer: origin, clock })
  const client = await createTestClient({ clock })
  Object.assign(server.responses, {
    [METADATA]: { issuer: origin, jwks_uri: `${origin}/keys`, ...members },
    '/keys': issuer.jwks
  })
  const events: MisconfiguredEvent[] = []
  const keep = (event: unknown) => void events.push(event as MisconfiguredEvent)
  subscribe('dpop-guard:misconfigured', keep)
  const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
  onTestFinished(() => {
    unsubscribe('dpop-guard:misconfigured', keep)
    emitWarning.mockRestore()
  })
  const { createVerifier } = await import('dpop-guard')
  const verifier = createVerifier({ issuer: origin, audience: BASE_URL, baseUrl: BASE_URL, clock, ...options(origin) })
  const verify = async (acrValues: string[], claims: object = {}) => {
    const token = await issuer.issue({ jkt: client.jkt, claims: { ...claims } })
    const headers = await client.headers({ url: `${BASE_URL}/`, token })
    return await verdictOf(
      verifier.verifyRequest({ method: 'GET', target: '/', headers }, { authentication: { acrValues }, scopes: [] })
    )
  }
  return { origin, events, emitWarning, verify }
}

const INSUFFICIENT = 'ERR_DPOP_AUTHENTICATION_INSUFFICIENT'

describe('a policy with acrValues and the acr_values_supported of the issuer (RFC 9470 §7)', () => {
  it('a value that the issuer does not support causes a warning, which names it and the issuer [S-13]', async () => {
    const { origin, events, emitWarning, verify } = await createStepUpWorld({ acr_values_supported: ['mfa', 'phr'] })
    expect(await verify(['mfa', 'loa3'])).toBe(INSUFFICIENT)
    const message = expect.stringMatching(
      `^A policy requires an acr of \\["loa3"\\].*acr_values_supported.*"${origin}".*"acrValues"`
    )
    expect(events).toEqual([{ code: 'DPOP_GUARD_ACR_UNSUPPORTED', message }])
    expect(emitWarning.mock.calls).toEqual([
      [events[0]?.message, { type: 'DPoPGuardWarning', code: 'DPOP_GUARD_ACR_UNSUPPORTED' }]
    ])
  })

  it('the warning is emitted once for the same values, and again for others [S-13]', async () => {
    const { events, verify } = await createStepUpWorld({ acr_values_supported: ['mfa'] })
    for (const acrValues of [['a'], ['a'], ['a', 'mfa'], ['b']]) expect(await verify(acrValues)).toBe(INSUFFICIENT)
    expect(events.map(({ message }) => message.slice(0, 34))).toEqual([
      'A policy requires an acr of ["a"],',
      'A policy requires an acr of ["b"],'
    ])
  })

  it('at most 100 warnings are emitted, for any values of policies', async () => {
    const { events, verify } = await createStepUpWorld({ acr_values_supported: ['mfa'] })
    for (let i = 0; i < 110; i++) await verify([`acr${i}`])
    expect(events).toHaveLength(100)
  })

  it('an issuer that an issuer function returned is compared as well [S-13]', async () => {
    const { events, verify } = await createStepUpWorld({ acr_values_supported: ['mfa'] }, (origin) => ({
      issuer: (iss) => (iss === origin ? { issuer: origin } : undefined)
    }))
    expect(await verify(['loa3'])).toBe(INSUFFICIENT)
    expect(events).toHaveLength(1)
  })

  it.each<[title: string, members: object, options?: (origin: string) => Partial<VerifierOptions>]>([
    ['supported values', { acr_values_supported: ['loa3', 7] }],
    ['metadata without acr_values_supported', {}],
    ['acr_values_supported that are not an array', { acr_values_supported: 'mfa' }],
    [
      'an issuer whose metadata is not fetched',
      { acr_values_supported: ['mfa'] },
      (origin) => ({ issuer: { issuer: origin, jwksUri: `${origin}/keys` } })
    ]
  ])('no warning: %s', async (_title, members, options) => {
    const { events, verify } = await createStepUpWorld(members, options)
    expect(await verify(['loa3'])).toBe(INSUFFICIENT)
    expect(events).toEqual([])
  })

  it('no warning while requests satisfy the policy, and none for a policy without acrValues', async () => {
    const { events, verify } = await createStepUpWorld({ acr_values_supported: ['mfa'] })
    expect(await verify(['loa3'], { acr: 'loa3' })).toBe('accepted')
    expect(events).toEqual([])
  })
})
