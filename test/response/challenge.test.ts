import { DPoPError, type DPoPErrorCode } from 'dpop-guard'
import { describe, expect, it } from 'vitest'
import { resolveOptions } from '../../src/config/config.js'
import { challengeHeaders } from '../../src/response/challenge.js'
import { challengesOf, parseChallenges } from '../support/challenge-parser.js'

const options = { issuer: 'https://issuer.example', baseUrl: 'https://api.example/v1' }
const dpopOnly = resolveOptions(options)
const withBearer = resolveOptions({ ...options, allowBearer: true })
const algs = 'ES256 ES384 ES512 EdDSA Ed25519 PS256 PS384 PS512'
const realm = 'https://api.example/v1'

const codes: DPoPErrorCode[] = [
  'ERR_DPOP_REQUEST_MALFORMED',
  'ERR_DPOP_AUTHORIZATION_MALFORMED',
  'ERR_DPOP_SCHEME_NOT_ALLOWED',
  'ERR_DPOP_PROOF_MISSING',
  'ERR_DPOP_PROOF_REPLAYED',
  'ERR_DPOP_TOKEN_INVALID',
  'ERR_DPOP_TOKEN_BINDING'
]
const read = (...args: Parameters<typeof challengeHeaders>) => challengesOf(challengeHeaders(...args))
const errorParams = (code: DPoPErrorCode) => {
  const { error, description } = new DPoPError(code)
  return { error: error as string, error_description: description }
}

describe('without credentials there is no error and no error_description (RFC 6750 §3.1)', () => {
  it('DPoP only: a challenge with algs (RFC 9449 §7.1)', () => {
    expect(read('ERR_DPOP_CREDENTIALS_MISSING', { scheme: undefined }, dpopOnly)).toEqual([{ scheme: 'DPoP', params: { algs } }])
  })

  it('with Bearer: Bearer first, with at least one parameter (RFC 6750 §3)', () => {
    expect(read('ERR_DPOP_CREDENTIALS_MISSING', { scheme: undefined }, withBearer)).toEqual([
      { scheme: 'Bearer', params: { realm } },
      { scheme: 'DPoP', params: { algs } }
    ])
  })
})

describe.each(codes)('%s', (code) => {
  const fault = errorParams(code)

  it.each(['DPoP', 'Bearer', undefined] as const)('DPoP only, scheme %s: the DPoP challenge has the error', (scheme) => {
    expect(read(code, { scheme }, dpopOnly)).toEqual([{ scheme: 'DPoP', params: { ...fault, algs } }])
  })

  it('with Bearer, only the challenge of the scheme of the request has the error (RFC 9449 §7.2)', () => {
    expect(read(code, { scheme: 'DPoP' }, withBearer)).toEqual([
      { scheme: 'Bearer', params: { realm } },
      { scheme: 'DPoP', params: { ...fault, algs } }
    ])
    expect(read(code, { scheme: 'Bearer' }, withBearer)).toEqual([
      { scheme: 'Bearer', params: { realm, ...fault } },
      { scheme: 'DPoP', params: { algs } }
    ])
  })

  it('both challenges have the error if the scheme is ambiguous (RFC 9449 §7.2, figure 19)', () => {
    expect(read(code, { scheme: undefined }, withBearer)).toEqual([
      { scheme: 'Bearer', params: { realm, ...fault } },
      { scheme: 'DPoP', params: { ...fault, algs } }
    ])
  })
})

it.each([...codes, 'ERR_DPOP_NONCE_REQUIRED', 'ERR_DPOP_SCOPE_INSUFFICIENT', 'ERR_DPOP_AUTHENTICATION_INSUFFICIENT'] as const)(
  '%s: the DPoP challenge starts with error, and every parameter is a quoted-string [F-12]',
  (code) => {
    const context = {
      scheme: 'DPoP',
      scopes: ['a'],
      params: { max_age: '5' },
      resourceMetadata: 'https://api.example/m'
    } as const
    const { 'WWW-Authenticate': field } = challengeHeaders(code, context, dpopOnly)
    expect(field).toMatch(/^DPoP error="[^"]+"(, [a-z_]+="[^"]*")+$/)
  }
)

describe('parameters of the rejection follow error and error_description, in the challenge of the scheme (RFC 6750 §3.1)', () => {
  const code = 'ERR_DPOP_SCOPE_INSUFFICIENT'
  const params = { scope: 'notes:read notes:write' }
  const needed = { ...errorParams(code), ...params }
  it.each([
    ['DPoP', dpopOnly, { scheme: 'DPoP', params: { ...needed, algs } }],
    ['DPoP', withBearer, { scheme: 'DPoP', params: { ...needed, algs } }],
    ['Bearer', withBearer, { scheme: 'Bearer', params: { realm, ...needed } }]
  ] as const)('%s', (scheme, config, expected) => {
    expect(read(code, { scheme, params }, config)).toEqual([expected])
  })

  it('403 without parameters has no scope', () => {
    expect(read(code, { scheme: 'DPoP' }, dpopOnly)).toEqual([{ scheme: 'DPoP', params: { ...errorParams(code), algs } }])
  })

  it('403 without an OAuth error has no challenge (RFC 9110 §15.5.4)', () => {
    for (const config of [dpopOnly, withBearer])
      expect(challengeHeaders('ERR_DPOP_ACCESS_DENIED', { scheme: 'DPoP' }, config)).toEqual({})
  })
})

describe('the scopes of the route (RFC 6750 §3)', () => {
  const scopes = ['notes:read', 'notes:write']
  const scope = scopes.join(' ')

  it('are in every 401 challenge, after the error', () => {
    const [challenge] = read('ERR_DPOP_TOKEN_EXPIRED', { scheme: 'DPoP', scopes }, dpopOnly)
    expect(Object.keys(challenge?.params ?? {})).toEqual(['error', 'error_description', 'scope', 'algs'])
    for (const { params } of read('ERR_DPOP_CREDENTIALS_MISSING', { scheme: undefined, scopes }, withBearer))
      expect(params['scope']).toBe(scope)
  })

  it('are not in the challenge for a token that lacks only authentication (RFC 9470 §3)', () => {
    const [challenge] = read('ERR_DPOP_AUTHENTICATION_INSUFFICIENT', { scheme: 'DPoP', scopes }, dpopOnly)
    expect(challenge?.params).not.toHaveProperty('scope')
  })

  it('are not in the challenge of a route without scopes', () => {
    const [challenge] = read('ERR_DPOP_TOKEN_EXPIRED', { scheme: 'DPoP', scopes: [] }, dpopOnly)
    expect(challenge?.params).not.toHaveProperty('scope')
  })
})

describe('the challenge parser of the tests is strict (RFC 9110 §11.2, §5.6.4)', () => {
  it('parses several challenges in one field line', () => {
    expect(parseChallenges('Bearer realm="a, b=c", error="e", DPoP algs="ES256"')).toEqual([
      { scheme: 'Bearer', params: { realm: 'a, b=c', error: 'e' } },
      { scheme: 'DPoP', params: { algs: 'ES256' } }
    ])
  })

  it.each([
    '',
    'Bearer',
    'Bearer ',
    'realm="a"',
    'Bearer realm=a',
    'Bearer realm="a',
    'Bearer realm="a"b"',
    'Bearer realm="a\\"b"',
    'Bearer realm="a\r\nb"',
    'Bearer realm="é"',
    'Bearer realm="a", Realm="b"',
    'Bearer realm="a",error="b"',
    'Bearer realm="a", ',
    'Bearer error="a\tb"',
    'DPoP algs="ES256  ES384"',
    'DPoP scope=""'
  ])('rejects %j', (line) => {
    expect(() => parseChallenges(line)).toThrow()
  })
})
