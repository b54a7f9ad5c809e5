import { createHash, X509Certificate } from 'node:crypto'
import { createVerifier, type VerifierOptions } from 'dpop-guard'
import { beforeAll, describe, expect, it } from 'vitest'
import { createWorld, eventOf, verdictOf, type World } from '../support/world.js'

const PEM = `-----BEGIN CERTIFICATE-----
MIIBeDCCAR+gAwIBAgIUZG7wezMtT3oY6gQ8ocuxfCFixicwCgYIKoZIzj0EAwIw
ETEPMA0GA1UEAwwGY2xpZW50MCAXDTI2MTEyMzIzMDMzMloYDzIxMjYxMDMwMjMw
MzMyWjARMQ8wDQYDVQQDDAZjbGllbnQwWTATBgcqhkjOPQIBBggqhkjOPQMBBwNC
AAQzB0ubarXRSnkw77qNhC/C7py6vd9WEUO3ri2KdvKWW4VB0+nYka2ijyoJsN8P
6hBe4QQ62DdCqln4dBlI+L3vo1MwUTAdBgNVHQ4EFgQUx4gZm2T4VA4HIKpXmFK/
UefcUUswHwYDVR0jBBgwFoAUx4gZm2T4VA4HIKpXmFK/UefcUUswDwYDVR0TAQH/
BAUwAwEB/zAKBggqhkjOPQQDAgNHADBEAiBU4+/OMy8yZiIORKwpuw0CSCEaFffS
YONg7+swVn7doAIgMGPWSMn1+ZJEXG9PawSGM/W39kNCvqz/MD5dT9xW+qs=
-----END CERTIFICATE-----`
const CA = `-----BEGIN CERTIFICATE-----
MIIBcjCCARegAwIBAgIUaFE0KNechKfRmHoeLymPJ8EmmYIwCgYIKoZIzj0EAwIw
DTELMAkGA1UEAwwCY2EwIBcNMjYxMTIzMjMwMzMyWhgPMjEyNjEwMzAyMzAzMzJa
MA0xCzAJBgNVBAMMAmNhMFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEYtos3duj
HmdK5MFLX0L/mI9q87Blc0JkmhOT/QmK6C5xLIz9H9AXzc4hGe4h1uhqiA8yNaDK
irIjlO479t6Sd6NTMFEwHQYDVR0OBBYEFHGtPRV5QXLzN7dgTo/gOEobBa2lMB8G
A1UdIwQYMBaAFHGtPRV5QXLzN7dgTo/gOEobBa2lMA8GA1UdEwEB/wQFMAMBAf8w
CgYIKoZIzj0EAwIDSQAwRgIhAI0ZNVSJsl80uri7Ehd3YYHHyp6eHU0lzMbMWgrk
fO2KAiEAsUY3LNecvivIcG5nebbJeIeH+qIqSDhbKR/im0JhneE=
-----END CERTIFICATE-----`
const DER = new X509Certificate(PEM).raw
const x5tS256 = createHash('sha256').update(DER).digest('base64url')

let world: World
beforeAll(async () => {
  world = await createWorld()
})

/** A request whose token is bound to the client's key and to its certificate. */
async function verify(clientCertificate: unknown, cnf: object = { jkt: world.client.jkt, 'x5t#S256': x5tS256 }) {
  const options = {
    ...world.options,
    ...(clientCertificate !== undefined && { clientCertificate })
  } as unknown as VerifierOptions
  return await createVerifier(options).verifyRequest(await world.request({ tokenSpec: { claims: { cnf } } }))
}
const verdict = (...args: Parameters<typeof verify>) => verdictOf(verify(...args))

describe('a token that is also bound to a certificate (RFC 8705 §3)', () => {
  it.each<[string, unknown]>([
    ['PEM', PEM],
    ['PEM with text before it', `subject=CN = client\n${PEM}\n`],
    ['PEM on one line, as in a header field', PEM.replaceAll('\n', ' ')],
    ['PEM of a chain with the client certificate first', `${PEM}\n${CA}`],
    ['DER as a Buffer', DER],
    ['DER as octets', new Uint8Array(DER)],
    ['a promise of DER', Promise.resolve(DER)]
  ])('accepts the token with that certificate: %s', async (_title, certificate) => {
    expect(await verdict(() => certificate)).toBe('accepted')
  })

  it('the hook receives the request object of verifyRequest()', async () => {
    const request = await world.request({ tokenSpec: { claims: { cnf: { jkt: world.client.jkt, 'x5t#S256': x5tS256 } } } })
    let seen: unknown
    const clientCertificate = (given: unknown) => {
      seen = given
      return PEM
    }
    await createVerifier({ ...world.options, clientCertificate }).verifyRequest(request)
    expect(seen).toBe(request)
  })

  it.each<[string, unknown, reason: string]>([
    ['no hook', undefined, 'there is no client certificate; see the option clientCertificate'],
    ['no certificate', () => undefined, 'there is no client certificate; see the option clientCertificate'],
    ['null as no certificate', () => null, 'there is no client certificate; see the option clientCertificate'],
    ['an empty string as no certificate', () => '', 'there is no client certificate; see the option clientCertificate'],
    ['another certificate', () => CA, 'the client certificate does not match cnf.x5t#S256'],
    ['a chain with the client certificate second', () => `${CA}\n${PEM}`, 'the client certificate does not match cnf.x5t#S256'],
    ['another certificate as DER', () => new X509Certificate(CA).raw, 'the client certificate does not match cnf.x5t#S256']
  ])('is rejected with %s', async (_title, hook, reason) => {
    expect(await eventOf(() => verify(hook))).toEqual({ code: 'ERR_DPOP_TOKEN_BINDING', reason })
  })

  it.each(['Zm9v', ' ', 'CERTIFICATE', PEM.slice(0, -1)])(
    'a string that is not PEM results in 503 with a diagnostics event: %j',
    async (text) => {
      const cause = new TypeError('"clientCertificate" must return PEM, DER or undefined')
      expect(await eventOf(() => verify(() => text))).toEqual({ code: 'ERR_DPOP_VERIFIER_UNAVAILABLE', cause })
    }
  )

  it.each<[string, unknown]>([
    ['PEM with invalid base64', () => '-----BEGIN CERTIFICATE-----\nA=B=C\n-----END CERTIFICATE-----'],
    ['a number', () => 7],
    [
      'an exception',
      () => {
        throw new Error('proxy header missing')
      }
    ],
    ['a rejection', () => Promise.reject(new Error('x'))]
  ])('a failing hook results in 503: %s', async (_title, hook) => {
    expect(await verdict(hook)).toBe('ERR_DPOP_VERIFIER_UNAVAILABLE')
  })

  it('is rejected with a proof of another key, or without jkt, even with its certificate', async () => {
    expect(await verdict(() => PEM, { jkt: world.attacker.jkt, 'x5t#S256': x5tS256 })).toBe('ERR_DPOP_TOKEN_BINDING')
    expect(await verdict(() => PEM, { 'x5t#S256': x5tS256 })).toBe('ERR_DPOP_TOKEN_UNBOUND')
  })
})

describe('with the scheme Bearer', () => {
  const bearer = async (cnf: unknown, clientCertificate?: () => string) => {
    const token = await world.issuer.issue({ claims: { cnf } })
    const options = { ...world.options, allowBearer: true, ...(clientCertificate && { clientCertificate }) }
    const headers = { authorization: `Bearer ${token}` }
    return await verdictOf(createVerifier(options).verifyRequest({ method: 'GET', target: '/', headers }))
  }

  it('accepts a token bound to a certificate only, with that certificate (RFC 8705 §3)', async () => {
    expect(await bearer({ 'x5t#S256': x5tS256 }, () => PEM)).toBe('accepted')
    expect(await bearer({ 'x5t#S256': x5tS256 }, () => CA)).toBe('ERR_DPOP_TOKEN_BINDING')
    expect(await bearer({ 'x5t#S256': x5tS256 })).toBe('ERR_DPOP_TOKEN_BINDING')
  })

  it('rejects a token bound to a DPoP key, even if it is also bound to a certificate (RFC 9449 §7.2)', async () => {
    expect(await bearer({ jkt: world.client.jkt, 'x5t#S256': x5tS256 }, () => PEM)).toBe('ERR_DPOP_TOKEN_BINDING')
    expect(await bearer({ jkt: world.client.jkt })).toBe('ERR_DPOP_TOKEN_BINDING')
  })

  it('rejects a token with an unknown binding', async () => {
    for (const cnf of [{}, null, 'x', { other: 1 }, { jwk: {} }]) expect(await bearer(cnf)).toBe('ERR_DPOP_TOKEN_BINDING')
  })
})
