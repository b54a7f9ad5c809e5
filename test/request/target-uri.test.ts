import { describe, expect, it } from 'vitest'
import { Refusal } from '../../src/errors.js'
import type { IncomingRequest } from '../../src/request/request.js'
import { type BaseUrl, matchHtu, parseBaseUrl, targetUrisOf, toHttpUri } from '../../src/request/target-uri.js'

const base = (url: string): BaseUrl => parseBaseUrl(url) as BaseUrl
const incoming = (target: string, authority?: string): IncomingRequest => ({
  ...{ method: 'GET', target, authority },
  ...{ authorization: [], dpop: [], isWebSocketUpgrade: false }
})
const urisOf = (target: string, baseUrls: string[] = ['https://rs.example'], authority?: string) =>
  targetUrisOf(incoming(target, authority), baseUrls.map(base))

/** Whether a proof with this htu is accepted for this target; 'rejected' if the target is. */
function matches(htu: string, target: string, baseUrls?: string[]): boolean | 'rejected' {
  try {
    return matchHtu(htu, urisOf(target, baseUrls)) !== undefined
  } catch (reason) {
    expect(reason).toMatchObject({ code: 'ERR_DPOP_PROOF_HTU' })
    return 'rejected'
  }
}

describe('an htu matches the target URI if both are equal after normalization (RFC 9449 §4.3 check 9)', () => {
  it.each<[rule: string, htu: string, target: string, expected: boolean]>([
    ['an equal URI', 'https://rs.example/r', '/r', true],
    ['scheme in upper case (RFC 3986 §6.2.2.1)', 'HTTPS://rs.example/r', '/r', true],
    ['host in upper case (§6.2.2.1)', 'https://RS.Example/r', '/r', true],
    ['default port (§6.2.3)', 'https://rs.example:443/r', '/r', true],
    ['empty port (§6.2.3)', 'https://rs.example:/r', '/r', true],
    ['port with leading zeros (RFC 9110 §4.2.4)', 'https://rs.example:000443/r', '/r', true],
    ['another port', 'https://rs.example:8443/r', '/r', false],
    ['port of the other scheme', 'https://rs.example:80/r', '/r', false],
    ['port above 65535', 'https://rs.example:65979/r', '/r', false],
    ['port that is not a number', 'https://rs.example:44a/r', '/r', false],
    ['the other scheme (RFC 9110 §4.2.2)', 'http://rs.example/r', '/r', false],
    ['empty path (§6.2.3)', 'https://rs.example', '/', true],
    ['empty path before a query', 'https://rs.example?x', '/', true],
    ['lower-case triplet (§6.2.2.1)', 'https://rs.example/caf%c3%a9', '/caf%C3%A9', true],
    ['encoded unreserved (§6.2.2.2)', 'https://rs.example/%7Eme%2D%2e%5F', '/~me-._', true],
    ['encoded letters', 'https://rs.example/%72', '/r', true],
    ['encoded letters of the target', 'https://rs.example/r', '/%72', true],
    ['a raw character that is neither reserved nor unreserved (RFC 9110 §4.2.3)', 'https://rs.example/%7Bid%7D', '/{id}', true],
    ['such characters, encoded in the target', 'https://rs.example/a|b^c`', '/a%7Cb%5ec%60', true],
    ['an encoded slash is not a slash (RFC 3986 §2.2)', 'https://rs.example/a%2Fb', '/a/b', false],
    ['an encoded semicolon is not a semicolon', 'https://rs.example/a%3Bb', '/a;b', false],
    ['an encoded exclamation mark is not an exclamation mark', 'https://rs.example/{a}!', '/{a}%21', false],
    ['an encoded slash with digits in another case', 'https://rs.example/a%2fb', '/a%2Fb', true],
    ['an encoded percent sign is not decoded twice', 'https://rs.example/%2541', '/A', false],
    ['path in another case', 'https://rs.example/R', '/r', false],
    ['trailing slash', 'https://rs.example/r/', '/r', false],
    ['double slash', 'https://rs.example//r', '/r', false],
    ['double slash on both sides', 'https://rs.example//r', '//r', true],
    ['dot segments of the htu (§6.2.2.3)', 'https://rs.example/a/./b/../r', '/a/r', true],
    ['dot segments at the end', 'https://rs.example/a/b/..', '/a/', true],
    ['a dot at the end', 'https://rs.example/a/.', '/a/', true],
    ['more dot segments than segments', 'https://rs.example/../../r', '/r', true],
    ['encoded dot segments', 'https://rs.example/a/%2e%2E/r', '/r', true],
    ['a segment of three dots', 'https://rs.example/a/.../r', '/a/.../r', true],
    ['a file whose name begins with a dot', 'https://rs.example/.well-known/x', '/.well-known/x', true],
    ['query and fragment of the htu are ignored', 'https://rs.example/r?a=b#c', '/r', true],
    ['an empty query', 'https://rs.example/r?', '/r', true],
    ['an empty fragment', 'https://rs.example/r#', '/r', true],
    ['the query of the target', 'https://rs.example/r', '/r?a=/../b', true],
    ['the fragment of a target', 'https://rs.example/r', '/r#f', true],
    ['a path that contains a URL', 'https://rs.example/https://x', '/https://x', true],
    ['a host with a trailing dot', 'https://rs.example./r', '/r', false],
    ['another host', 'https://evil.example/r', '/r', false],
    ['a host of which rs.example is a prefix', 'https://rs.example.evil/r', '/r', false]
  ])('%s: %s for %s', (_rule, htu, target, expected) => {
    expect(matches(htu, target)).toBe(expected)
  })
})

describe('an htu that is not a valid http or https URI matches nothing (RFC 9110 §4.2.2, §4.2.4)', () => {
  it.each([
    '',
    '/r',
    '//rs.example/r',
    'rs.example/r',
    'https:rs.example/r',
    'https:/rs.example/r',
    'https:///rs.example/r',
    'https://',
    'ftp://rs.example/r',
    'https\t://rs.example/r',
    ' https://rs.example/r',
    'https://rs.example/r ',
    'https://u@rs.example/r',
    'https://u:p@rs.example/r',
    'https://@rs.example/r',
    'https://rs.example\\r',
    'https://rs.example/\\r',
    'https:\\\\rs.example/r',
    'https://rs.exa\nmple/r',
    'https://rs.example /r',
    'https://rs.example/\tr',
    'https://rs.example/r\u0000',
    'https://rs.example\u0000',
    'https://rs.example\u001f#',
    'https://\u0000rs.example/',
    'https://rs.example\u007f/r',
    'https://rs.example/%zz',
    'https://rs.example/%7',
    'https://rs.example/"r"',
    'https://rs.example/<r>',
    'https://rs.example/é',
    'https://rs.example/r?\n',
    'https://rs.example/r#é',
    'https://%zz/r',
    'https://[::1/r',
    'https://[gg::1]/r',
    'https://[::1]x/r',
    'https://a"b/r',
    'https://a%22b/r',
    'https://a%00b/r',
    'https://a%2Fb/r',
    `https://rs.example:0443/r?${'a'.repeat(8192)}`,
    `https://${'a'.repeat(256)}/r`
  ])('%j', (htu) => {
    const targets = ['/r', '/', '/%zz']
    for (const target of targets) expect(matches(htu, target, ['https://rs.example', 'https://a'])).not.toBe(true)
    expect(matchHtu(htu, ['https://rs.example/r', 'https://rs.example/', 'undefined'])).toBeUndefined()
  })

  it('has at most 8192 characters, and its host at most 255 (RFC 1035 §2.3.4)', () => {
    const longest = `https://rs.example:0443/${'a'.repeat(8192 - 'https://rs.example:0443/'.length)}`
    expect(longest).toHaveLength(8192)
    expect(matchHtu(longest, [longest.replace(':0443', '')])).toBe(longest.replace(':0443', ''))
    expect(matchHtu(`${longest}a`, [`${longest}a`.replace(':0443', '')])).toBeUndefined()
    const host = 'a'.repeat(255)
    expect(parseBaseUrl(`https://${host}`)).toMatchObject({ host })
    expect(parseBaseUrl(`https://${host}a`)).toBeUndefined()
  })

  it('has a host of limited length also if it is internationalized', () => {
    const host = Array.from({ length: 2500 }, (_, i) => String.fromCodePoint(0x4e00 + i * 7)).join('')
    expect(matchHtu(`https://${host}/r`, ['https://rs.example/r'])).toBeUndefined()
    expect(parseBaseUrl(`https://${host}`)).toBeUndefined()
  })
})

describe('hosts are normalized (RFC 3986 §3.2.2, §6.2.2.1)', () => {
  it.each([
    ['https://[::1]:8443/', 'https://[0:0:0:0:0:0:0:1]:8443/'],
    ['https://[2001:db8::a]/', 'https://[2001:DB8:0::A]/'],
    ['https://xn--bcher-kva.example/', 'https://bücher.example/'],
    ['https://xn--bcher-kva.example/', 'https://b%C3%BCcher.example/'],
    ['https://127.0.0.1/', 'https://%3127.0.0.1/'],
    ['https://0x7f.1/', 'https://0X7F.1/'],
    ["https://a!$&'()*+,;=~.example/", "https://A!$&'()*+,;=~.example/"]
  ])('%s is equivalent to %s', (normalized, other) => {
    expect(matchHtu(other, [normalized])).toBe(normalized)
  })

  it.each(['0x7f.1', '127.1', '2130706433'])('%s is a name, not the IPv4 address to which a browser would convert it', (host) => {
    expect(parseBaseUrl(`https://${host}`)).toMatchObject({ host })
    expect(matchHtu(`https://${host}:0443/`, ['https://127.0.0.1/'])).toBeUndefined()
  })

  it.each(['/r', '/{id}'])('an empty host is invalid with any port: %s', (path) => {
    expect(parseBaseUrl(`https://{}:8443${path}`)).toBeUndefined()
    expect(matchHtu(`https://{}:8443${path}`, [`https://undefined:8443${path}`])).toBeUndefined()
  })
})

describe('parseBaseUrl', () => {
  it.each([
    ['https://rs.example', 'https://rs.example', 'rs.example', ''],
    ['HTTPS://RS.example:443/', 'https://rs.example', 'rs.example', ''],
    ['http://localhost:3000', 'http://localhost:3000', 'localhost:3000', ''],
    ['http://localhost:80', 'http://localhost', 'localhost', ''],
    ['https://rs.example/v1', 'https://rs.example', 'rs.example', '/v1'],
    ['https://rs.example/v1///', 'https://rs.example', 'rs.example', '/v1'],
    ['https://rs.example/%7Ea/./b/../c', 'https://rs.example', 'rs.example', '/~a/c']
  ])('%s', (url, origin, host, prefix) => {
    expect(parseBaseUrl(url)).toEqual({ scheme: origin.split(':')[0], origin, host, prefix })
  })

  it('accepts ports up to 65535', () => {
    expect(parseBaseUrl('https://rs.example:65535')).toMatchObject({ host: 'rs.example:65535' })
    expect(parseBaseUrl('https://rs.example:65536')).toBeUndefined()
  })

  it.each([
    'rs.example',
    'https://rs.example?',
    'https://rs.example/#',
    'https://u@rs.example',
    'https://{a',
    'https://a}',
    'https://rs.example/a b',
    'https://rs.example/%7g'
  ])('rejects %s', (url) => {
    expect(parseBaseUrl(url)).toBeUndefined()
  })
})

describe('a request target is rejected instead of normalized, because routers do not normalize it', () => {
  it.each([
    '/admin/../public',
    '/..',
    '/.',
    '/a/.',
    '/a/..',
    '/./a',
    '/%2e%2e/a',
    '/a/%2E./b',
    '/a/.%2e/b',
    '/\\a',
    '/a\\..\\b',
    '/%zz',
    '/a b',
    '/é',
    '/"',
    '/\u0000',
    'https://rs.example/a/../b',
    'https://rs.example/\\b'
  ])('rejects %j before the htu is compared', (target) => {
    expect(() => urisOf(target)).toThrow(Refusal)
  })

  it.each(['', '*', 'rs.example:443', 'r', '?a', '#a', 'ftp://rs.example/r', 'https:/r', ' /r'])(
    'rejects %j: authority-form, asterisk-form or malformed (RFC 9112 §3.2)',
    (target) => {
      expect(() => urisOf(target)).toThrow(Refusal)
    }
  )

  it('rejects a target of more than 8192 characters without parsing it', () => {
    expect(() => urisOf(`/${'a'.repeat(8192)}`)).toThrow(expect.objectContaining({ code: 'ERR_DPOP_PROOF_HTU' }))
    expect(urisOf(`/${'a'.repeat(8191)}`)).toHaveLength(1)
  })
})

describe('scheme and authority are configuration (RFC 9449 §2, §11)', () => {
  it('with one base URL, Host is ignored', () => {
    expect(urisOf('/r', ['https://rs.example'], 'evil.example')).toEqual(['https://rs.example/r'])
    expect(urisOf('/r', ['https://rs.example'], 'a/b?c')).toEqual(['https://rs.example/r'])
  })

  it.each([
    ['a.example', ['https://a.example/r']],
    ['A.EXAMPLE:443', ['https://a.example/r']],
    ['b.example', ['https://b.example:8443/r'].slice(1)],
    ['b.example:8443', ['https://b.example:8443/r']],
    ['evil.example', []],
    ['a.example/r?', []],
    ['u@a.example', []],
    ['a.example, b.example', []],
    ['', []],
    [undefined, []]
  ])('with several base URLs, Host %j selects only one that is configured', (host, expected) => {
    expect(urisOf('/r', ['https://a.example', 'https://b.example:8443'], host)).toEqual(expected)
  })

  it('a missing Host selects no base URL', () => {
    expect(urisOf('/r', ['https://undefined', 'https://a.example'], undefined)).toEqual([])
  })

  it('Host selects all base URLs of one host', () => {
    const bases = ['https://a.example/v1', 'https://a.example/v2']
    expect(urisOf('/r', bases, 'a.example')).toEqual(['https://a.example/v1/r', 'https://a.example/v2/r'])
  })

  it('without base URLs there is no target URI', () => {
    expect(urisOf('/r', [])).toEqual([])
  })

  it('an absolute-form target must have the authority of a base URL; its scheme may be http, as behind a proxy (RFC 9112 §3.2.2)', () => {
    expect(urisOf('https://rs.example/r?a')).toEqual(['https://rs.example/r'])
    expect(urisOf('http://RS.example/r')).toEqual(['https://rs.example/r'])
    expect(urisOf('http://rs.example')).toEqual(['https://rs.example/'])
    expect(urisOf('http://rs.example/r/')).toEqual(['https://rs.example/r/'])
    expect(urisOf('http://evil.example/r')).toEqual([])
    expect(urisOf('http://u@rs.example/r')).toEqual([])
    expect(urisOf('http://evil.example/r', ['https://rs.example'], 'rs.example')).toEqual([])
    expect(urisOf('https://b.example/r', ['https://a.example', 'https://b.example'], 'a.example')).toEqual([
      'https://b.example/r'
    ])
  })

  it('a target that begins with two slashes is a path, not an authority', () => {
    expect(urisOf('//evil.example/r')).toEqual(['https://rs.example//evil.example/r'])
  })

  it('a prefix that the gateway removes is restored, with and without a trailing slash for its root', () => {
    expect(urisOf('/r', ['https://rs.example/v1'])).toEqual(['https://rs.example/v1/r'])
    expect(urisOf('/', ['https://rs.example/v1'])).toEqual(['https://rs.example/v1/', 'https://rs.example/v1'])
    expect(urisOf('/', ['https://rs.example'])).toEqual(['https://rs.example/'])
  })
})

describe('the htu of a WebSocket upgrade has the scheme of its HTTP request (RFC 6455 §3)', () => {
  it.each([
    ['wss://rs.example/r', 'https://rs.example/r'],
    ['WSS://rs.example:443/r', 'httpS://rs.example:443/r'],
    ['ws://localhost:3000/r', 'http://localhost:3000/r'],
    ['https://rs.example/wss://x', 'https://rs.example/wss://x'],
    ['a-wss://rs.example/r', 'a-wss://rs.example/r'],
    ['wss-a://rs.example/r', 'wss-a://rs.example/r'],
    ['wss:/rs.example/r', 'wss:/rs.example/r']
  ])('%s: %s [AMB-31]', (htu, expected) => {
    expect(toHttpUri(htu)).toBe(expected)
  })
})
