import { format, inspect } from 'node:util'
import { DPoPError, type DPoPErrorCode, DPoPUnavailableError, isDPoPError, isDPoPUnavailableError } from 'dpop-guard'
import { describe, expect, it, vi } from 'vitest'
import { Refusal, refuse, responseFor } from '../src/errors.js'

/** Status and OAuth error of every code: RFC 6750 §3.1, RFC 9449 §7.1. A new code without an entry does not compile. */
const table: Record<DPoPErrorCode, readonly [status: number, error: string | undefined]> = {
  ERR_DPOP_CREDENTIALS_MISSING: [401, undefined],
  ERR_DPOP_REQUEST_MALFORMED: [400, 'invalid_request'],
  ERR_DPOP_AUTHORIZATION_MALFORMED: [400, 'invalid_request'],
  ERR_DPOP_SCHEME_NOT_ALLOWED: [401, 'invalid_token'],
  ERR_DPOP_PROOF_MISSING: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_MULTIPLE: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_MALFORMED: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_TYP: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_ALG: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_JWK: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_SIGNATURE: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_CLAIMS: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_HTM: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_HTU: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_IAT: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_ATH: [401, 'invalid_dpop_proof'],
  ERR_DPOP_PROOF_REPLAYED: [401, 'invalid_dpop_proof'],
  ERR_DPOP_NONCE_REQUIRED: [401, 'use_dpop_nonce'],
  ERR_DPOP_NONCE_INVALID: [401, 'use_dpop_nonce'],
  ERR_DPOP_TOKEN_INVALID: [401, 'invalid_token'],
  ERR_DPOP_TOKEN_EXPIRED: [401, 'invalid_token'],
  ERR_DPOP_TOKEN_UNBOUND: [401, 'invalid_token'],
  ERR_DPOP_TOKEN_BINDING: [401, 'invalid_token'],
  ERR_DPOP_SCOPE_INSUFFICIENT: [403, 'insufficient_scope'],
  ERR_DPOP_AUTHENTICATION_INSUFFICIENT: [401, 'insufficient_user_authentication'],
  ERR_DPOP_TICKET_INVALID: [403, undefined],
  ERR_DPOP_ACCESS_DENIED: [403, undefined],
  ERR_DPOP_QUOTA_EXCEEDED: [429, undefined]
}
const codes = Object.entries(table) as [DPoPErrorCode, (typeof table)[DPoPErrorCode]][]
const outages = ['ERR_DPOP_KEYS_UNAVAILABLE', 'ERR_DPOP_REPLAY_STORE_UNAVAILABLE', 'ERR_DPOP_VERIFIER_UNAVAILABLE'] as const

/** RFC 6750 §3: error_description is %x20-21 / %x23-5B / %x5D-7E. */
const description = /^[ !#-[\]-~]+$/

describe('DPoPError', () => {
  it.each(codes)(
    '%s has its status, its OAuth error and a description that is valid in a challenge (RFC 6750 §3)',
    (code, [status, error]) => {
      const rejection = new DPoPError(code)
      expect(rejection).toMatchObject({ name: 'DPoPError', code, status, statusCode: status, error, expose: true, headers: {} })
      expect(rejection.description).toMatch(description)
      expect(rejection.message).toBe(rejection.description)
      expect(responseFor(code)).toEqual({ status, error, description: rejection.description })
    }
  )

  it('is printed on one line without header fields, because any client can cause an error', () => {
    const error = new DPoPError('ERR_DPOP_NONCE_REQUIRED', { 'DPoP-Nonce': 'the-nonce' })
    const line = 'DPoPError: A DPoP nonce is required; use the DPoP-Nonce of this response (ERR_DPOP_NONCE_REQUIRED)'
    expect(inspect(error)).toBe(line)
    expect(format(error)).toBe(line)
    expect(error.stack).toBe(line)
  })

  it('has a distinct description for each code', () => {
    expect(new Set(codes.map(([code]) => new DPoPError(code).description)).size).toBe(codes.length)
  })

  it('has the members of RFC 6749 §5.2 as JSON, without error if there were no credentials (RFC 6750 §3.1)', () => {
    expect(JSON.parse(JSON.stringify(new DPoPError('ERR_DPOP_PROOF_HTM')))).toEqual({
      error: 'invalid_dpop_proof',
      error_description: 'The DPoP proof htm does not match the request method'
    })
    expect(new DPoPError('ERR_DPOP_CREDENTIALS_MISSING').toJSON()).toEqual({
      error_description: 'A DPoP-bound access token is required'
    })
  })

  it('getResponse() has the status, the body and every challenge (RFC 9110 §11.6.1)', async () => {
    const headers = { 'WWW-Authenticate': ['Bearer realm="a"', 'DPoP algs="ES256"'], 'X-One': 'line' }
    const error = new DPoPError('ERR_DPOP_TOKEN_EXPIRED', headers)
    const response = error.getResponse()
    expect(response.status).toBe(401)
    expect([...response.headers]).toEqual([
      ['content-type', 'application/json'],
      ['www-authenticate', 'Bearer realm="a", DPoP algs="ES256"'],
      ['x-one', 'line']
    ])
    expect(await response.json()).toEqual(error.toJSON())
  })
})

describe('DPoPUnavailableError', () => {
  it.each(outages)('%s is 503 with Retry-After and does not expose its cause in the response', async (code) => {
    const cause = new Error('secret')
    const error = new DPoPUnavailableError(code, cause)
    expect(error).toMatchObject({ name: 'DPoPUnavailableError', code, status: 503, statusCode: 503, expose: true, cause })
    expect(error.headers).toEqual({ 'Retry-After': '1' })
    expect(error.description).toMatch(description)
    expect(error.message).toBe(error.description)
    const response = error.getResponse()
    expect(response.status).toBe(503)
    expect(response.headers.get('retry-after')).toBe('1')
    expect(response.headers.get('www-authenticate')).toBeNull()
    expect(await response.json()).toEqual({ error_description: error.description })
  })
})

describe('isDPoPError and isDPoPUnavailableError', () => {
  it('recognize the errors of another copy of the package is recognized by its brand', async () => {
    vi.resetModules()
    const copy = await import('../src/errors.js')
    expect(copy.DPoPError).not.toBe(DPoPError)
    expect(isDPoPError(new copy.DPoPError('ERR_DPOP_PROOF_HTM'))).toBe(true)
    expect(isDPoPUnavailableError(new copy.DPoPUnavailableError('ERR_DPOP_KEYS_UNAVAILABLE'))).toBe(true)
    expect(copy.isDPoPError(new DPoPError('ERR_DPOP_PROOF_HTM'))).toBe(true)
    expect(new DPoPError('ERR_DPOP_PROOF_HTM')[Symbol.for('dpop-guard.error') as never]).toBe(true)
    expect(new DPoPUnavailableError('ERR_DPOP_KEYS_UNAVAILABLE')[Symbol.for('dpop-guard.unavailable') as never]).toBe(true)
  })

  it('are false for other values', () => {
    const others = [
      undefined,
      null,
      'ERR_DPOP_PROOF_HTM',
      1,
      {},
      new Error('x'),
      { name: 'DPoPError', code: 'ERR_DPOP_PROOF_HTM' }
    ]
    for (const other of others) {
      expect(isDPoPError(other)).toBe(false)
      expect(isDPoPUnavailableError(other)).toBe(false)
    }
    expect(isDPoPError(new DPoPUnavailableError('ERR_DPOP_KEYS_UNAVAILABLE'))).toBe(false)
    expect(isDPoPUnavailableError(new DPoPError('ERR_DPOP_PROOF_HTM'))).toBe(false)
  })
})

it('a Refusal is not an Error, so it has no stack trace', () => {
  try {
    refuse('ERR_DPOP_PROOF_HTU', { receivedHtu: 'x' })
  } catch (reason) {
    expect(reason).toBeInstanceOf(Refusal)
    expect(reason).not.toBeInstanceOf(Error)
    expect({ ...(reason as Refusal) }).toEqual({ code: 'ERR_DPOP_PROOF_HTU', detail: { receivedHtu: 'x' }, params: {} })
  }
  expect.assertions(3)
})
