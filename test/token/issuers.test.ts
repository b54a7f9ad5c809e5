import { createVerifier, type IssuerOptions } from 'dpop-guard'
import { createTestIssuer } from 'dpop-guard/testing'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { startIssuerServer } from '../support/issuer-server.js'
import { BASE_URL, createWorld, ISSUER, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

type Give = (iss: string) => unknown
const create = (give: Give) => createVerifier({ ...world.options, issuer: give as () => undefined })

/** An issuer with its metadata and keys on a server of its own. */
async function startIssuer() {
  const server = await startIssuerServer()
  const issuer = await createTestIssuer({ issuer: server.origin, clock: world.clock, alg: 'ES256' })
  const metadata = { issuer: server.origin, jwks_uri: `${server.origin}/keys` }
  Object.assign(server.answers, { '/.well-known/oauth-authorization-server': metadata, '/keys': issuer.jwks })
  return { ...server, issuer }
}

describe('several issuers', () => {
  it('the keys of each verify only its own tokens (RFC 8725 §3.8)', async () => {
    const [a, b] = [await startIssuer(), await startIssuer()]
    const verifier = createVerifier({ ...world.options, issuer: [a.origin, b.origin] })
    const { jkt } = world.client
    const verdict = async (token: string) => await verdictOf(verifier.verifyRequest(await world.request({ token })))
    for (const { issuer } of [a, b]) expect(await verdict(await issuer.issue({ jkt }))).toBe('accepted')
    const kid = a.issuer.jwks.keys[0]?.['kid']
    for (const header of [{}, { kid }])
      expect(await verdict(await b.issuer.issue({ jkt, claims: { iss: a.origin }, header }))).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('only the issuer of a token is fetched, and nothing for an unknown issuer', async () => {
    const [a, b, rogue] = [await startIssuer(), await startIssuer(), await startIssuer()]
    const verifier = createVerifier({ ...world.options, issuer: [a.origin, b.origin] })
    const verdict = async (token: string) => await verdictOf(verifier.verifyRequest(await world.request({ token })))
    const { jkt } = world.client
    for (const claims of [{}, { iss: `${a.origin}/` }, { iss: a.origin.toUpperCase() }])
      expect(await verdict(await rogue.issuer.issue({ jkt, claims }))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect([a.asked, b.asked, rogue.asked]).toEqual([[], [], []])
    expect(await verdict(await a.issuer.issue({ jkt }))).toBe('accepted')
    expect([a.asked.length, b.asked, rogue.asked]).toEqual([2, [], []])
  })
})

describe('issuer as a function: tenants made at run time', () => {
  it('is given the iss that a token claims, and what it says is checked like the option', async () => {
    const give = vi.fn<Give>(() => world.issuer.options)
    const verifier = create(give)
    const request = async () => await world.request()
    expect(await verdictOf(verifier.verifyRequest(await request()))).toBe('accepted')
    expect(give.mock.calls).toEqual([[ISSUER]])
  })

  it('is called for every token, so that a removed tenant is rejected at once', async () => {
    let response: unknown = world.issuer.options
    const verifier = create(async () => response)
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    expect(await verdictOf(verifier.verifyRequest(await world.request({ token })))).toBe('accepted')
    expect(await verdictOf(verifier.verifyRequest(await world.request({ token })))).toBe('accepted')
    response = undefined
    expect(await verdictOf(verifier.verifyRequest(await world.request({ token })))).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('a changed configuration creates a new issuer: a cached token is verified again', async () => {
    const other = await createTestIssuer({ clock: world.clock, alg: 'ES256' })
    let response = world.issuer.options
    const verifier = create(() => response)
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    expect(await verdictOf(verifier.verifyRequest(await world.request({ token })))).toBe('accepted')
    response = other.options
    expect(await verdictOf(verifier.verifyRequest(await world.request({ token })))).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('the key set of an issuer is kept between requests', async () => {
    const server = await startIssuerServer()
    const issuer = await createTestIssuer({ issuer: server.origin, clock: world.clock, alg: 'ES256' })
    server.answers['/keys'] = issuer.jwks
    const verifier = create((iss) => ({ issuer: iss, jwksUri: `${server.origin}/keys` }))
    for (let i = 0; i < 3; i++) {
      const token = await issuer.issue({ jkt: world.client.jkt })
      expect(await verdictOf(verifier.verifyRequest(await world.request({ token })))).toBe('accepted')
    }
    expect(server.asked).toEqual(['/keys'])
  })

  it('another issuer than the requested one is ignored: nothing is fetched for it', async () => {
    const other = await startIssuer()
    const verifier = create(() => other.origin)
    expect(await verdictOf(verifier.verifyRequest(await world.request()))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(other.asked).toEqual([])
    const token = await other.issuer.issue({ jkt: world.client.jkt })
    expect(await verdictOf(verifier.verifyRequest(await world.request({ token })))).toBe('accepted')
  })

  it.each<[string, Give]>([
    ['throws', () => Promise.reject(new Error('x'))],
    ['gives nonsense', () => ({ issuer: 'http://evil.example' })],
    ['gives null', () => null]
  ])('a function that %s results in 503', async (_title, give) => {
    expect(await verdictOf(create(give).verifyRequest(await world.request()))).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
  })

  it('is not called for a token without iss, nor for an opaque token', async () => {
    const give = vi.fn<Give>(() => world.issuer.options)
    for (const iss of [undefined, 7, null, ['x']])
      expect(await verdictOf(create(give).verifyRequest(await world.request({ tokenSpec: { claims: { iss } } })))).toBe(
        'ERR_DPOP_TOKEN_INVALID'
      )
    expect(await verdictOf(create(give).verifyRequest(await world.request({ token: 'opaque' })))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(give).not.toHaveBeenCalled()
  })

  it('may return an audience; otherwise that of the verifier is used', async () => {
    const issuer: IssuerOptions = { ...world.issuer.options, audience: 'urn:tenant' }
    const request = await world.request({ tokenSpec: { claims: { aud: 'urn:tenant' } } })
    expect(await verdictOf(create(() => issuer).verifyRequest(request))).toBe('accepted')
    expect(await verdictOf(create(() => world.issuer.options).verifyRequest(request))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(await create(() => issuer).ready()).toBeUndefined()
    expect(BASE_URL).toBe(world.options.audience)
  })
})
