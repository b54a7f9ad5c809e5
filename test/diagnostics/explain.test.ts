import { createVerifier, type VerifierOptions } from 'dpop-guard'
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createWorld, NOW_MS, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(() => world.clock.set(NOW_MS))
const create = (more: Partial<VerifierOptions> = {}) => createVerifier({ ...world.options, ...more })

const sections: Record<string, string> = {
  request: 'RFC 9110 §7.2',
  authorization: 'RFC 9449 §7.1',
  scheme: 'RFC 9449 §7.1',
  proof: 'RFC 9449 §4.3 #1',
  jwt: 'RFC 9449 §4.3 #2',
  typ: 'RFC 9449 §4.3 #4',
  alg: 'RFC 9449 §4.3 #5',
  jwk: 'RFC 9449 §4.3 #7',
  claims: 'RFC 9449 §4.3 #3',
  htm: 'RFC 9449 §4.3 #8',
  htu: 'RFC 9449 §4.3 #9',
  ath: 'RFC 9449 §4.3 #12',
  'access token': 'RFC 9068 §4',
  binding: 'RFC 9449 §4.3 #12',
  'client certificate': 'RFC 8705 §3',
  signature: 'RFC 9449 §4.3 #6',
  freshness: 'RFC 9449 §4.3 #10, #11',
  policy: 'RFC 6750 §3.1, RFC 9470',
  replay: 'RFC 9449 §11.1'
}
const names = Object.keys(sections)

describe('verifier.explain()', () => {
  test('returns all checks in order, and does not consume the proof', async () => {
    const verifier = create()
    const request = await world.request()
    for (let i = 0; i < 2; i++) {
      const checks = await verifier.explain(request)
      expect(checks.map(({ rule }) => rule)).toEqual(names)
      expect(checks.filter(({ outcome }) => outcome !== 'pass').map(({ rule }) => rule)).toEqual(['client certificate', 'policy'])
      expect(Object.fromEntries(checks.map(({ rule, section }) => [rule, section]))).toEqual(sections)
    }
    await verifier.verifyRequest(request)
    expect((await verifier.explain(request)).at(-1)).toMatchObject({
      rule: 'replay',
      outcome: 'fail',
      code: 'ERR_DPOP_PROOF_REPLAYED'
    })
  })

  test('does not stop at the first failure', async () => {
    const checks = await create().explain(
      await world.request({
        header: { typ: 'JWT' },
        claims: { htm: 'POST', iat: 0, ath: 'x' },
        tokenSpec: { claims: { aud: 'x' } }
      })
    )
    const failed = checks.filter(({ outcome }) => outcome === 'fail').map(({ rule }) => rule)
    expect(failed).toEqual(['typ', 'htm', 'ath', 'access token', 'freshness'])
  })

  test('does not make a rejected proof acceptable: its header is not cached', async () => {
    const verifier = create()
    const request = await world.request({ header: { typ: 'JWT' } })
    await verifier.explain(request)
    await expect(verifier.verifyRequest(request)).rejects.toMatchObject({ code: 'ERR_DPOP_PROOF_TYP' })
  })

  test('skips what depends on a failed check', async () => {
    const skipped = async (request: Parameters<ReturnType<typeof create>['explain']>[0]) =>
      (await create().explain(request)).filter(({ outcome }) => outcome === 'skipped').length
    expect(await skipped({ method: 'GET', target: '/', headers: { authorization: 'DPoP a b' } })).toBe(names.length - 3)
    expect(await skipped({ method: 'GET', target: '/', headers: { dpop: 'x' } })).toBe(names.length - 4)
    expect(await skipped({} as never)).toBe(names.length - 1)
  })

  test('reports an anonymous request under optional, and a Bearer request under allowBearer', async () => {
    const anonymous = await create({ optional: true }).explain({ method: 'GET', target: '/', headers: {} })
    expect(anonymous[1]).toMatchObject({ rule: 'authorization', outcome: 'pass', received: expect.stringContaining('optional') })
    const bearer = create({ allowBearer: true })
    const explain = async (jkt?: string) => {
      const token = await world.issuer.issue({ ...(jkt && { jkt }), scope: 'a' })
      const headers = { authorization: `Bearer ${token}` }
      return await bearer.explain({ method: 'GET', target: '/', headers }, { scopes: ['a'] })
    }
    expect((await explain()).filter(({ outcome }) => outcome === 'fail')).toEqual([])
    expect((await explain(world.client.jkt)).find(({ outcome }) => outcome === 'fail')).toMatchObject({
      rule: 'binding',
      code: 'ERR_DPOP_TOKEN_BINDING'
    })
  })

  test('evaluates the policy and the client certificate', async () => {
    const authorize = vi.fn(() => false)
    const checks = await create().explain(await world.request(), { authorize })
    expect(checks.find(({ rule }) => rule === 'policy')).toMatchObject({ outcome: 'fail', code: 'ERR_DPOP_ACCESS_DENIED' })
    expect(authorize).toHaveBeenCalledOnce()
    const cnf = { jkt: world.client.jkt, 'x5t#S256': 'A'.repeat(43) }
    const bound = await create().explain(await world.request({ tokenSpec: { claims: { cnf } } }))
    expect(bound.find(({ rule }) => rule === 'client certificate')).toMatchObject({
      outcome: 'fail',
      code: 'ERR_DPOP_TOKEN_BINDING'
    })
  })

  test('reports an error of a hook with its message', async () => {
    const baseUrl = () => Promise.reject(new Error('tenant database'))
    const checks = await create({ baseUrl }).explain(await world.request())
    expect(checks.find(({ rule }) => rule === 'htu')).toMatchObject({
      outcome: 'fail',
      code: 'ERR_DPOP_VERIFIER_UNAVAILABLE',
      received: 'Error "tenant database"'
    })
  })

  test('names what was expected and received', async () => {
    const verifier = create({ baseUrl: ['https://api.example', 'https://api.example/v1'], audience: 'https://api.example' })
    const failureOf = async (spec: Parameters<typeof world.request>[0], host = 'api.example') => {
      const request = await world.request(spec)
      const checks = await verifier.explain({ ...request, headers: { ...(request.headers as object), host } })
      const { expected, received } = checks.find(({ outcome }) => outcome === 'fail') ?? {}
      return { expected, received }
    }
    expect(await failureOf({ claims: { htu: 'https://api.example/x' } })).toEqual({
      expected: 'https://api.example/notes or https://api.example/v1/notes',
      received: 'https://api.example/x'
    })
    expect(await failureOf({}, 'other.example')).toEqual({ expected: 'none', received: 'https://api.example/notes' })
    expect(await failureOf({ claims: { iat: NOW_MS / 1000 - 600 } })).toEqual({
      expected: 'an iat in the accepted window',
      received: '-600 seconds'
    })
    expect(await failureOf({ claims: { ath: 'x' } })).toEqual({
      expected: undefined,
      received: 'ath is the hash of another access token'
    })
    expect(await failureOf({ header: { jwk: {} } })).toEqual({ expected: undefined, received: undefined })
  })

  test('reports all causes of an outage in order', async () => {
    const replay = { reserve: () => true }
    const isRevoked = () => Promise.reject(new Error('first', { cause: new Error('second') }))
    const checks = await create({ replay, token: { isRevoked } }).explain(await world.request())
    expect(checks.find(({ rule }) => rule === 'access token')).toMatchObject({ received: 'Error "first" <- Error "second"' })
    expect(checks.find(({ rule }) => rule === 'replay')).toEqual({
      rule: 'replay',
      section: 'RFC 9449 §11.1',
      outcome: 'skipped',
      hint: 'the replay store cannot look up a proof without consuming it'
    })
  })

  test('verifies the proof of a DPoP request under allowBearer, and skips it for a Bearer request', async () => {
    const bearer = create({ allowBearer: true })
    const outcomes = async (authorization: string | undefined) => {
      const request = await world.request()
      const headers = { ...(request.headers as object), ...(authorization !== undefined && { Authorization: authorization }) }
      const checks = await bearer.explain({ ...request, headers })
      return Object.fromEntries(checks.map(({ rule, outcome }) => [rule, outcome]))
    }
    expect(await outcomes(undefined)).toMatchObject({ proof: 'pass', signature: 'pass', binding: 'pass', replay: 'pass' })
    const token = await world.issuer.issue()
    expect(await outcomes(`Bearer ${token}`)).toMatchObject({
      'access token': 'pass',
      binding: 'pass',
      proof: 'skipped',
      ath: 'skipped',
      signature: 'skipped',
      freshness: 'skipped',
      replay: 'skipped'
    })
  })

  test('skips the binding without a proof, and the signature does not affect the cache of the verifier', async () => {
    const token = await world.issuer.issue({ jkt: world.client.jkt })
    const checks = await create().explain({ method: 'GET', target: '/notes', headers: { authorization: `DPoP ${token}` } })
    const outcome = (name: string) => checks.find(({ rule }) => rule === name)?.outcome
    expect([outcome('access token'), outcome('proof'), outcome('binding'), outcome('ath')]).toEqual([
      'pass',
      'fail',
      'skipped',
      'skipped'
    ])
  })

  test('uses the target of the call', async () => {
    const checks = await create().explain(await world.request({ target: '/notes' }), { target: '/other' })
    expect(checks.find(({ rule }) => rule === 'htu')).toMatchObject({ outcome: 'fail', expected: 'https://api.example/other' })
  })
})

describe('the replay check of explain()', () => {
  const replayOf = async (replay: (VerifierOptions['replay'] & object) | false) =>
    (await create({ replay }).explain(await world.request())).at(-1)

  test('passes without a store, and is skipped for a store without `has` or with a failing one', async () => {
    expect(await replayOf(false)).toMatchObject({ outcome: 'pass' })
    expect(await replayOf({ reserve: () => true })).toMatchObject({ outcome: 'skipped', hint: expect.any(String) })
    const has = () => Promise.reject(new Error('NOPERM'))
    expect(await replayOf({ reserve: () => true, has })).toMatchObject({ outcome: 'skipped' })
  })
})
