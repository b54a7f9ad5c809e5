import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createWorld, NOW, type RequestSpec, verdictOf, type World } from '../support/world.js'

type Core = typeof import('dpop-guard')
const specs: [string, RequestSpec, Parameters<Core['createVerifier']>[0]['nonce']?][] = [
  ['a valid request', {}],
  ['an iat outside the window', { claims: { iat: NOW - 301 } }],
  ['another ath', { claims: { ath: 'x' } }],
  ['another key', { header: { jwk: { kty: 'EC' } } }],
  ['a missing nonce', {}, { secrets: ['a secret of thirty-two characters or more'] }]
]

describe('the core on WebCrypto, as in Workers and browsers', () => {
  let world: World
  let web: Core
  let node: Core
  let nodeTicketsOf: typeof import('dpop-guard/ticket')['createTickets']
  beforeAll(async () => {
    world = await createWorld()
    node = await import('dpop-guard')
    nodeTicketsOf = (await import('dpop-guard/ticket')).createTickets
    vi.resetModules()
    vi.doMock('#crypto', () => import('../../src/crypto/web.js'))
    web = await import('dpop-guard')
  })
  afterAll(() => {
    vi.doUnmock('#crypto')
    vi.resetModules()
  })

  it('verifies signatures with crypto.subtle', async () => {
    const verify = vi.spyOn(crypto.subtle, 'verify')
    await web.createVerifier(world.options).verifyRequest(await world.request())
    expect(verify).toHaveBeenCalled()
    verify.mockRestore()
  })

  it.each(specs)('has the same result as on Node.js for %s, its replay and a second proof', async (_title, spec, nonce) => {
    const [first, second] = [await world.request(spec), await world.request(spec)]
    const verdicts = async ({ createVerifier }: Core) => {
      const verifier = createVerifier({ ...world.options, ...(nonce && { nonce }) })
      const all: string[] = []
      for (const request of [first, first, second]) all.push(await verdictOf(verifier.verifyRequest(request)))
      return all
    }
    expect(web.createVerifier).not.toBe(node.createVerifier)
    expect(await verdicts(web)).toEqual(await verdicts(node))
  })

  it('issues the same nonces, so that instances on both platforms can be combined', async () => {
    const nonceOf = async ({ createVerifier }: Core) => {
      const verifier = createVerifier({ ...world.options, nonce: { secrets: ['a secret of thirty-two characters or more'] } })
      return await verifier.verifyRequest(await world.request()).catch((error) => error.headers['DPoP-Nonce'])
    }
    expect(await nonceOf(web)).toBe(await nonceOf(node))
    const headersOf = async ({ createVerifier }: Core) =>
      await createVerifier({ ...world.options, nonce: { secrets: ['a secret of thirty-two characters or more'] } }).nonceHeaders()
    expect(await headersOf(web)).toEqual(await headersOf(node))
  })

  it('accepts a ticket of an instance on Node.js once, and vice versa', async () => {
    const { createTickets } = await import('dpop-guard/ticket')
    const nodeTickets = nodeTicketsOf
    expect(createTickets).not.toBe(nodeTickets)
    const secrets = ['a secret of thirty-two characters or more']
    const options = { secrets, replay: node.memoryReplayStore(), clock: world.clock }
    const [onWeb, onNode] = [createTickets(options), nodeTickets(options)]
    const auth = await node.createVerifier(world.options).verifyRequest(await world.request())
    for (const [from, to] of [
      [onWeb, onNode],
      [onNode, onWeb],
      [onWeb, onWeb]
    ] as const) {
      const ticket = await from.issue(auth, '/socket')
      expect(await to.redeem(ticket, '/socket')).toMatchObject({ sub: 'user', jkt: world.client.jkt })
      for (const again of [onWeb, onNode])
        expect(await verdictOf(again.redeem(ticket, '/socket'))).toBe('ERR_DPOP_TICKET_INVALID')
      expect(await verdictOf(to.redeem(await from.issue(auth, '/socket'), '/other'))).toBe('ERR_DPOP_TICKET_INVALID')
    }
  })

  it('uses the same replay keys', async () => {
    const keys: string[] = []
    const replay = { reserve: (key: string) => keys.push(key) > 0 }
    const request = await world.request()
    for (const { createVerifier } of [web, node]) await createVerifier({ ...world.options, replay }).verifyRequest(request)
    expect(keys[0]).toBe(keys[1])
  })
})
