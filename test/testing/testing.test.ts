import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { text } from 'node:stream/consumers'
import { createVerifier, type DPoPError, isDPoPError, optionsFromEnv } from 'dpop-guard'
import { createTestClient, createTestIssuer, fakeClock } from 'dpop-guard/testing'
import { decodeProtectedHeader } from 'jose'
import { describe, expect, it, onTestFinished, vi } from 'vitest'
import { NOW, NOW_MS, verdictOf } from '../support/world.js'

const claimsOf = (jwt: string) => JSON.parse(Buffer.from(jwt.split('.')[1] as string, 'base64url').toString())

describe('fakeClock', () => {
  it('does not advance by itself', () => {
    const clock = fakeClock(NOW_MS)
    expect(clock()).toBe(NOW_MS)
    clock.advance(1.5)
    clock.advance(-1)
    expect(clock()).toBe(NOW_MS + 500)
    clock.set(7)
    expect(clock()).toBe(7)
  })

  it('starts at the current time', () => {
    expect(Math.abs(fakeClock()() - Date.now())).toBeLessThan(60_000)
  })
})

describe('createTestIssuer', () => {
  it('issues tokens of the profile of RFC 9068, bound if a thumbprint is given', async () => {
    const issuer = await createTestIssuer({ clock: fakeClock(NOW_MS) })
    const token = await issuer.issue({ jkt: 'j', scope: 'a b', expiresInSeconds: 10, claims: { extra: 1, sub: undefined } })
    expect(decodeProtectedHeader(token)).toEqual({ alg: 'RS256', typ: 'at+jwt', kid: issuer.jwks.keys[0]?.['kid'] })
    const claims = claimsOf(token)
    expect(claims).toMatchObject({
      iss: issuer.issuer,
      aud: 'https://api.example',
      iat: NOW,
      exp: NOW + 10,
      scope: 'a b',
      extra: 1
    })
    expect(claims.cnf).toEqual({ jkt: 'j' })
    expect(claims).not.toHaveProperty('sub')
    expect(claimsOf(await issuer.issue())).not.toHaveProperty('cnf')
  })

  it('publishes no private key', async () => {
    const { jwks, options, issuer } = await createTestIssuer({ issuer: 'https://as.example', audience: 'aud', alg: 'EdDSA' })
    expect(jwks.keys[0]).not.toHaveProperty('d')
    expect(options).toEqual({ issuer, jwks })
  })
})

describe('the audience of a test issuer', () => {
  it('may be a function, so that it follows a base URL that is known later', async () => {
    let baseUrl = 'http://127.0.0.1:1'
    const issuer = await createTestIssuer({ audience: () => baseUrl })
    baseUrl = 'http://127.0.0.1:2'
    expect(claimsOf(await issuer.issue()).aud).toBe('http://127.0.0.1:2')
  })
})

describe('issuer.listen()', () => {
  it('serves metadata and keys, so that an application configured by environment can be tested', async () => {
    const [created, client] = await Promise.all([createTestIssuer(), createTestClient()])
    const issuer = await created.listen()
    onTestFinished(() => issuer.close())
    expect(issuer).toBe(created)
    expect(issuer.issuer).toMatch(/^http:\/\/127\.0\.0\.1:\d+$/)
    expect(issuer.options).toEqual({ issuer: issuer.issuer, jwks: issuer.jwks })
    const env = { DPOP_ISSUER: issuer.issuer, DPOP_BASE_URL: 'https://api.example' }
    const verifier = createVerifier(optionsFromEnv(env))
    await verifier.ready()
    const token = await issuer.issue({ jkt: client.jkt })
    const headers = await client.headers({ url: 'https://api.example/', token })
    expect(await verdictOf(verifier.verifyRequest({ method: 'GET', target: '/', headers }))).toBe('accepted')
    const oidc = await fetch(`${issuer.issuer}/.well-known/openid-configuration`)
    expect([oidc.headers.get('content-type'), await oidc.json()]).toEqual([
      'application/json',
      { issuer: issuer.issuer, jwks_uri: `${issuer.issuer}/jwks` }
    ])
    expect((await fetch(`${issuer.issuer}/token`)).status).toBe(404)
  })

  it('may be called twice, and listens again after close()', async () => {
    const issuer = await createTestIssuer()
    onTestFinished(() => issuer.close())
    await issuer.close()
    await Promise.all([issuer.listen(), issuer.listen()])
    const first = issuer.issuer
    await issuer.close()
    await expect(fetch(`${first}/jwks`)).rejects.toThrow()
    await issuer.listen()
    expect((await fetch(`${issuer.issuer}/jwks`)).status).toBe(200)
  })

  it('is a TypeError with the option issuer, which would differ from the URL', async () => {
    const issuer = await createTestIssuer({ issuer: 'https://as.example' })
    await expect(issuer.listen()).rejects.toThrow(new TypeError('"issuer" must not be set: listen() uses its URL'))
  })
})

describe('unknown members are a TypeError that names the similar one', () => {
  const misspelled = (object: object) => object as never
  it.each<[title: string, use: () => Promise<unknown>, message: string]>([
    ['createTestIssuer', () => createTestIssuer(misspelled({ aud: 'x' })), '"aud" is not an option; did you mean "audience"?'],
    [
      'issue',
      async () => (await createTestIssuer()).issue(misspelled({ scopes: 'a' })),
      '"scopes" is not an option; did you mean "scope"?'
    ],
    ['createTestClient', () => createTestClient(misspelled({ algs: 'a' })), '"algs" is not an option; did you mean "alg"?'],
    [
      'proof',
      async () => (await createTestClient()).proof(misspelled({ uri: 'https://api.example/' })),
      '"uri" is not an option; did you mean "url"?'
    ]
  ])('%s', async (_title, use, message) => {
    await expect(use()).rejects.toThrow(new TypeError(message))
  })
})

describe('invalid members are a TypeError that names them', () => {
  it.each([undefined, '/notes', 'api.example/notes'])('url %j of a proof', async (url) => {
    const client = await createTestClient()
    const message = '"url" must be an absolute URL'
    await expect(client.proof({ url } as never)).rejects.toThrow(new TypeError(message))
    await expect(client.headers({ url, token: 'token' } as never)).rejects.toThrow(new TypeError(message))
  })

  it('scope of a token as an array', async () => {
    const issuer = await createTestIssuer()
    await expect(issuer.issue({ scope: ['a'] } as never)).rejects.toThrow(
      new TypeError('"scope" must be a string of space-delimited scopes')
    )
  })
})

describe('createTestClient', () => {
  it('creates proofs (RFC 9449 §4.2)', async () => {
    const client = await createTestClient({ clock: fakeClock(NOW_MS) })
    const proof = await client.proof({ url: 'https://api.example/r?a=b#c', method: 'POST', token: 'abc', nonce: 'n' })
    expect(decodeProtectedHeader(proof)).toEqual({ alg: 'ES256', typ: 'dpop+jwt', jwk: client.publicJwk })
    expect(claimsOf(proof)).toEqual({
      ...{ jti: expect.any(String), htm: 'POST', htu: 'https://api.example/r', iat: NOW, nonce: 'n' },
      ath: 'ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0'
    })
    expect(claimsOf(await client.proof({ url: 'https://api.example/', claims: { jti: 'own' } }))).toMatchObject({
      jti: 'own',
      htm: 'GET'
    })
    expect(claimsOf(await client.proof({ url: 'https://api.example/' }))).not.toHaveProperty('ath')
  })

  it.each(['ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'RS256'] as const)('creates proofs with %s', async (alg) => {
    const [client, issuer] = await Promise.all([createTestClient({ alg }), createTestIssuer()])
    expect(client.alg).toBe(alg)
    const verifier = createVerifier({ issuer: issuer.options, baseUrl: 'https://api.example', proof: { algorithms: [alg] } })
    const headers = await client.headers({ url: 'https://api.example/', token: await issuer.issue({ jkt: client.jkt }) })
    expect(await verdictOf(verifier.verifyRequest({ method: 'GET', target: '/', headers }))).toBe('accepted')
  })

  it('fetches with a token and a new proof', async () => {
    const [client, issuer] = await Promise.all([createTestClient(), createTestIssuer({ audience: 'api' })])
    const server = createServer((request, response) => {
      void verdictOf(verifier.verifyRequest(request)).then((verdict) =>
        response.end(`${request.method} ${verdict} ${request.headers['x-own']}`)
      )
    }).listen(0, '127.0.0.1')
    onTestFinished(() => void server.close())
    await new Promise((resolve) => server.once('listening', resolve))
    const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
    const verifier = createVerifier({ issuer: issuer.options, audience: 'api', baseUrl })
    const token = await issuer.issue({ jkt: client.jkt })
    const get = await client.fetch(`${baseUrl}/r?a`, token)
    expect(await get.text()).toBe('GET accepted undefined')
    const put = await client.fetch(`${baseUrl}/r`, token, { method: 'PUT', body: 'x', headers: { 'x-own': '1' } })
    expect(await put.text()).toBe('PUT accepted 1')
    // fetch itself changes these before they are sent.
    expect(await (await client.fetch(`${baseUrl}/r`, token, { method: 'post' })).text()).toBe('POST accepted undefined')
    expect(await (await client.fetch(`${baseUrl}/café au lait`, token)).text()).toBe('GET accepted undefined')
  })

  describe('handles nonces (RFC 9449 §8.2, §9)', () => {
    /** An API that requires nonces, and the requests that it received. */
    async function startApi() {
      const clock = fakeClock()
      const [client, issuer] = await Promise.all([createTestClient({ clock }), createTestIssuer({ clock, audience: 'api' })])
      const verdicts: string[] = []
      const server = createServer((request, response) => {
        const respond = async () => {
          const auth = await verifier.verifyRequest(request).catch((error: DPoPError) => error)
          verdicts.push(isDPoPError(auth) ? auth.code : 'accepted')
          const [status, headers] = isDPoPError(auth) ? [auth.status, auth.headers] : [200, auth.responseHeaders]
          response.writeHead(status, headers).end(await text(request))
        }
        void respond()
      }).listen(0, '127.0.0.1')
      onTestFinished(() => void server.close())
      await once(server, 'listening')
      const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
      const nonce = { secrets: ['a secret of thirty-two characters or more'] }
      const verifier = createVerifier({ issuer: issuer.options, audience: 'api', baseUrl: url, clock, nonce })
      return { client, clock, url, verdicts, token: await issuer.issue({ jkt: client.jkt }) }
    }

    it('repeats a request with its body after use_dpop_nonce, and uses the nonce in later requests', async () => {
      const { client, url, token, verdicts } = await startApi()
      const response = await client.fetch(`${url}/r`, token, { method: 'PUT', body: 'x' })
      expect([response.status, await response.text()]).toEqual([200, 'x'])
      expect((await client.fetch(`${url}/other`, token)).status).toBe(200)
      expect(verdicts).toEqual(['ERR_DPOP_NONCE_REQUIRED', 'accepted', 'accepted'])
    })

    it('uses the nonce of a successful response in the next request', async () => {
      const { client, clock, url, token, verdicts } = await startApi()
      const statuses: number[] = []
      for (let i = 0; i < 5; i++) {
        statuses.push((await client.fetch(url, token)).status)
        clock.advance(150)
      }
      expect(statuses).toEqual([200, 200, 200, 200, 200])
      expect(verdicts.filter((verdict) => verdict !== 'accepted')).toEqual(['ERR_DPOP_NONCE_REQUIRED'])
    })

    it('repeats a request only once', async () => {
      const { client, url, token, verdicts, clock } = await startApi()
      const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => {
        const headers = { 'WWW-Authenticate': 'DPoP error="use_dpop_nonce"', 'DPoP-Nonce': `n${clock()}` }
        return new Response(null, { status: 401, headers })
      })
      onTestFinished(() => fetched.mockRestore())
      expect((await client.fetch(url, token)).status).toBe(401)
      expect(fetched).toHaveBeenCalledTimes(2)
      expect(verdicts).toEqual([])
    })

    it.each<[string, ResponseInit]>([
      ['another status', { status: 400, headers: { 'WWW-Authenticate': 'DPoP error="use_dpop_nonce"', 'DPoP-Nonce': 'n' } }],
      ['another error', { status: 401, headers: { 'WWW-Authenticate': 'DPoP error="invalid_token"', 'DPoP-Nonce': 'n' } }],
      ['no challenge', { status: 401, headers: { 'DPoP-Nonce': 'n' } }],
      ['no nonce', { status: 401, headers: { 'WWW-Authenticate': 'DPoP error="use_dpop_nonce"' } }]
    ])('does not repeat a request after a response with %s', async (_title, init) => {
      const client = await createTestClient()
      const fetched = vi.spyOn(globalThis, 'fetch').mockImplementation(async () => new Response('no', init))
      onTestFinished(() => fetched.mockRestore())
      expect(await (await client.fetch('https://api.example/', 'token')).text()).toBe('no')
      expect(fetched).toHaveBeenCalledTimes(1)
    })

    it('does not repeat a request whose body is a stream', async () => {
      const { client, url, token, verdicts } = await startApi()
      const put = () => {
        const init = { method: 'PUT', body: new Blob(['x']).stream(), duplex: 'half' } as RequestInit
        return client.fetch(url, token, init)
      }
      expect((await put()).status).toBe(401)
      expect((await put()).status).toBe(200)
      expect(verdicts).toEqual(['ERR_DPOP_NONCE_REQUIRED', 'accepted'])
    })
  })
})
