import { createVerifier, verifyRequest } from 'dpop-guard'
import { beforeAll, describe, expect, it } from 'vitest'
import { createWorld, ISSUER, verdictOf, type World } from './support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

describe('verifyRequest', () => {
  it('accepts a verifier or options, and keeps the replay store for calls with the same options', async () => {
    const request = await world.request()
    const options = { ...world.options }
    expect(await verdictOf(verifyRequest(request, options))).toBe('accepted')
    expect(await verdictOf(verifyRequest(request, options))).toBe('ERR_DPOP_PROOF_REPLAYED')
    const verifier = createVerifier(world.options)
    expect(await verdictOf(verifyRequest(request, verifier))).toBe('accepted')
    expect(await verdictOf(verifyRequest(request, verifier))).toBe('ERR_DPOP_PROOF_REPLAYED')
  })

  it('passes scopes and target of a call to the verifier', async () => {
    expect(await verdictOf(verifyRequest(await world.request(), world.options, { scopes: ['x'] }))).toBe(
      'ERR_DPOP_SCOPE_INSUFFICIENT'
    )
    expect(await verdictOf(verifyRequest(await world.request(), world.options, { target: '/other' }))).toBe('ERR_DPOP_PROOF_HTU')
  })

  it('rejects with a TypeError if the options are invalid', async () => {
    await expect(verifyRequest(await world.request(), { issuer: ISSUER } as never)).rejects.toThrow(TypeError)
  })
})
