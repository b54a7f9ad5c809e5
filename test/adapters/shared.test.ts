import { createVerifier } from 'dpop-guard'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { describe, expect, test, vi } from 'vitest'
import { type AnyVerifier, addHeaders, protect, protectPolicy, verifierOf } from '../../adapters/shared.js'

const issuer = await createTestIssuer()
const options = { issuer: issuer.options, baseUrl: 'https://api.example' }

function answerWith(present: Record<string, string | string[]>) {
  const fields = { ...present }
  return {
    fields,
    get: (name: string) => fields[name],
    set(name: string, value: string | string[]) {
      fields[name] = value
    }
  }
}

describe('header fields that are put on an answer', () => {
  test.each(['WWW-Authenticate', 'Vary', 'Access-Control-Expose-Headers', 'vary'])(
    '%s is a list: what others put there stays',
    (name) => {
      const answer = answerWith({ [name]: 'theirs' })
      addHeaders(answer, { [name]: ['one', 'two'] })
      expect(answer.fields[name]).toEqual(['theirs', 'one', 'two'])
    }
  )

  test('a line that is there already is not put there again', () => {
    const answer = answerWith({ Vary: ['Origin', 'DPoP'] })
    addHeaders(answer, { Vary: 'DPoP', 'WWW-Authenticate': 'DPoP algs="ES256"' })
    addHeaders(answer, { 'WWW-Authenticate': 'DPoP algs="ES256"' })
    expect(answer.fields).toEqual({ Vary: ['Origin', 'DPoP'], 'WWW-Authenticate': 'DPoP algs="ES256"' })
  })

  test('any other field has one value, the last', () => {
    const answer = answerWith({ 'Cache-Control': 'public', 'DPoP-Nonce': 'old' })
    addHeaders(answer, { 'Cache-Control': 'no-store', 'DPoP-Nonce': 'new' })
    expect(answer.fields).toEqual({ 'Cache-Control': 'no-store', 'DPoP-Nonce': 'new' })
  })
})

describe('an answer that takes no header fields', () => {
  const request = { method: 'GET', target: '/', headers: {} }
  const answerThat = (error: Error) => ({
    get() {},
    set() {
      throw error
    }
  })

  test('because it was sent meanwhile does not change what came of the request', async () => {
    const sent = answerThat(Object.assign(new Error('sent'), { code: 'ERR_HTTP_HEADERS_SENT' }))
    await expect(protect(createVerifier(options), request, sent, {}, {})).rejects.toMatchObject({ status: 401 })
    const nonceGiver = { verifyRequest: async () => ({ responseHeaders: { 'DPoP-Nonce': 'next' } }), requireScopes() {} }
    expect(await protect(nonceGiver as never, request, sent, {}, {})).toHaveProperty('responseHeaders')
  })

  test('for any other reason is the fault of whoever made it', async () => {
    const broken = answerThat(new RangeError('broken'))
    await expect(protect(createVerifier(options), request, broken, {}, {})).rejects.toThrow(RangeError)
  })
})

describe('the verifier that settings mean', () => {
  const verifier = createVerifier(options)

  test('is a ready one, given as such or as a member', () => {
    expect(verifierOf(verifier)).toBe(verifier)
    expect(verifierOf({ verifier })).toBe(verifier)
    expect(verifierOf({ verifier, hook: 'x' } as object, ['hook'])).toBe(verifier)
  })

  test('is made of options, but for the settings of the framework', () => {
    expect(verifierOf({ ...options, hook: 'x' } as object, ['hook'])).toHaveProperty('verifyRequest')
    expect(() => verifierOf({ ...options, hook: 'x' } as object)).toThrow('"hook" is not an option')
  })

  test('is one for each settings object, so that its caches and its replay memory last', () => {
    const settings = { ...options, hook: 'x' }
    expect(verifierOf(settings as object, ['hook'])).toBe(verifierOf(settings as object, ['hook']))
    expect(verifierOf({ ...settings } as object, ['hook'])).not.toBe(verifierOf(settings as object, ['hook']))
  })

  test.each<[string, unknown, string]>([
    ['null', null, '"options" must be an object'],
    ['a string', 'https://issuer.example', '"options" must be an object'],
    ['a verifier beside options', { ...options, verifier }, '"verifier" must not be combined'],
    ['a verifier that is missing', { verifier: undefined }, '"baseUrl" must'],
    ['a verifier that is none', { verifier: { verify() {} } }, '"verify" is not an option'],
    ['nothing, where the environment has nothing', undefined, '"DPOP_ISSUER" must be set'],
    ['settings of the framework alone, where the environment has nothing', {}, '"DPOP_ISSUER" must be set']
  ])('is none for %s: a TypeError', (_title, settings, message) => {
    expect(() => verifierOf(settings as never)).toThrow(TypeError)
    expect(() => verifierOf(settings as never)).toThrow(message)
  })
})

describe('what is remembered of a request', () => {
  const request = { method: 'GET', target: '/', headers: {} }

  test('is nothing when it was refused: a second guard looks again', async () => {
    const key = {}
    const refused = protect(createVerifier(options), request, answerWith({}), {}, key)
    await expect(refused).rejects.toMatchObject({ code: 'ERR_DPOP_CREDENTIALS_MISSING' })
    await expect(protectPolicy(request, answerWith({}), { scopes: ['a'] }, key)).rejects.toThrow(
      'requireScopes() must come after dpop()'
    )
  })

  test('is nothing of one verifier for another', async () => {
    const key = {}
    const lenient: AnyVerifier = createVerifier({ ...options, optional: true })
    expect(await protect(lenient, request, answerWith({}), {}, key)).toBeUndefined()
    await expect(protect(createVerifier(options), request, answerWith({}), {}, key)).rejects.toMatchObject({ status: 401 })
  })

  test('is no more than the first guard asked for: scopes of the second are checked (RFC 6750 §3.1)', async () => {
    const client = await createTestClient()
    const verifier = createVerifier(options)
    const token = await issuer.issue({ jkt: client.jkt, scope: 'read' })
    const headers = await client.headers({ url: 'https://api.example/', token })
    const [key, sent] = [{}, { ...request, headers }]
    const auth = await protect(verifier, sent, answerWith({}), {}, key)
    expect(await protect(verifier, sent, answerWith({}), { scopes: ['read'] }, key)).toBe(auth)
    await expect(protect(verifier, sent, answerWith({}), { scopes: ['write'] }, key)).rejects.toMatchObject({ status: 403 })
  })

  test('is waited for by guards that run side by side, as those of the resolvers of one GraphQL query do', async () => {
    const client = await createTestClient()
    const verifier = createVerifier(options)
    const token = await issuer.issue({ jkt: client.jkt, scope: 'read' })
    const headers = await client.headers({ url: 'https://api.example/', token })
    const [key, sent] = [{}, { ...request, headers }]
    const guards = [['write'], undefined, ['read'], ['write'], undefined]
    const results = await Promise.allSettled(guards.map((scopes) => protect(verifier, sent, answerWith({}), { scopes }, key)))
    // Whoever asks for more than there is uses up nothing, and is refused for that alone.
    const outcomes = results.map((result) => (result.status === 'rejected' ? result.reason.status : result.value?.scheme))
    expect(outcomes).toEqual([403, 'DPoP', 'DPoP', 403, 'DPoP'])
  })

  test('is not waited for by a copy that was made meanwhile', async () => {
    const [key, lenient] = [{}, createVerifier({ ...options, optional: true })]
    const verifyRequest = vi.spyOn(lenient, 'verifyRequest')
    const first = protect(lenient, request, answerWith({}), {}, key)
    await Promise.all([first, protect(lenient, request, answerWith({}), {}, { ...key })])
    expect(verifyRequest).toHaveBeenCalledTimes(2)
  })

  test('is nothing of a request for its copy, nor for an object that inherits from it', async () => {
    const key = {}
    await protect(createVerifier({ ...options, optional: true }), request, answerWith({}), {}, key)
    await expect(protectPolicy(request, answerWith({}), { scopes: ['a'] }, key)).rejects.toMatchObject({ status: 401 })
    for (const other of [{ ...key }, Object.create(key)])
      await expect(protectPolicy(request, answerWith({}), { scopes: ['a'] }, other)).rejects.toThrow(
        'requireScopes() must come after dpop()'
      )
  })

  test('is nothing of one request for another', async () => {
    await expect(protectPolicy(request, answerWith({}), { scopes: ['a'] }, {})).rejects.toThrow(TypeError)
  })
})
