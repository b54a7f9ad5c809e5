import { afterEach, describe, expect, test, vi } from 'vitest'
import { causesOf } from '../../src/diagnostics/causes.js'
import { hintOf } from '../../src/diagnostics/hints.js'
import { outageLine } from '../../src/diagnostics/outage-line.js'
import { refusalLine } from '../../src/diagnostics/refusal-line.js'

describe('the debug log', () => {
  afterEach(() => void vi.restoreAllMocks())

  test.each([true, false])('is written only if it is enabled: %s', async (enabled) => {
    const write = vi.fn()
    const debuglog = vi.fn(() => Object.assign(write, { enabled }))
    const { getBuiltinModule } = process
    vi.spyOn(process, 'getBuiltinModule').mockImplementation(((name: string) =>
      name === 'node:util' ? { debuglog } : getBuiltinModule(name)) as never)
    vi.resetModules()
    const { debugOutage, debugRefusal } = await import('../../src/diagnostics/debug.js')
    expect(debuglog).toHaveBeenCalledExactlyOnceWith('dpop-guard')
    debugRefusal('ERR_DPOP_PROOF_ATH', undefined)
    debugOutage('ERR_DPOP_KEYS_UNAVAILABLE', new Error('down'))
    await vi.dynamicImportSettled()
    expect(write.mock.calls.map(([format, line]) => `${format} ${line}`)).toEqual(
      enabled
        ? [expect.stringMatching(/^%s ERR_DPOP_PROOF_ATH/), expect.stringMatching(/^%s ERR_DPOP_KEYS_UNAVAILABLE: Error "down"/)]
        : []
    )
  })
})

test('a bundle without the hints prints that they are missing, and does not fail', async () => {
  vi.resetModules()
  vi.doMock('../../src/diagnostics/refusal-line.js', () => {
    throw new Error('not bundled')
  })
  const { printRefusal } = await import('../../src/diagnostics/debug.js')
  const write = vi.fn()
  printRefusal('ERR_DPOP_PROOF_ATH', undefined, write)
  await vi.waitFor(() => expect(write).toHaveBeenCalledExactlyOnceWith('The texts of dpop-guard could not be loaded'))
  vi.doUnmock('../../src/diagnostics/refusal-line.js')
  vi.resetModules()
})

test('a runtime without a debug log is supported', async () => {
  vi.doMock('../../src/builtin-module.js', () => ({ builtinModule: () => undefined }))
  vi.resetModules()
  const { debugOutage, debugRefusal } = await import('../../src/diagnostics/debug.js')
  vi.doUnmock('../../src/builtin-module.js')
  expect(() => debugRefusal('ERR_DPOP_PROOF_ATH', undefined)).not.toThrow()
  expect(() => debugOutage('ERR_DPOP_KEYS_UNAVAILABLE', undefined)).not.toThrow()
})

describe('causesOf', () => {
  test('follows causes and the errors of an AggregateError, with their codes, without user information of URLs', () => {
    const refused = Object.assign(new Error('connect https://u:p@host/x\nsecond line'), { code: 'ECONNREFUSED' })
    const cause = new AggregateError([new TypeError('fetch failed', { cause: refused }), 'a string'], 'No usable metadata')
    expect(causesOf(cause)).toEqual([
      'AggregateError "No usable metadata"',
      'TypeError "fetch failed"',
      '"a string"',
      'Error ECONNREFUSED "connect https://host/x?second line"'
    ])
  })

  test('is bounded for long and cyclic chains', () => {
    const cyclic = new Error('again')
    cyclic.cause = cyclic
    expect(causesOf(cyclic)).toHaveLength(8)
    expect(outageLine('ERR_DPOP_KEYS_UNAVAILABLE', undefined)).toContain('unknown cause')
  })
})

describe('the debug line', () => {
  test('has the reason, the URIs or the skew of the rejection, and the hint', () => {
    expect(refusalLine('ERR_DPOP_TOKEN_INVALID', { reason: 'aud is missing' })).toBe(
      'ERR_DPOP_TOKEN_INVALID (RFC 9068 §4): aud is missing; see docs/identity-providers.md for the options of identity providers'
    )
    expect(
      refusalLine('ERR_DPOP_PROOF_HTU', {
        expectedHtu: ['https://a.example/x', 'https://b.example/x'],
        receivedHtu: 'http://a.example/x'
      })
    ).toBe(
      'ERR_DPOP_PROOF_HTU (RFC 9449 §4.3 #9): htu is "http://a.example/x", expected "https://a.example/x" or "https://b.example/x"; ' +
        'scheme differs (http:// instead of https://): if TLS is terminated by a proxy, set baseUrl to the public URL'
    )
    expect(refusalLine('ERR_DPOP_PROOF_IAT', { skewSeconds: -600 })).toBe(
      'ERR_DPOP_PROOF_IAT (RFC 9449 §4.3 #11): iat differs by -600 seconds; iat is 600 seconds in the past: ' +
        'the clock of the client is behind, or the proof was reused or delayed'
    )
  })

  test('has the thumbprint of a client above its quota', () => {
    const detail = { reason: 'The client has reached its limit in the replay store', jkt: 'the-thumbprint', retryAfterSeconds: 5 }
    expect(refusalLine('ERR_DPOP_QUOTA_EXCEEDED', detail)).toMatch(
      /^ERR_DPOP_QUOTA_EXCEEDED \(RFC 6585 §4\): The client has reached .*; the key of the client has the thumbprint the-thumbprint; /
    )
  })

  test('has the URI of the proof if no base URL matches', () => {
    expect(refusalLine('ERR_DPOP_PROOF_HTU', { receivedHtu: 'https://a.example/', expectedHtu: [] })).toBe(
      'ERR_DPOP_PROOF_HTU (RFC 9449 §4.3 #9): htu is "https://a.example/", expected none; ' +
        'no baseUrl matches the request: check the Host header field and baseUrl'
    )
  })

  test('of an outage has the causes in order', () => {
    const cause = new Error('first', { cause: new Error('second') })
    expect(outageLine('ERR_DPOP_KEYS_UNAVAILABLE', cause)).toBe(
      'ERR_DPOP_KEYS_UNAVAILABLE: Error "first" <- Error "second"; the metadata or the key set of the issuer cannot be fetched or used; ' +
        'check issuer, DNS, TLS and network access'
    )
  })
})

describe('hints', () => {
  test('an iat is reported as milliseconds if its skew is above 1e11 seconds', () => {
    expect(hintOf('ERR_DPOP_PROOF_IAT', { skewSeconds: 1e11 + 1 })).toBe('iat is in milliseconds; it must be in seconds')
    expect(hintOf('ERR_DPOP_PROOF_IAT', { skewSeconds: 1e11 })).toContain('iat is 100000000000 seconds in the future')
    expect(hintOf('ERR_DPOP_PROOF_IAT', { skewSeconds: 0 })).toContain('iat is 0 seconds in the future')
    expect(hintOf('ERR_DPOP_PROOF_IAT', { skewSeconds: -1 })).toContain('iat is 1 seconds in the past')
  })

  test('a path is reported to differ by a trailing slash or by a prefix', () => {
    const hint = (receivedHtu: string, expected: string) => hintOf('ERR_DPOP_PROOF_HTU', { receivedHtu, expectedHtu: [expected] })
    expect(hint('https://a.example/x/', 'https://a.example/x')).toBe('path differs by a trailing slash, which is significant')
    expect(hint('https://a.example/v1/x', 'https://a.example/x')).toBe(
      'path has the prefix "/v1": if a gateway removes it, add it to baseUrl'
    )
    expect(hint('https://a.example/x', 'https://a.example/v1/x')).toBe(
      'path lacks the prefix "/v1": create the proof for the URL that is sent; if clients do not use the prefix, or the gateway does not remove it, remove it from baseUrl'
    )
  })

  test('a request that matches no base URL is reported as such', () => {
    expect(hintOf('ERR_DPOP_PROOF_HTU', { receivedHtu: 'https://a.example/', expectedHtu: [] })).toContain('no baseUrl matches')
  })

  test('a request whose Origin is denied has another hint than one that the application denied', () => {
    expect(hintOf('ERR_DPOP_ACCESS_DENIED', { reason: 'Origin is "https://a.example", which is not in allowedOrigins' })).toBe(
      'add the origin to allowedOrigins if its pages may call the server'
    )
    expect(hintOf('ERR_DPOP_ACCESS_DENIED')).toBe('the function authorize did not return true')
  })

  test('a rejection without details has the hint of its code', () => {
    expect(refusalLine('ERR_DPOP_PROOF_HTU')).toBe(
      'ERR_DPOP_PROOF_HTU (RFC 9449 §4.3 #9): set baseUrl to the public URL of the API'
    )
  })

  test('the default port is reported as "default" on either side', () => {
    const hint = (receivedHtu: string, expected: string) => hintOf('ERR_DPOP_PROOF_HTU', { receivedHtu, expectedHtu: [expected] })
    expect(hint('https://a.example/', 'https://a.example:8443/')).toContain('default instead of 8443')
    expect(hint('https://a.example:8443/', 'https://a.example/')).toContain('8443 instead of default')
  })
})
