import { createVerifier, memoryReplayStore, redisReplayStore, type VerifierOptions } from 'dpop-guard'
import { beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { createWorld, NOW_MS, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(() => world.clock.set(NOW_MS))
const create = (more: Partial<VerifierOptions> = {}) => createVerifier({ ...world.options, ...more })

const names = [
  'request',
  'authorization',
  'scheme',
  'proof',
  'jwt',
  'typ',
  'alg',
  'jwk',
  'claims',
  'htm',
  'htu',
  'ath',
  'access token',
  'binding',
  'client certificate',
  'signature',
  'freshness',
  'policy',
  'replay'
]

describe('verifier.explain()', () => {
  test('returns all checks in order, and does not consume the proof', async () => {
    const verifier = create()
    const request = await world.request()
    for (let i = 0; i < 2; i++) {
      const checks = await verifier.explain(request)
      expect(checks.map(({ rule }) => rule)).toEqual(names)
      expect(checks.filter(({ outcome }) => outcome !== 'pass').map(({ rule }) => rule)).toEqual(['client certificate', 'policy'])
      for (const { section } of checks) expect(section).toMatch(/^RFC \d+/)
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

  test('memoryReplayStore.has finds live entries only', () => {
    const store = memoryReplayStore()
    expect(store.has?.('key')).toBe(false)
    store.reserve('key', 2_000, { nowMs: 1_000, jkt: 'j' })
    const at = (nowMs: number) => store.has?.('key', { nowMs, jkt: 'j' })
    expect([at(1_000), at(2_000), at(2_001), store.has?.('other', { nowMs: 1_000, jkt: 'j' })]).toEqual([
      true,
      true,
      false,
      false
    ])
  })

  test('redisReplayStore.has sends EXISTS', async () => {
    const sendCommand = vi.fn(async (_command: string, key: string) => (key === 'dpop:a' ? 1 : 0))
    const store = redisReplayStore({ sendCommand })
    expect([await store.has?.('a'), await store.has?.('b')]).toEqual([true, false])
    expect(sendCommand).toHaveBeenCalledWith('EXISTS', 'dpop:a')
  })
})
