/** How the audience of a token is compared: exactly, or as a URI for the Model Context Protocol. */

import { createVerifier, type VerifierOptions, type VerifyOptions } from 'dpop-guard'
import { createTestClient, createTestIssuer, type TestClient, type TestIssuer } from 'dpop-guard/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { checkIntrospected } from '../../src/token/introspected-token.js'
import { verdictOf } from '../support/world.js'

const BASE_URL = 'https://mcp.example'
const RESOURCE = `${BASE_URL}/mcp`
let issuer: TestIssuer
let client: TestClient
beforeAll(async () => {
  ;[issuer, client] = await Promise.all([createTestIssuer({ alg: 'ES256' }), createTestClient()])
})

function verifierFor(audience: string | string[] = RESOURCE) {
  const options: VerifierOptions = { issuer: issuer.options, baseUrl: BASE_URL, audience }
  const verifier = createVerifier(options)
  return async (token: string, audienceComparison?: VerifyOptions['audienceComparison']) => {
    const headers = await client.headers({ method: 'POST', url: RESOURCE, token })
    return await verdictOf(verifier.verifyRequest({ method: 'POST', target: '/mcp', headers }, { audienceComparison }))
  }
}

const tokenFor = (aud: unknown) => issuer.issue({ jkt: client.jkt, claims: { aud } })
const INVALID = 'ERR_DPOP_TOKEN_INVALID'

describe("audienceComparison: 'uri' (RFC 3986 §6.2.2.1)", () => {
  it.each([
    ['https://MCP.example/mcp', RESOURCE],
    ['HTTPS://mcp.EXAMPLE/mcp', RESOURCE],
    [RESOURCE, 'https://MCP.example/mcp'],
    [['https://other.example', 'https://MCP.example/mcp'], RESOURCE],
    ['HTTPS://MCP.EXAMPLE', BASE_URL],
    ['http://LOCALHOST:8080/mcp?a', 'http://localhost:8080/mcp?a'],
    ['notes', 'notes']
  ])('accepts %j for %s [P-M18]', async (aud, audience) => {
    expect(await verifierFor(audience)(await tokenFor(aud), 'uri')).toBe('accepted')
  })

  it.each([
    ['https://mcp.example/MCP', RESOURCE],
    ['https://mcp.example/mcp/', RESOURCE],
    ['https://MCP.example', RESOURCE],
    ['https://MCP.example:443/mcp', RESOURCE],
    // User information is case-sensitive.
    ['https://User@mcp.example/mcp', 'https://user@mcp.example/mcp'],
    // The Kelvin sign, whose lower case is k.
    ['https://\u212a.example/mcp', 'https://k.example/mcp'],
    ['Notes', 'notes'],
    ['URN:notes', 'urn:notes'],
    // Not at the start.
    ['urn:https://API.example', 'urn:https://api.example'],
    [['https://MCP.example/other', 7], RESOURCE],
    [{ 'https://mcp.example/mcp': true }, RESOURCE]
  ])('rejects %j for %s [P-M18]', async (aud, audience) => {
    expect(await verifierFor(audience)(await tokenFor(aud), 'uri')).toBe(INVALID)
  })

  it('has no effect on requests without it, also when the token was accepted before [M-13 P-M18]', async () => {
    const verify = verifierFor()
    const token = await tokenFor('https://MCP.example/mcp')
    expect(await verify(token)).toBe(INVALID)
    expect(await verify(token, 'exact')).toBe(INVALID)
    expect(await verify(token, 'uri')).toBe('accepted')
    expect(await verify(token, 'uri')).toBe('accepted')
    expect(await verify(token)).toBe(INVALID)
  })

  it('is cached separately for each token', async () => {
    const verify = verifierFor()
    expect(await verify(await tokenFor('https://MCP.example/mcp'), 'uri')).toBe('accepted')
    expect(await verify(await tokenFor('https://MCP.example/other'), 'uri')).toBe(INVALID)
  })

  it('applies to introspected tokens [P-M18]', () => {
    const config = { issuer: 'https://issuer.example', audience: [RESOURCE], token: { clockToleranceSeconds: 5 } } as never
    const members = { active: true, aud: 'https://MCP.example/mcp' }
    expect(() => checkIntrospected(members, config, 0, 'uri')).not.toThrow()
    expect(() => checkIntrospected(members, config, 0)).toThrow()
  })

  it('applies to explain()', async () => {
    const verifier = createVerifier({ issuer: issuer.options, baseUrl: BASE_URL, audience: RESOURCE })
    const token = await tokenFor('https://MCP.example/mcp')
    const headers = await client.headers({ method: 'POST', url: RESOURCE, token })
    const request = { method: 'POST', target: '/mcp', headers }
    const failed = async (options?: VerifyOptions) =>
      (await verifier.explain(request, options)).filter(({ outcome }) => outcome === 'fail').map(({ rule }) => rule)
    expect(await failed()).toEqual(['access token'])
    expect(await failed({ audienceComparison: 'uri' })).toEqual([])
  })

  it('must be a known value, also in explain()', async () => {
    expect(await verifierFor()(await tokenFor(RESOURCE), 'URI' as never)).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
    const verifier = createVerifier({ issuer: issuer.options, baseUrl: BASE_URL })
    const explaining = verifier.explain({ method: 'POST', target: '/mcp', headers: {} }, { audienceComparison: 'URI' as never })
    await expect(explaining).rejects.toThrow(new TypeError('"audienceComparison" must be one of exact, uri'))
  })
})
