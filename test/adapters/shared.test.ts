import { createVerifier, DPoPError } from 'dpop-guard'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { describe, expect, test, vi } from 'vitest'
import { protect, protectPolicy } from '../../adapters/shared/protect.js'
import { addHeaders } from '../../adapters/shared/response-headers.js'
import { type AnyVerifier, verifierOf } from '../../adapters/shared/verifier-source.js'
import { createWorld } from '../support/world.js'

const issuer = await createTestIssuer()
const options = { issuer: issuer.options, baseUrl: 'https://api.example' }

function responseWith(present: Record<string, string | string[]>) {
  const fields = { ...present }
  return {
    fields,
    get: (name: string) => fields[name],
    set(name: string, value: string | string[]) {
      fields[name] = value
    }
  }
}

describe('header fields that are set on a response', () => {
  test.each(['WWW-Authenticate', 'Vary', 'Access-Control-Expose-Headers', 'vary'])(
    'values are added to %s, which is a list',
    (name) => {
      const response = responseWith({ [name]: 'theirs' })
      addHeaders(response, { [name]: ['one', 'two'] })
      expect(response.fields[name]).toEqual(['theirs', 'one', 'two'])
    }
  )

  test('a value that is already present is not added again', () => {
    const response = responseWith({ Vary: ['Origin', 'DPoP'] })
    addHeaders(response, { Vary: 'DPoP', 'WWW-Authenticate': 'DPoP algs="ES256"' })
    addHeaders(response, { 'WWW-Authenticate': 'DPoP algs="ES256"' })
    expect(response.fields).toEqual({ Vary: ['Origin', 'DPoP'], 'WWW-Authenticate': 'DPoP algs="ES256"' })
  })

  test('any other field has the last value', () => {
    const response = responseWith({ 'Cache-Control': 'public', 'DPoP-Nonce': 'old' })
    addHeaders(response, { 'Cache-Control': 'no-store', 'DPoP-Nonce': 'new' })
    expect(response.fields).toEqual({ 'Cache-Control': 'no-store', 'DPoP-Nonce': 'new' })
  })
})

test('a frozen error of a verifier is thrown unchanged, also for a request of another origin', async () => {
  const error = Object.freeze(new DPoPError('ERR_DPOP_ACCESS_DENIED', { 'Retry-After': '1' }))
  const rejecting = { verifyRequest: () => Promise.reject(error), requireScopes() {} }
  const request = { method: 'GET', target: '/', headers: { origin: 'https://app.example' } }
  const response = responseWith({})
  await expect(protect(rejecting as never, request, response, {}, {})).rejects.toBe(error)
  expect(response.fields).toEqual({
    'Access-Control-Expose-Headers': 'WWW-Authenticate, DPoP-Nonce',
    'Retry-After': '1'
  })
})

test('a guard that compares the audience exactly does not reuse the result of one that compares it as a URI', async () => {
  const world = await createWorld()
  const verifier = createVerifier({ ...world.options, audience: 'https://API.example' })
  const headers = { get() {}, set() {} }
  const request = await world.request({ tokenSpec: { claims: { aud: 'https://api.EXAMPLE' } } })
  const uri = { audienceComparison: 'uri' } as const
  await protect(verifier, request, headers, uri, request)
  await protect(verifier, request, headers, uri, request)
  await expect(protect(verifier, request, headers, {}, request)).rejects.toMatchObject({
    code: 'ERR_DPOP_VERIFIER_UNAVAILABLE',
    cause: new TypeError(
      'A guard with audienceComparison "uri", such as mcpAuth(), ran before one that compares exactly: run it after that'
    )
  })
  const other = await world.request({ tokenSpec: { claims: { aud: 'https://API.example' } } })
  await protect(verifier, other, headers, {}, other)
  expect(await protect(verifier, other, headers, uri, other)).toBeDefined()
})

describe('a response that accepts no header fields', () => {
  const request = { method: 'GET', target: '/', headers: {} }
  const responseThatThrows = (error: Error) => ({
    get() {},
    set() {
      throw error
    }
  })

  test.each(['ERR_HTTP_HEADERS_SENT', 'ERR_HTTP2_HEADERS_SENT'])(
    'because it was already sent does not change the result: %s',
    async (code) => {
      const sent = responseThatThrows(Object.assign(new Error('sent'), { code }))
      await expect(protect(createVerifier(options), request, sent, {}, {})).rejects.toMatchObject({ status: 401 })
      const nonceVerifier = { verifyRequest: async () => ({ responseHeaders: { 'DPoP-Nonce': 'next' } }), requireScopes() {} }
      expect(await protect(nonceVerifier as never, request, sent, {}, {})).toHaveProperty('responseHeaders')
    }
  )

  test('for any other reason causes its error to be thrown', async () => {
    const broken = responseThatThrows(new RangeError('broken'))
    await expect(protect(createVerifier(options), request, broken, {}, {})).rejects.toThrow(RangeError)
  })
})

describe('verifierOf', () => {
  const verifier = createVerifier(options)

  test('returns a given verifier, passed directly or as a member', () => {
    expect(verifierOf(verifier)).toBe(verifier)
    expect(verifierOf({ verifier })).toBe(verifier)
    expect(verifierOf({ verifier, hook: 'x' } as object, ['hook'])).toBe(verifier)
  })

  test('creates a verifier from options, without the settings of the framework', () => {
    expect(verifierOf({ ...options, hook: 'x' } as object, ['hook'])).toHaveProperty('verifyRequest')
    expect(() => verifierOf({ ...options, hook: 'x' } as object)).toThrow('"hook" is not an option')
  })

  test('creates one verifier for each settings object, so that caches and replay store are kept', () => {
    const settings = { ...options, hook: 'x' }
    expect(verifierOf(settings as object, ['hook'])).toBe(verifierOf(settings as object, ['hook']))
    expect(verifierOf({ ...settings } as object, ['hook'])).not.toBe(verifierOf(settings as object, ['hook']))
  })

  test.each<[string, unknown, string]>([
    ['null', null, '"options" must be an object'],
    ['a string', 'https://issuer.example', '"options" must be an object'],
    ['a verifier combined with options', { ...options, verifier }, '"verifier" must not be combined'],
    ['a member verifier that is undefined', { verifier: undefined }, '"baseUrl" must'],
    ['a member verifier that is not a verifier', { verifier: { verify() {} } }, '"verify" is not an option'],
    ['undefined, without variables in the environment', undefined, '"DPOP_ISSUER" must be set'],
    ['settings without options, without variables in the environment', {}, '"DPOP_ISSUER" must be set']
  ])('throws a TypeError for %s', (_title, settings, message) => {
    expect(() => verifierOf(settings as never)).toThrow(TypeError)
    expect(() => verifierOf(settings as never)).toThrow(message)
  })
})

describe('the verification that is stored for a request', () => {
  const request = { method: 'GET', target: '/', headers: {} }

  async function requestWithScope(scope: string) {
    const client = await createTestClient()
    const token = await issuer.issue({ jkt: client.jkt, scope })
    return { ...request, headers: await client.headers({ url: 'https://api.example/', token }) }
  }

  test('is not reused after a rejection: a second guard verifies again', async () => {
    const key = {}
    const refused = protect(createVerifier(options), request, responseWith({}), {}, key)
    await expect(refused).rejects.toMatchObject({ code: 'ERR_DPOP_CREDENTIALS_MISSING' })
    await expect(protectPolicy(request, responseWith({}), { scopes: ['a'] }, key)).rejects.toThrow(
      'requireScopes() must come after dpop()'
    )
  })

  test('is not reused for another verifier', async () => {
    const key = {}
    const lenient: AnyVerifier = createVerifier({ ...options, optional: true })
    expect(await protect(lenient, request, responseWith({}), {}, key)).toBeUndefined()
    await expect(protect(createVerifier(options), request, responseWith({}), {}, key)).rejects.toMatchObject({ status: 401 })
  })

  test('is reused by a second guard, whose scopes are checked (RFC 6750 §3.1)', async () => {
    const [key, verifier, sent] = [{}, createVerifier(options), await requestWithScope('read')]
    const auth = await protect(verifier, sent, responseWith({}), {}, key)
    expect(await protect(verifier, sent, responseWith({}), { scopes: ['read'] }, key)).toBe(auth)
    await expect(protect(verifier, sent, responseWith({}), { scopes: ['write'] }, key)).rejects.toMatchObject({ status: 403 })
  })

  test('is awaited by concurrent guards, such as those of the resolvers of a GraphQL query', async () => {
    const [key, verifier, sent] = [{}, createVerifier(options), await requestWithScope('read')]
    const guards = [['write'], undefined, ['read'], ['write'], undefined]
    const results = await Promise.allSettled(guards.map((scopes) => protect(verifier, sent, responseWith({}), { scopes }, key)))
    // A guard whose scopes are missing is rejected without consuming the proof.
    const outcomes = results.map((result) => (result.status === 'rejected' ? result.reason.status : result.value?.scheme))
    expect(outcomes).toEqual([403, 'DPoP', 'DPoP', 403, 'DPoP'])
  })

  test('is awaited at a cost that grows with the number of concurrent guards, and not with its square', async () => {
    const verifier = createVerifier(options)
    const guards = 500
    // Every read of the state that the guards of the request share.
    const get = vi.fn(Reflect.get)
    const key = new Proxy({}, { get })
    const guarding = Array.from({ length: guards }, () => protect(verifier, request, responseWith({}), {}, key))
    const results = await Promise.allSettled(guarding)
    expect(results.map(({ status }) => status)).toEqual(Array.from({ length: guards }, () => 'rejected'))
    expect(get.mock.calls.length).toBeGreaterThanOrEqual(guards)
    expect(get.mock.calls.length).toBeLessThan(3 * guards)
  })

  test('does not make the policies of concurrent guards wait for each other', async () => {
    const [key, verifier, sent] = [{}, createVerifier(options), await requestWithScope('read')]
    const auth = await protect(verifier, sent, responseWith({}), {}, key)
    const waiting: ((decision: boolean) => void)[] = []
    const authorize = () =>
      new Promise<boolean>((decide) => {
        waiting.push(decide)
        if (waiting.length === 3) for (const resolve of waiting) resolve(true)
      })
    const guarding = Array.from({ length: 3 }, () => protect(verifier, sent, responseWith({}), { authorize }, key))
    expect(await Promise.all(guarding)).toEqual([auth, auth, auth])
  })

  test('is not awaited for a copy of the request object', async () => {
    const [key, lenient] = [{}, createVerifier({ ...options, optional: true })]
    const verifyRequest = vi.spyOn(lenient, 'verifyRequest')
    const first = protect(lenient, request, responseWith({}), {}, key)
    await Promise.all([first, protect(lenient, request, responseWith({}), {}, { ...key })])
    expect(verifyRequest).toHaveBeenCalledTimes(2)
  })

  test('is not reused for a copy of the request object, nor for an object that inherits from it', async () => {
    const key = {}
    await protect(createVerifier({ ...options, optional: true }), request, responseWith({}), {}, key)
    await expect(protectPolicy(request, responseWith({}), { scopes: ['a'] }, key)).rejects.toMatchObject({ status: 401 })
    for (const other of [{ ...key }, Object.create(key)])
      await expect(protectPolicy(request, responseWith({}), { scopes: ['a'] }, other)).rejects.toThrow(
        'requireScopes() must come after dpop()'
      )
  })

  test('is not reused for another request', async () => {
    await expect(protectPolicy(request, responseWith({}), { scopes: ['a'] }, {})).rejects.toThrow(TypeError)
  })
})
