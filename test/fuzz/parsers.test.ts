import { isDPoPError } from 'dpop-guard'
import fc from 'fast-check'
import { describe, expect } from 'vitest'
import { proofAlgorithms } from '../../src/crypto/crypto.js'
import { platform as node } from '../../src/crypto/node.js'
import { platform as web } from '../../src/crypto/web.js'
import { decodeJsonObject, splitCompactJws } from '../../src/encoding/compact-jws.js'
import { Refusal } from '../../src/errors.js'
import { readProofJwk, thumbprint } from '../../src/proof/proof-key.js'
import { checkToken68, parseAuthorization, proofOf, tokenOf } from '../../src/request/credentials.js'
import { type BaseUrl, matchHtu, parseBaseUrl, targetUrisOf } from '../../src/request/target-uri.js'
import { readConfirmation } from '../../src/token/confirmation.js'
import { anyJson, anyText, fuzz } from './fuzz.js'

/** The value, or undefined if it was rejected; anything else that is thrown fails the test. */
function valueOrRefusal<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (reason) {
    if (reason instanceof Refusal || isDPoPError(reason)) return undefined
    throw reason
  }
}

describe('every parser returns a value or rejects, for any input', () => {
  fuzz(
    'base64url: both platforms have the same result, and encoding what was decoded returns the input',
    [anyText],
    2000,
    (text) => {
      const bytes = node.decodeBase64url(text)
      const other = web.decodeBase64url(text)
      expect(bytes && [...bytes]).toEqual(other && [...other])
      expect(node.decodeBase64urlText(text)).toBe(web.decodeBase64urlText(text))
      if (bytes !== undefined) expect(Buffer.from(bytes).toString('base64url')).toBe(text)
    }
  )

  fuzz('UTF-8: both platforms have the same result for any bytes', [fc.uint8Array({ maxLength: 40 })], 1000, (bytes) => {
    const text = Buffer.from(bytes).toString('base64url')
    const decoded = node.decodeBase64urlText(text)
    expect(decoded).toBe(web.decodeBase64urlText(text))
    if (decoded !== undefined) expect(Buffer.from(decoded)).toEqual(Buffer.from(bytes))
  })

  fuzz('compact JWS: the segments, joined, are the input', [anyText, anyText, anyText], 1000, (a, b, c) => {
    const text = [a, b, c].join('.')
    const jws = splitCompactJws(text)
    if (jws !== undefined) expect(`${jws.header}.${jws.payload}.${jws.signature}`).toBe(text)
  })

  fuzz(
    'JSON: the result is the parsed object or undefined',
    [
      fc.oneof(
        anyJson.map((value) => JSON.stringify(value)),
        anyText
      )
    ],
    1000,
    (text) => {
      const value = decodeJsonObject(Buffer.from(text).toString('base64url'))
      if (value !== undefined) expect(value).toEqual(JSON.parse(text))
    }
  )

  const jwk = fc.record(
    {
      kty: fc.oneof(fc.constantFrom('EC', 'RSA', 'OKP', 'AKP', 'oct'), anyJson),
      crv: fc.oneof(fc.constantFrom('P-256', 'P-384', 'P-521', 'Ed25519'), anyJson),
      x: fc.oneof(
        fc.uint8Array({ minLength: 31, maxLength: 67 }).map((octets) => Buffer.from(octets).toString('base64url')),
        anyJson
      ),
      y: fc.oneof(fc.constant('A'.repeat(43)), anyText),
      n: fc.oneof(fc.constant(`${'_'.repeat(341)}8`), anyText),
      e: fc.oneof(fc.constant('AQAB'), anyText),
      pub: fc.oneof(fc.constantFrom('A'.repeat(1750), 'A'.repeat(2603), 'A'.repeat(3456)), anyText),
      d: anyJson,
      use: fc.oneof(fc.constant('sig'), anyJson),
      key_ops: fc.oneof(fc.constant(['verify']), anyJson),
      alg: fc.oneof(fc.constantFrom(...proofAlgorithms), anyJson)
    },
    { requiredKeys: [] }
  )
  fuzz(
    'jwk: the result is a key with a thumbprint or a rejection',
    [fc.oneof(jwk, anyJson), fc.constantFrom(...proofAlgorithms)],
    2000,
    async (value, alg) => {
      const read = valueOrRefusal(() => readProofJwk(value, alg))
      if (read !== undefined) expect(await thumbprint(read)).toMatch(/^[\w-]{43}$/)
    }
  )

  const cnf = fc.oneof(anyJson, fc.record({ jkt: anyJson, 'x5t#S256': anyJson, jwk: anyJson }, { requiredKeys: [] }))
  fuzz('cnf: the result is a binding or a rejection', [cnf], 1000, (value) => {
    const confirmation = valueOrRefusal(() => readConfirmation({ cnf: value }))
    if (confirmation !== undefined) expect(confirmation.isBound).toBe(true)
  })

  fuzz(
    'credentials: the result is a token68 and a proof without a comma, or a rejection',
    [fc.array(anyText, { maxLength: 2 }), fc.array(anyText, { maxLength: 2 })],
    2000,
    (lines, dpop) => {
      for (const prefix of ['', 'DPoP ', 'bearer  ']) {
        const authorization = lines.map((line) => prefix + line)
        const request = { method: 'GET', target: '/', authority: undefined, authorization, dpop, isWebSocketUpgrade: false }
        const split = parseAuthorization(request)
        const token = valueOrRefusal(() => {
          checkToken68(split.token)
          return tokenOf(split, request)
        })
        if (token !== undefined) expect(token).toMatch(/^[\w.~+/-]+=*$/)
        const proof = valueOrRefusal(() => proofOf(request))
        if (proof !== undefined) expect(proof).toMatch(/^[^,]+$/)
      }
    }
  )
})

describe('URIs', () => {
  const base = parseBaseUrl('https://rs.example/v1') as BaseUrl

  fuzz('normalization is idempotent, and its result has only characters of URIs', [anyText], 3000, (text) => {
    for (const url of [text, `https://${text}`, `https://rs.example/${text}`]) {
      const parsed = parseBaseUrl(url)
      if (parsed === undefined) continue
      const { origin, prefix } = parsed
      expect(origin + prefix).toMatch(/^https?:\/\/[!-~]+$/)
      expect(origin + prefix).not.toMatch(/["<>\\^`{|}]/)
      expect(parseBaseUrl(origin + prefix)).toEqual(parsed)
    }
  })

  fuzz('an htu never throws, and matches only what it normalizes to', [anyText], 3000, (text) => {
    const uris = ['https://rs.example/', 'https://rs.example/a']
    for (const htu of [text, `https://rs.example${text}`, `HTTPS://${text}/a`]) {
      const match = matchHtu(htu, uris)
      if (match === undefined) continue
      expect(uris).toContain(match)
      expect(new URL(htu).host).toBe('rs.example')
    }
  })

  fuzz(
    'URIs of any request target and Host are below a configured origin and prefix',
    [anyText, anyText],
    3000,
    (target, authority) => {
      for (const path of [target, `/${target}`, `https://rs.example${target}`]) {
        const request = { method: 'GET', target: path, authority, authorization: [], dpop: [], isWebSocketUpgrade: false }
        for (const uri of valueOrRefusal(() => targetUrisOf(request, [base])) ?? []) {
          expect(uri.startsWith('https://rs.example/v1')).toBe(true)
          expect(new URL(uri).pathname.startsWith('/v1')).toBe(true)
          expect(matchHtu(uri, [uri])).toBe(uri)
          // The compared path is fully normalized: a second normalization, here or in a router, does not change it.
          expect(matchHtu(`HTTPS${uri.slice(5)}?x`, [uri])).toBe(uri)
        }
      }
    }
  )
})
