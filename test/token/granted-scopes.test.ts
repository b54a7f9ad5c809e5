import { createVerifier, DPoPUnavailableError, type VerifierOptions } from 'dpop-guard'
import { createTestIssuer } from 'dpop-guard/testing'
import { beforeAll, describe, expect, it } from 'vitest'
import { grantedScopes } from '../../src/token/granted-scopes.js'
import { createWorld, type World } from '../support/world.js'

describe('grantedScopes', () => {
  it.each<[claims: Record<string, unknown>, scopes: string[]]>([
    [{ scope: 'a b' }, ['a', 'b']],
    [{ scope: ['a', 'b'] }, ['a', 'b']],
    [{ scp: 'a b' }, ['a', 'b']],
    [{ scp: ['a', 'b'] }, ['a', 'b']],
    [{ scope: 'a  b ', scp: ['b', 'c', ''] }, ['a', 'b', 'c']],
    [{}, []]
  ])('reads scope and scp, strings and arrays, without duplicates (RFC 8693 §4.2): %j', (claims, scopes) => {
    expect(grantedScopes(claims, undefined)).toEqual(scopes)
  })

  it.each<Record<string, unknown>>([
    { scope: 7 },
    { scope: null },
    { scope: { a: true } },
    { scp: true },
    { scp: [['a'], 1, null, { b: 1 }] }
  ])('grants nothing for values of an unexpected type: %j', (claims) => {
    expect(grantedScopes(claims, undefined)).toEqual([])
  })

  it('reads at most 1 000 scopes', () => {
    const scp = Array.from({ length: 10_000 }, (_, index) => `s${index}`)
    expect(grantedScopes({ scp }, undefined)).toEqual(scp.slice(0, 1_000))
  })

  it('uses token.scopes instead, if it is given', () => {
    const read = ({ permissions }: Record<string, unknown>) => permissions as string[]
    expect(grantedScopes({ scope: 'a', permissions: ['b', 'b', '', 7] }, read)).toEqual(['b'])
    expect(grantedScopes({ scope: 'a' }, read)).toEqual([])
  })

  it.each(['a b', null, { 0: 'a' }])('throws if token.scopes returns %j', (value) => {
    expect(() => grantedScopes({}, () => value as never)).toThrow(
      new TypeError('"token.scopes" must return an array of strings or undefined')
    )
  })

  it.each([
    ['resolves', async () => ['a']],
    ['rejects', () => Promise.reject(new Error('down'))]
  ])('throws if token.scopes returns a promise, which is handled if it %s', async (_outcome, read) => {
    expect(() => grantedScopes({}, read as never)).toThrow(new TypeError('"token.scopes" must not return a promise'))
    // An unhandled rejection would fail the run.
    await new Promise((resolve) => setImmediate(resolve))
  })
})

describe('the options of an issuer', () => {
  let world: World
  beforeAll(async () => {
    world = await createWorld()
  })

  async function verify(options: Partial<VerifierOptions>, claims: Record<string, unknown>, header = {}) {
    const verifier = createVerifier({ ...world.options, ...options, optional: false })
    return await verifier.verifyRequest(await world.request({ tokenSpec: { claims, header } }))
  }
  const issuerWith = (more: object) => ({ ...world.issuer.options, ...more })

  it('scopes of the issuer override token.scopes', async () => {
    const claims = { roles: ['r'], permissions: ['p'] }
    const token = { scopes: ({ roles }: Record<string, unknown>) => roles as string[] }
    expect((await verify({ token }, claims)).scopes).toEqual(['r'])
    const issuer = issuerWith({ scopes: ({ permissions }: Record<string, unknown>) => permissions as string[] })
    expect((await verify({ token, issuer }, claims)).scopes).toEqual(['p'])
  })

  it('an error of token.scopes is 503, with the error as its cause', async () => {
    const cause = new Error('role service')
    const token = {
      scopes: () => {
        throw cause
      }
    }
    await expect(verify({ token }, {})).rejects.toMatchObject({ code: 'ERR_DPOP_VERIFIER_UNAVAILABLE', cause })
    await expect(verify({ token }, {})).rejects.toBeInstanceOf(DPoPUnavailableError)
  })

  it('type and requiredClaims of the issuer override those of token', async () => {
    const claims = { client_id: undefined, jti: undefined }
    const issuer = issuerWith({ requiredClaims: ['sub'] })
    await expect(verify({}, claims)).rejects.toMatchObject({ code: 'ERR_DPOP_TOKEN_INVALID' })
    expect((await verify({ issuer }, claims)).claims.sub).toBe('user')
    await expect(verify({ issuer }, { sub: undefined })).rejects.toMatchObject({ code: 'ERR_DPOP_TOKEN_INVALID' })
    await expect(verify({ issuer }, claims, { typ: 'JWT' })).rejects.toMatchObject({ code: 'ERR_DPOP_TOKEN_INVALID' })
    const any = issuerWith({ type: 'any' })
    expect((await verify({ issuer: any }, { sub: undefined }, { typ: 'JWT' })).scheme).toBe('DPoP')
    await expect(verify({ issuer: any, token: { requiredClaims: ['sub'] } }, { sub: undefined })).rejects.toMatchObject({
      code: 'ERR_DPOP_TOKEN_INVALID'
    })
  })

  it.each(['iss', 'aud', 'exp'])('requiredClaims cannot remove %s', async (claim) => {
    for (const type of ['at+jwt', 'any'] as const)
      await expect(verify({ token: { type, requiredClaims: [] } }, { [claim]: undefined })).rejects.toMatchObject({
        code: 'ERR_DPOP_TOKEN_INVALID'
      })
  })

  it('requiredClaims adds claims under type any', async () => {
    const token = { type: 'any', requiredClaims: ['tenant'] } as const
    await expect(verify({ token }, {})).rejects.toMatchObject({ code: 'ERR_DPOP_TOKEN_INVALID' })
    expect((await verify({ token }, { tenant: 't' })).claims['tenant']).toBe('t')
  })

  it('clockToleranceSeconds of the issuer overrides that of token, also for a cached token', async () => {
    const verifier = createVerifier({ ...world.options, issuer: issuerWith({ clockToleranceSeconds: 60 }) })
    const token = await world.issuer.issue({ jkt: world.client.jkt, expiresInSeconds: 10 })
    const send = async () => await verifier.verifyRequest(await world.request({ token }))
    await send()
    const start = world.clock()
    world.clock.advance(69)
    expect((await send()).claims.sub).toBe('user')
    world.clock.advance(1)
    await expect(send()).rejects.toMatchObject({ code: 'ERR_DPOP_TOKEN_EXPIRED' })
    world.clock.set(start)
  })

  it('another scopes function of an issuer that a function returns applies to cached tokens', async () => {
    const { options } = await createTestIssuer({ clock: world.clock })
    expect(options).toBeDefined()
    let scopes = () => ['first']
    const verifier = createVerifier({ ...world.options, issuer: () => ({ ...world.issuer.options, scopes: () => scopes() }) })
    const changing = createVerifier({ ...world.options, issuer: () => ({ ...world.issuer.options, scopes }) })
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    const scopesOf = async (by: typeof verifier) => (await by.verifyRequest(await world.request({ token }))).scopes
    expect([await scopesOf(verifier), await scopesOf(changing)]).toEqual([['first'], ['first']])
    scopes = () => ['second']
    expect(await scopesOf(changing)).toEqual(['second'])
    // A new function differs from the previous one, so the token is verified again.
    expect(await scopesOf(verifier)).toEqual(['second'])
  })

  it.each<[options: object, message: string]>([
    [{ token: { requiredClaims: 'sub' } }, '"token.requiredClaims" must be an array of claim names'],
    [{ token: { requiredClaims: ['sub', ''] } }, '"token.requiredClaims" must be an array of claim names'],
    [{ token: { requiredClaims: [7] } }, '"token.requiredClaims" must be an array of claim names'],
    [{ token: { scopes: ['a'] } }, '"token.scopes" must be a function'],
    [{ token: { scopeSatisfies: true } }, '"token.scopeSatisfies" must be a function'],
    [{ token: { typ: 'any' } }, '"token.typ" is not an option; did you mean "token.type"?']
  ])('an invalid option is a TypeError that names it: %j', (options, message) => {
    expect(() => createVerifier({ ...world.options, ...(options as Partial<VerifierOptions>) })).toThrow(new TypeError(message))
  })

  it.each<[options: object, message: string]>([
    [{ type: 'jwt' }, '"issuer.type" must be one of at+jwt, any'],
    [{ requiredClaims: {} }, '"issuer.requiredClaims" must be an array of claim names'],
    [{ scopes: 'scp' }, '"issuer.scopes" must be a function'],
    [{ clockToleranceSeconds: 301 }, '"issuer.clockToleranceSeconds" must be an integer from 0 to 300']
  ])('an invalid option of an issuer is a TypeError that names it: %j', (options, message) => {
    expect(() => createVerifier({ ...world.options, issuer: issuerWith(options) })).toThrow(new TypeError(message))
  })
})
