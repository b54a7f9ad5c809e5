import { channel } from 'node:diagnostics_channel'
import { createVerifier, type PlainRequest } from 'dpop-guard'
import { afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import { BASE_URL, createWorld, ISSUER, verdictOf, type World } from './support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

const names = ['verified', 'refused', 'unavailable', 'misconfigured'].map((name) => `dpop-guard:${name}`)
const subscriptions: (() => void)[] = []
afterEach(() => {
  for (const unsubscribe of subscriptions.splice(0)) unsubscribe()
  vi.unstubAllGlobals()
})

/** Everything that is published from now on. */
function listen(): [name: string, event: unknown][] {
  const events: [string, unknown][] = []
  for (const name of names) {
    const listener = (event: unknown) => events.push([name, event])
    channel(name).subscribe(listener)
    subscriptions.push(() => channel(name).unsubscribe(listener))
  }
  return events
}

describe('diagnostics channels publish what the client must not receive', () => {
  it('verified: scheme, issuer and the client’s key', async () => {
    const events = listen()
    const verifier = createVerifier({ ...world.options, allowBearer: true })
    await verifier.verifyRequest(await world.request())
    const token = await world.issuer.issue()
    await verifier.verifyRequest({ method: 'GET', target: '/', headers: { authorization: `Bearer ${token}` } })
    expect(events).toEqual([
      ['dpop-guard:verified', { scheme: 'DPoP', issuer: ISSUER, jkt: world.client.jkt }],
      ['dpop-guard:verified', { scheme: 'Bearer', issuer: ISSUER, jkt: undefined }]
    ])
  })

  it('refused: the expected and received htu, the measured skew, or why the token was refused', async () => {
    const events = listen()
    const verifier = createVerifier(world.options)
    const verify = (request: PlainRequest) => verifier.verifyRequest(request)
    await verdictOf(verify(await world.request({ url: 'http://localhost:3000/notes' })))
    await verdictOf(verify(await world.request({ claims: { iat: world.clock() / 1000 - 301 } })))
    await verdictOf(verify(await world.request({ claims: { iat: world.clock() / 1000 - 60, exp: world.clock() / 1000 - 30 } })))
    await verdictOf(verify(await world.request({ tokenSpec: { claims: { aud: 'https://other.example' } } })))
    await verdictOf(verify(await world.request({ method: 'PUT', claims: { htm: 'GET' } })))
    expect(events).toEqual([
      [
        'dpop-guard:refused',
        {
          code: 'ERR_DPOP_PROOF_HTU',
          detail: { expectedHtu: [`${BASE_URL}/notes`], receivedHtu: 'http://localhost:3000/notes' }
        }
      ],
      ['dpop-guard:refused', { code: 'ERR_DPOP_PROOF_IAT', detail: { skewSeconds: -301 } }],
      ['dpop-guard:refused', { code: 'ERR_DPOP_PROOF_IAT', detail: { skewSeconds: -60 } }],
      [
        'dpop-guard:refused',
        {
          code: 'ERR_DPOP_TOKEN_INVALID',
          detail: {
            reason: expect.stringMatching(
              /^aud is "https:\/\/other\.example", expected one of \["https:\/\/api\.example"\]; the option audience/
            )
          }
        }
      ],
      ['dpop-guard:refused', { code: 'ERR_DPOP_PROOF_HTM', detail: { reason: 'htm is "GET", the method is "PUT"' } }]
    ])
  })

  it('unavailable: the code and what happened', async () => {
    const events = listen()
    const cause = new Error('ECONNREFUSED')
    const replay = { reserve: () => Promise.reject(cause) }
    await verdictOf(createVerifier({ ...world.options, replay }).verifyRequest(await world.request()))
    expect(events).toEqual([['dpop-guard:unavailable', { code: 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE', cause }]])
  })

  it('misconfigured: what is valid and most likely a mistake', () => {
    const events = listen()
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    createVerifier({ ...world.options, instances: 2 })
    emitWarning.mockRestore()
    const event = { code: 'DPOP_GUARD_LONE_MEMORY', message: expect.any(String) }
    expect(events).toEqual([['dpop-guard:misconfigured', event]])
  })

  it('no event has a token, a proof, a segment of one, or a nonce (RFC 6750 §5.2)', async () => {
    const events = listen()
    const verifier = createVerifier(world.options)
    const requests = await Promise.all([
      world.request(),
      world.request({ nonce: 'the-nonce', claims: { htu: 'https://evil.example/' } }),
      world.request({ claims: { iat: 1 }, nonce: 'the-nonce' }),
      world.request({ claims: { ath: 'x' } }),
      world.request({ client: world.attacker, tokenSpec: { jkt: world.client.jkt } }),
      world.request({ tokenSpec: { claims: { iss: 'https://evil.example' } } }),
      world.request({ tokenSpec: { header: { kid: 'other' } } }),
      world.request({ tokenSpec: { expiresInSeconds: -100 } })
    ])
    const secrets = ['the-nonce']
    for (const request of requests) {
      await verdictOf(verifier.verifyRequest(request))
      const { Authorization, DPoP } = request.headers as Record<string, string>
      for (const jws of [Authorization, DPoP]) secrets.push(...(jws as string).replace('DPoP ', '').split('.'))
    }
    expect(events).toHaveLength(requests.length)
    const reported = JSON.stringify(events)
    for (const secret of secrets) expect(reported).not.toContain(secret)
  })
})

it.each([undefined, {}, { getBuiltinModule: () => undefined }])(
  'a runtime without diagnostics channels is no reason to fail: process is %j',
  async (process) => {
    vi.stubGlobal('process', process)
    vi.resetModules()
    const telemetry = await import('../src/telemetry.js')
    expect(telemetry.refused.hasSubscribers).toBe(false)
    expect(() => telemetry.refused.publish({ code: 'ERR_DPOP_PROOF_HTM', detail: {} })).not.toThrow()
  }
)
