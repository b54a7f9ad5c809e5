import { describe, expect, it } from 'vitest'
import { checkToken68, isAnonymous, parseAuthorization, proofOf, tokenOf } from '../../src/request/credentials.js'
import type { IncomingRequest } from '../../src/request/request.js'

const PROOF = 'h.p.s'
const incoming = (authorization: string[], dpop: string[] = [PROOF]): IncomingRequest => ({
  ...{ method: 'GET', target: '/', authority: undefined },
  ...{ authorization, dpop, isWebSocketUpgrade: false }
})

/** The credentials as the verifier reads them, or the code of the rejection. */
function read(authorization: string | string[], dpop?: string[]): unknown {
  const request = incoming([authorization].flat(), dpop)
  try {
    const split = parseAuthorization(request)
    const token = tokenOf(split, request)
    checkToken68(token)
    return { scheme: split.scheme, token, ...(split.scheme === 'DPoP' && { proof: proofOf(request) }) }
  } catch (reason) {
    return (reason as { code: string }).code
  }
}

const DPOP = { scheme: 'DPoP', token: 'abc', proof: PROOF }

describe('Authorization: scheme, at least one space, one token (RFC 9110 §11.4, RFC 9449 §7.1)', () => {
  it.each(['DPoP abc', 'dpop abc', 'DPOP abc', 'DPoP   abc', '  DPoP abc \t', '\tDPoP abc'])('accepts %j', (line) => {
    expect(read(line)).toEqual(DPOP)
  })

  it.each(['abc==', 'a-._~+/b', '0', 'a'.repeat(16_384)])('accepts the token68 %.20s', (token) => {
    expect(read(`DPoP ${token}`)).toEqual({ ...DPOP, token })
  })

  it.each([
    'DPoP',
    'DPoP ',
    'DPoP\tabc',
    'DPoP =abc',
    'DPoP a=b',
    'DPoP a b',
    'DPoP abc, DPoP abc',
    'DPoP "abc"',
    'DPoP é',
    'DPoP a\nb'
  ])('rejects %j, which is not one scheme and one token', (line) => {
    expect(read(line)).toBe('ERR_DPOP_AUTHORIZATION_MALFORMED')
  })

  it.each(['', ' ', 'Basic abc', 'DPoPx abc', 'Bearer2 abc', 'Negotiate', 'abc', ', DPoP abc'])(
    'treats %j, which has neither scheme, as missing credentials (RFC 6750 §3.1)',
    (line) => {
      expect(read(line)).toBe('ERR_DPOP_CREDENTIALS_MISSING')
    }
  )

  it('rejects a request without an Authorization header field', () => {
    expect(read([])).toBe('ERR_DPOP_CREDENTIALS_MISSING')
  })

  it.each([
    ['DPoP a', 'DPoP a'],
    ['DPoP a', 'Bearer a'],
    ['Basic a', 'DPoP a'],
    ['', '']
  ])('rejects two Authorization field lines, since a proxy may use the other one: %j and %j', (...lines) => {
    expect(read(lines)).toBe('ERR_DPOP_AUTHORIZATION_MALFORMED')
    expect(parseAuthorization(incoming(lines)).scheme).toBeUndefined()
  })

  it('rejects a token above the maximum length as invalid_token, with a diagnostics event', () => {
    expect(read(`DPoP ${'a'.repeat(16_385)}`)).toBe('ERR_DPOP_TOKEN_INVALID')
    const long = incoming([`DPoP ${'a'.repeat(16_385)}`])
    expect(() => tokenOf(parseAuthorization(long), long)).toThrow(
      expect.objectContaining({ detail: { reason: 'the access token has 16385 characters, at most 16384 are accepted' } })
    )
  })
})

describe('Bearer', () => {
  it('accepts one token with any number of proofs, and rejects two tokens', () => {
    expect(read('BEARER abc', [PROOF, PROOF])).toEqual({ scheme: 'Bearer', token: 'abc' })
    expect(read('Bearer a b', [])).toBe('ERR_DPOP_AUTHORIZATION_MALFORMED')
  })

  it('rejects two field lines that Fetch has joined, the first of which is Bearer', () => {
    expect(read('Bearer abc, DPoP def')).toBe('ERR_DPOP_AUTHORIZATION_MALFORMED')
  })
})

describe('"There is not more than one DPoP HTTP request header field" (RFC 9449 §4.3 check 1)', () => {
  it.each([
    [[], 'ERR_DPOP_PROOF_MISSING'],
    [[''], 'ERR_DPOP_PROOF_MISSING'],
    [[' \t '], 'ERR_DPOP_PROOF_MISSING'],
    [[PROOF, PROOF], 'ERR_DPOP_PROOF_MULTIPLE'],
    [['', ''], 'ERR_DPOP_PROOF_MULTIPLE'],
    [[`${PROOF}, ${PROOF}`], 'ERR_DPOP_PROOF_MULTIPLE'],
    [[`${PROOF},`], 'ERR_DPOP_PROOF_MULTIPLE'],
    [[','], 'ERR_DPOP_PROOF_MULTIPLE']
  ])('field lines %j: %s', (lines, code) => {
    expect(read('DPoP abc', lines)).toBe(code)
  })

  it('ignores white space around the field value (RFC 9110 §5.5)', () => {
    expect(read('DPoP abc', [` \t${PROOF}\t `])).toEqual(DPOP)
  })
})

it('isAnonymous is true only for a request with neither an Authorization nor a DPoP header field', () => {
  expect(isAnonymous(incoming([], []))).toBe(true)
  expect(isAnonymous(incoming([''], []))).toBe(false)
  expect(isAnonymous(incoming([], ['']))).toBe(false)
  expect(isAnonymous(incoming(['Basic a'], []))).toBe(false)
})
