/** The examples of RFC 9449 and of the RFCs that it uses, with the code of this package. @module */

import { createVerifier, type VerifierOptions } from 'dpop-guard'
import { describe, expect, test } from 'vitest'
import { platform } from '#crypto'
import type { PublicJwk } from '../../src/crypto/crypto.js'
import { decodeJsonObject, splitCompactJws } from '../../src/encoding/compact-jws.js'
import { readProofJwk, thumbprint } from '../../src/proof/proof-key.js'

/** Figures 2 and 12: the header of both proofs, with the key of the client. */
const header =
  'eyJ0eXAiOiJkcG9wK2p3dCIsImFsZyI6IkVTMjU2IiwiandrIjp7Imt0eSI6IkVDIiwieCI6Imw4dEZyaHgtMzR0VjNoUklDUkRZOXpDa0RscEJoRjQyVVFVZldWQVdCRnMiLCJ5IjoiOVZFNGpmX09rX282NHpiVFRsY3VOSmFqSG10NnY5VERWclUwQ2R2R1JEQSIsImNydiI6IlAtMjU2In19'
/** Figure 2: the proof of a token request. */
const tokenRequestProof = `${header}.eyJqdGkiOiItQndDM0VTYzZhY2MybFRjIiwiaHRtIjoiUE9TVCIsImh0dSI6Imh0dHBzOi8vc2VydmVyLmV4YW1wbGUuY29tL3Rva2VuIiwiaWF0IjoxNTYyMjYyNjE2fQ.2-GxA6T8lP4vfrg8v-FdWP0A0zdrj8igiMLvqRMUvwnQg4PtFLbdLXiOSsX0x7NVY-FNyJK70nfbV37xRZT3Lg`
/** §7.1: the access token, and the proof of a request to a protected resource with it. */
const accessToken = 'Kz~8mXK1EalYznwH-LC-1fBAo.4Ljp~zsPE_NeO.gxU'
const resourceProof = `${header}.eyJqdGkiOiJlMWozVl9iS2ljOC1MQUVCIiwiaHRtIjoiR0VUIiwiaHR1IjoiaHR0cHM6Ly9yZXNvdXJjZS5leGFtcGxlLm9yZy9wcm90ZWN0ZWRyZXNvdXJjZSIsImlhdCI6MTU2MjI2MjYxOCwiYXRoIjoiZlVIeU8ycjJaM0RaNTNFc05yV0JiMHhXWG9hTnk1OUlpS0NBcWtzbVFFbyJ9.2oW9RP35yRqzhrtNP86L-Ey71EOptxRimPPToA1plemAgR6pxHF8y6-yqyVnmcw6Fy1dqd-jfxSYoMxhAJpLjA`
const resourceIat = 1_562_262_618
/** Figures 8 and 9: the confirmation of the token, in a JWT and in an introspection response. */
const jkt = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'

test('§6.1 the thumbprint of the key in figure 2 equals jkt [D-35 T-01]', async () => {
  const { jwk, alg } = decodeJsonObject(header) ?? {}
  expect(alg).toBe('ES256')
  expect(await thumbprint(readProofJwk(jwk, 'ES256'))).toBe(jkt)
})

test('§7.1 the ath of the request to the protected resource is the hash of its token [D-13 D-80]', async () => {
  expect(await platform.sha256(accessToken)).toBe('fUHyO2r2Z3DZ53EsNrWBb0xWXoaNy59IiKCAqksmQEo')
})

test.each([
  ['of the token request', tokenRequestProof],
  ['of the request to the protected resource', resourceProof]
])('the signature of the proof %s is valid [D-23]', async (_what, proof) => {
  const { signingInput, signature } = splitCompactJws(proof) ?? {}
  const jwk = readProofJwk(decodeJsonObject(header)?.['jwk'], 'ES256')
  const key = await platform.importKey(jwk, 'ES256')
  const bytes = platform.decodeBase64url(signature as string) as Uint8Array
  expect(await platform.verify('ES256', key, signingInput as string, bytes)).toBe(true)
})

describe('§7.1 the request to the protected resource', () => {
  const request = {
    method: 'GET',
    target: '/protectedresource',
    headers: { Host: 'resource.example.org', Authorization: `DPoP ${accessToken}`, DPoP: resourceProof }
  }
  /** A resource server at the time of the figure, with an authorization server that responds as in figure 9. */
  const options = (change: Partial<VerifierOptions> = {}): VerifierOptions => ({
    issuer: {
      issuer: 'https://server.example.com',
      introspection: { endpoint: 'https://server.example.com/introspect', clientId: 'resource', clientSecret: 'secret' }
    },
    baseUrl: 'https://resource.example.org',
    clock: () => resourceIat * 1000,
    fetch: async () => Response.json({ active: true, iss: 'https://server.example.com', cnf: { jkt } }),
    ...change
  })

  test('is accepted at the time of its iat [D-33 D-36 D-39 D-41]', async () => {
    const auth = await createVerifier(options()).verifyRequest(request)
    expect(auth?.token).toBe(accessToken)
    expect(auth?.proof).toMatchObject({
      jkt,
      jti: 'e1j3V_bKic8-LAEB',
      htm: 'GET',
      htu: 'https://resource.example.org/protectedresource',
      iat: resourceIat
    })
  })

  test.each([
    ['one day later', { clock: () => (resourceIat + 86_400) * 1000 }, 'ERR_DPOP_PROOF_IAT'],
    ['by another server', { baseUrl: 'https://other.example.org' }, 'ERR_DPOP_PROOF_HTU']
  ])('is rejected %s', async (_what, change, code) => {
    await expect(createVerifier(options(change)).verifyRequest(request)).rejects.toMatchObject({ code })
  })

  test('is rejected with the proof of the token request, which has no ath [D-12]', async () => {
    const other = { ...request, headers: { ...request.headers, DPoP: tokenRequestProof } }
    await expect(createVerifier(options()).verifyRequest(other)).rejects.toMatchObject({ code: 'ERR_DPOP_PROOF_CLAIMS' })
  })
})

test('RFC 7638 §3.1 the thumbprint of the RSA key equals that of the example [T-01 T-02]', async () => {
  const jwk: PublicJwk = {
    kty: 'RSA',
    n: '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw',
    e: 'AQAB'
  }
  expect(await thumbprint(jwk)).toBe('NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
  expect(await thumbprint(readProofJwk({ ...jwk, alg: 'RS256', kid: '2011-04-29' }, 'RS256'))).toBe(await thumbprint(jwk))
})

test('RFC 8037 appendix A.3 the thumbprint of the Ed25519 key equals that of the example [T-02]', async () => {
  const jwk = { kty: 'OKP', crv: 'Ed25519', x: '11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo' }
  expect(await thumbprint(readProofJwk(jwk, 'EdDSA'))).toBe('kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k')
})
