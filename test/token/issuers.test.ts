import { createVerifier, type IssuerOptions } from 'dpop-guard'
import { createTestIssuer } from 'dpop-guard/testing'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { startIssuerServer } from '../support/issuer-server.js'
import { createWorld, ISSUER, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

type IssuerFunction = (iss: string) => unknown
const create = (issuerOf: IssuerFunction) => createVerifier({ ...world.options, issuer: issuerOf as () => undefined })

/** An issuer with its metadata and keys on its own server. */
async function startIssuer() {
  const server = await startIssuerServer()
  const issuer = await createTestIssuer({ issuer: server.origin, clock: world.clock, alg: 'ES256' })
  const metadata = { issuer: server.origin, jwks_uri: `${server.origin}/keys` }
  Object.assign(server.responses, { '/.well-known/oauth-authorization-server': metadata, '/keys': issuer.jwks })
  return { ...server, issuer }
}

describe('several issuers', () => {
  it('verifies a token only with the keys of its own issuer (RFC 8725 §3.8)', async () => {
    const [a, b] = [await startIssuer(), await startIssuer()]
    const verifier = createVerifier({ ...world.options, issuer: [a.origin, b.origin] })
    const { jkt } = world.client
    const verdict = async (token: string) => await verdictOf(verifier.verifyRequest(await world.request({ token })))
    for (const { issuer } of [a, b]) expect(await verdict(await issuer.issue({ jkt }))).toBe('accepted')
    const kid = a.issuer.jwks.keys[0]?.['kid']
    for (const header of [{}, { kid }])
      expect(await verdict(await b.issuer.issue({ jkt, claims: { iss: a.origin }, header }))).toBe('ERR_DPOP_TOKEN_INVALID')
  })

  it('fetches only the metadata and keys of the issuer of the token, and nothing for an unknown issuer', async () => {
    const [a, b, rogue] = [await startIssuer(), await startIssuer(), await startIssuer()]
    const verifier = createVerifier({ ...world.options, issuer: [a.origin, b.origin] })
    const verdict = async (token: string) => await verdictOf(verifier.verifyRequest(await world.request({ token })))
    const { jkt } = world.client
    for (const claims of [{}, { iss: `${a.origin}/` }, { iss: a.origin.toUpperCase() }])
      expect(await verdict(await rogue.issuer.issue({ jkt, claims }))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect([a.requested, b.requested, rogue.requested]).toEqual([[], [], []])
    expect(await verdict(await a.issuer.issue({ jkt }))).toBe('accepted')
    expect([a.requested.length, b.requested, rogue.requested]).toEqual([2, [], []])
  })
})

describe('issuer as a function', () => {
  it('receives the iss of the token, and its return value is used as the issuer', async () => {
    const issuerOf = vi.fn<IssuerFunction>(() => world.issuer.options)
    const verifier = create(issuerOf)
    const request = async () => await world.request()
    expect(await verdictOf(verifier.verifyRequest(await request()))).toBe('accepted')
    expect(issuerOf.mock.calls).toEqual([[ISSUER]])
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
    server.responses['/keys'] = issuer.jwks
    const verifier = create((iss) => ({ issuer: iss, jwksUri: `${server.origin}/keys` }))
    for (let i = 0; i < 3; i++) {
      const token = await issuer.issue({ jkt: world.client.jkt })
      expect(await verdictOf(verifier.verifyRequest(await world.request({ token })))).toBe('accepted')
    }
    expect(server.requested).toEqual(['/keys'])
  })

  it('ignores an issuer other than the requested one, and fetches nothing for it', async () => {
    const other = await startIssuer()
    const verifier = create(() => other.origin)
    expect(await verdictOf(verifier.verifyRequest(await world.request()))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(other.requested).toEqual([])
    const token = await other.issuer.issue({ jkt: world.client.jkt })
    expect(await verdictOf(verifier.verifyRequest(await world.request({ token })))).toBe('accepted')
  })

  it.each<[string, IssuerFunction]>([
    ['throws', () => Promise.reject(new Error('x'))],
    ['returns invalid options', () => ({ issuer: 'http://evil.example' })],
    ['returns null', () => null]
  ])('a function that %s results in 503', async (_title, issuerOf) => {
    expect(await verdictOf(create(issuerOf).verifyRequest(await world.request()))).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
  })

  it('is not called for a token without iss, nor for an opaque token', async () => {
    const issuerOf = vi.fn<IssuerFunction>(() => world.issuer.options)
    for (const iss of [undefined, 7, null, ['x']])
      expect(await verdictOf(create(issuerOf).verifyRequest(await world.request({ tokenSpec: { claims: { iss } } })))).toBe(
        'ERR_DPOP_TOKEN_INVALID'
      )
    expect(await verdictOf(create(issuerOf).verifyRequest(await world.request({ token: 'opaque' })))).toBe(
      'ERR_DPOP_TOKEN_INVALID'
    )
    expect(issuerOf).not.toHaveBeenCalled()
  })

  it('may return an audience; otherwise that of the verifier is used', async () => {
    const issuer: IssuerOptions = { ...world.issuer.options, audience: 'urn:tenant' }
    const request = await world.request({ tokenSpec: { claims: { aud: 'urn:tenant' } } })
    expect(await verdictOf(create(() => issuer).verifyRequest(request))).toBe('accepted')
    expect(await verdictOf(create(() => world.issuer.options).verifyRequest(request))).toBe('ERR_DPOP_TOKEN_INVALID')
    expect(await create(() => issuer).ready()).toBeUndefined()
  })
})
