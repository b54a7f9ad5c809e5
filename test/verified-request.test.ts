import { inspect } from 'node:util'
import { createVerifier, type VerifiedRequest } from 'dpop-guard'
import { beforeAll, describe, expect, it } from 'vitest'
import { BASE_URL, createWorld, ISSUER, NOW, type World } from './support/world.js'

let world: World
let token: string
let auth: VerifiedRequest
beforeAll(async () => {
  world = await createWorld()
  token = await world.issuer.issue({ jkt: world.client.jkt, scope: 'a b', claims: { roles: [{ name: 'x' }] } })
  const request = await world.request({ token, nonce: 'n', claims: { jti: 'one', extra: { deep: [1] } } })
  auth = await createVerifier(world.options).verifyRequest(request)
})

describe('a verified request', () => {
  it('has the scheme, the issuer, the claims, the scopes and the proof under the names of the RFCs', () => {
    expect(auth).toMatchObject({ scheme: 'DPoP', issuer: ISSUER, scopes: ['a', 'b'], responseHeaders: {} })
    expect(auth.claims).toMatchObject({ iss: ISSUER, sub: 'user', aud: BASE_URL, cnf: { jkt: world.client.jkt } })
    const { jkt } = world.client
    expect(auth.proof).toEqual({
      ...{ jkt, jti: 'one', htm: 'GET', htu: `${BASE_URL}/notes`, iat: NOW, nonce: 'n' },
      claims: expect.objectContaining({ jti: 'one', extra: { deep: [1] } })
    })
  })

  it('has no nonce if the proof has none or one that is not a string, and no proof with Bearer', async () => {
    const verifier = createVerifier({ ...world.options, allowBearer: true })
    for (const claims of [{}, { nonce: 7 }])
      expect((await verifier.verifyRequest(await world.request({ claims }))).proof).not.toHaveProperty('nonce')
    const headers = { authorization: `Bearer ${await world.issuer.issue()}` }
    const bearer = await verifier.verifyRequest({ method: 'GET', target: '/', headers })
    expect(bearer.scheme).toBe('Bearer')
    expect(bearer.proof).toBeUndefined()
  })

  it('is deeply frozen, because its claims are shared by all requests of one token', () => {
    const claims = auth.claims as unknown as { cnf: object; roles: { name: string }[] }
    const proof = auth.proof as { claims: { extra: { deep: number[] } } } & NonNullable<typeof auth.proof>
    const parts = [
      auth,
      claims,
      claims.cnf,
      claims.roles,
      claims.roles[0],
      auth.scopes,
      proof,
      proof.claims,
      proof.claims.extra.deep
    ]
    for (const part of [...parts, auth.responseHeaders]) expect(Object.isFrozen(part)).toBe(true)
    expect(() => Object.assign(auth, { scheme: 'Bearer' })).toThrow(TypeError)
  })

  it('has the token as a property that is not logged, copied or serialized', () => {
    expect(auth.token).toBe(token)
    expect(Object.keys(auth)).not.toContain('token')
    expect({ ...auth }).not.toHaveProperty('token')
    const signature = token.split('.')[2] as string
    const reported = [
      JSON.stringify(auth),
      inspect(auth),
      inspect(auth, { depth: 9, showHidden: true }),
      JSON.stringify(structuredClone({ ...auth }))
    ]
    for (const text of reported) expect(text).not.toContain(signature)
  })
})
