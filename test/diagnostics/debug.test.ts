import { afterEach, describe, expect, test, vi } from 'vitest'
import { causesOf } from '../../src/diagnostics/causes.js'
import { outageLine, refusalLine } from '../../src/diagnostics/debug.js'
import { hintOf } from '../../src/diagnostics/hints.js'

describe('the debug log', () => {
  afterEach(() => void vi.restoreAllMocks())

  test.each([true, false])('is written only if it is enabled: %s', async (enabled) => {
    const write = vi.fn()
    const { getBuiltinModule } = process
    vi.spyOn(process, 'getBuiltinModule').mockImplementation(((name: string) =>
      name === 'node:util' ? { debuglog: () => Object.assign(write, { enabled }) } : getBuiltinModule(name)) as never)
    vi.resetModules()
    const { debugOutage, debugRefusal } = await import('../../src/diagnostics/debug.js')
    debugRefusal('ERR_DPOP_PROOF_ATH', undefined)
    debugOutage('ERR_DPOP_KEYS_UNAVAILABLE', new Error('down'))
    expect(write.mock.calls.map(([format, line]) => `${format} ${line}`)).toEqual(
      enabled
        ? [expect.stringMatching(/^%s ERR_DPOP_PROOF_ATH/), expect.stringMatching(/^%s ERR_DPOP_KEYS_UNAVAILABLE: Error "down"/)]
        : []
    )
  })
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

describe('hints', () => {
  test('a request that matches no base URL', () => {
    expect(hintOf('ERR_DPOP_PROOF_HTU', { receivedHtu: 'https://a.example/', expectedHtu: [] })).toContain('no baseUrl matches')
  })

  test('a rejection without details has the hint of its code', () => {
    expect(refusalLine('ERR_DPOP_PROOF_HTU')).toBe(
      'ERR_DPOP_PROOF_HTU (RFC 9449 §4.3 #9): set baseUrl to the public URL of the API'
    )
  })

  test('the default port is named as such in both directions', () => {
    const hint = (receivedHtu: string, expected: string) => hintOf('ERR_DPOP_PROOF_HTU', { receivedHtu, expectedHtu: [expected] })
    expect(hint('https://a.example/', 'https://a.example:8443/')).toContain('default instead of 8443')
    expect(hint('https://a.example:8443/', 'https://a.example/')).toContain('8443 instead of default')
  })
})
