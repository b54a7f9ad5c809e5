import { describe, expect, it } from 'vitest'
import { checkToken68, isAnonymous, parseAuthorization, proofOf, tokenOf } from '../../src/request/credentials.js'
import type { IncomingRequest } from '../../src/request/request.js'

const PROOF = 'h.p.s'
const incoming = (authorization: string[], dpop: string[] = [PROOF]): IncomingRequest => ({
  ...{ method: 'GET', target: '/', authority: undefined },
  ...{ authorization, dpop, isWebSocketUpgrade: false }
})

/** The credentials as the verifier reads them, or the code of the refusal. */
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
  it.each(['DPoP abc', 'dpop abc', 'DPOP abc', 'DPoP   abc', '  DPoP abc \t', '\tDPoP abc'])('%j is read', (line) => {
    expect(read(line)).toEqual(DPOP)
  })

  it.each(['abc==', 'a-._~+/b', '0', 'a'.repeat(16_384)])('token68 has its alphabet: %.20s', (token) => {
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
  ])('%j is not one token', (line) => {
    expect(read(line)).toBe('ERR_DPOP_AUTHORIZATION_MALFORMED')
  })

  it.each(['', ' ', 'Basic abc', 'DPoPx abc', 'Bearer2 abc', 'Negotiate', 'abc', ', DPoP abc'])(
    '%j has no scheme of ours: as if there were no credentials (RFC 6750 §3.1)',
    (line) => {
      expect(read(line)).toBe('ERR_DPOP_CREDENTIALS_MISSING')
    }
  )

  it('no line at all', () => {
    expect(read([])).toBe('ERR_DPOP_CREDENTIALS_MISSING')
  })

  it.each([
    ['DPoP a', 'DPoP a'],
    ['DPoP a', 'Bearer a'],
    ['Basic a', 'DPoP a'],
    ['', '']
  ])('rejects two field lines, of which a proxy could read another one: %j and %j', (...lines) => {
    expect(read(lines)).toBe('ERR_DPOP_AUTHORIZATION_MALFORMED')
    expect(parseAuthorization(incoming(lines)).scheme).toBeUndefined()
  })

  it('rejects a token above the maximum length as invalid_token, with a diagnostics event', () => {
    expect(read(`DPoP ${'a'.repeat(16_385)}`)).toBe('ERR_DPOP_TOKEN_INVALID')
    const long = incoming([`DPoP ${'a'.repeat(16_385)}`])
    expect(() => tokenOf(parseAuthorization(long), long)).toThrow(
      expect.objectContaining({ detail: { reason: 'the access token is too long' } })
    )
  })
})

describe('Bearer', () => {
  it('rejects two tokens, with any number of proofs', () => {
    expect(read('BEARER abc', [PROOF, PROOF])).toEqual({ scheme: 'Bearer', token: 'abc' })
    expect(read('Bearer a b', [])).toBe('ERR_DPOP_AUTHORIZATION_MALFORMED')
  })

  it('Fetch joins two lines, and the first may be Bearer: that is not one token', () => {
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
  ])('%j', (lines, code) => {
    expect(read('DPoP abc', lines)).toBe(code)
  })

  it('white space around it is not part of it (RFC 9110 §5.5)', () => {
    expect(read('DPoP abc', [` \t${PROOF}\t `])).toEqual(DPOP)
  })
})

it('anonymous is who sends neither a token nor a proof nor anything else', () => {
  expect(isAnonymous(incoming([], []))).toBe(true)
  expect(isAnonymous(incoming([''], []))).toBe(false)
  expect(isAnonymous(incoming([], ['']))).toBe(false)
  expect(isAnonymous(incoming(['Basic a'], []))).toBe(false)
})
