/** The URI of the request and the htu of the proof: RFC 9449 §4.3 check 9, RFC 3986 §6.2.2 and §6.2.3, RFC 9110 §4.2. @module */

import type { RuleId } from '../conformance/rules.js'
import { mix, prepare, type Recipe } from './recipe.js'
import { accepted, invalidProof, invalidRequest, type Options, type Vector, type VectorGroup, when } from './vector.js'

/** A request with this target, and a proof that names this htu. */
const named = (target: string, htu: string, host?: string): Recipe => ({
  target,
  ...(host !== undefined && { host }),
  proof: { claims: { htu } }
})
const refuse = invalidProof('PROOF_HTU')

const equal: Vector[] = (
  [
    ['the query of the request is ignored', '/r?x=1', 'https://api.example/r', ['D-26', 'U-11']],
    ['an empty query of the request is ignored', '/r?', 'https://api.example/r', ['D-26', 'U-11']],
    ['the query of htu is ignored', '/r', 'https://api.example/r?x=1', ['D-26', 'U-11', 'AMB-02']],
    ['an empty query of htu is ignored', '/r', 'https://api.example/r?', ['D-26', 'U-11']],
    ['the fragment of htu is ignored', '/r', 'https://api.example/r#frag', ['D-26', 'U-11', 'AMB-02']],
    ['an empty fragment of htu is ignored', '/r', 'https://api.example/r#', ['D-26', 'U-11']],
    ['query and fragment of htu are ignored', '/r?a=b', 'https://api.example/r?anything#at-all', ['D-26', 'U-11']],
    ['a path in the query of htu is ignored', '/r', 'https://api.example/r?/../x', ['U-11']],
    ['the scheme in any case', '/r', 'HTTPS://api.example/r', ['U-01', 'D-31', 'L32']],
    ['the host in any case', '/r', 'https://API.Example/r', ['U-01', 'D-31', 'L32']],
    ['scheme and host in any case', '/r', 'HTTPS://API.EXAMPLE/r', ['U-01', 'D-31', 'L32']],
    ['the default port', '/r', 'https://api.example:443/r', ['U-02', 'D-31', 'L32']],
    ['an empty port', '/r', 'https://api.example:/r', ['U-02', 'D-31']],
    ['a port with a leading zero', '/r', 'https://api.example:0443/r', ['U-02']],
    ['an empty path for the path /', '/', 'https://api.example', ['U-03', 'D-31', 'AMB-01']],
    ['the path /', '/', 'https://api.example/', ['U-03']],
    ['an empty path and a query', '/?x=1', 'https://api.example?x=2', ['U-03', 'U-11']],
    ['percent-encoding in lower case', '/caf%C3%A9', 'https://api.example/caf%c3%a9', ['U-04', 'D-31', 'L32']],
    ['percent-encoding in upper case', '/caf%c3%a9', 'https://api.example/caf%C3%A9', ['U-04', 'D-31', 'L32']],
    ['an encoded tilde', '/~me', 'https://api.example/%7Eme', ['U-05', 'D-31', 'L32']],
    ['a tilde', '/%7eme', 'https://api.example/~me', ['U-05', 'D-31', 'L32']],
    ['encoded letters and digits', '/r1', 'https://api.example/%72%31', ['U-05']],
    ['encoded hyphen and underscore', '/a-b_c', 'https://api.example/a%2Db%5fc', ['U-05']],
    ['a bar and its encoding', '/a%7Cb', 'https://api.example/a|b', ['U-05', 'AMB-03']],
    ['braces and their encoding', '/{id}', 'https://api.example/%7bid%7D', ['U-05', 'AMB-03']],
    ['dot segments of htu', '/a/r', 'https://api.example/a/./b/../r', ['U-07', 'D-31']],
    ['encoded dot segments of htu', '/a/r', 'https://api.example/a/%2E/b/%2e%2E/r', ['U-07', 'U-05']],
    ['a dot segment at the end of htu', '/a/', 'https://api.example/a/.', ['U-07']],
    ['more dot segments than segments', '/r', 'https://api.example/../../r', ['U-07']],
    ['an encoded slash', '/a%2Fb', 'https://api.example/a%2Fb', ['U-06', 'L34']],
    ['an encoded slash in different case', '/a%2fb', 'https://api.example/a%2Fb', ['U-06', 'U-04', 'L32']],
    ['an encoded question mark', '/a%3Fb', 'https://api.example/a%3fb', ['U-06']],
    ['an encoded percent sign', '/100%25', 'https://api.example/100%25', ['U-05']],
    ['sub-delimiters', "/a;b=c,d!$&'()*+@:e", "https://api.example/a;b=c,d!$&'()*+@:e", ['U-06', 'L34']],
    ['a URL in the path', '/https://x.example/y', 'https://api.example/https://x.example/y', ['L34']],
    ['a double slash', '/a//b', 'https://api.example/a//b', ['U-10', 'L34']],
    ['a trailing slash', '/r/', 'https://api.example/r/', ['U-09', 'L34']],
    ['dots that are not dot segments', '/a/...b/.c/d..', 'https://api.example/a/...b/.c/d..', ['U-07', 'L34']],
    ['three octets of UTF-8', '/%E6%97%A5%E6%9C%AC', 'https://api.example/%e6%97%a5%e6%9c%ac', ['U-04', 'L34']],
    ['four octets of UTF-8', '/%F0%9F%94%91', 'https://api.example/%f0%9f%94%91', ['U-04', 'L34']],
    ['percent-encoding that is not UTF-8', '/%FF%FE', 'https://api.example/%ff%fe', ['U-04', 'L34']],
    ['a matrix parameter', '/r;v=1/x', 'https://api.example/r;v=1/x', ['U-06', 'L34']],
    ['a file name with an extension', '/a/b.json', 'https://api.example/a/b.json', ['L34']],
    ['an empty segment at the end', '/a//', 'https://api.example/a//', ['U-10', 'L34']],
    ['a long path', `/${'a'.repeat(2000)}`, `https://api.example/${'a'.repeat(2000)}`, ['L34']]
  ] satisfies [string, string, string, RuleId[]][]
).map(([what, target, htu, rules]) => ({
  title: `§4.3#9 accepts an htu that is equivalent to the request URI: ${what}`,
  rules,
  accept: named(target, htu)
}))

const different: Vector[] = (
  [
    ['another path', '/r', 'https://api.example/other', ['D-26']],
    ['a longer path', '/r', 'https://api.example/r/x', ['D-26']],
    ['a shorter path', '/r/x', 'https://api.example/r', ['D-26']],
    ['another host', '/r', 'https://rs.example/r', ['D-26']],
    ['a subdomain of the host', '/r', 'https://sub.api.example/r', ['D-26']],
    ['a host of which the host of the API is a prefix', '/r', 'https://api.example.evil.example/r', ['D-26']],
    ['http', '/r', 'http://api.example/r', ['D-26', 'U-14', 'D-01']],
    ['http with the port of https', '/r', 'http://api.example:443/r', ['U-14', 'U-02']],
    ['another port', '/r', 'https://api.example:8443/r', ['D-26', 'U-02']],
    ['the port of http', '/r', 'https://api.example:80/r', ['U-02']],
    ['a port above 65535', '/r', 'https://api.example:65979/r', ['U-02', 'U-13']],
    ['the root', '/r', 'https://api.example/', ['D-26', 'U-03']],
    ['a trailing slash', '/r', 'https://api.example/r/', ['U-09', 'AMB-01', 'P-M11']],
    ['no trailing slash', '/r/', 'https://api.example/r', ['U-09', 'AMB-01', 'P-M11']],
    ['a double slash', '/a/b', 'https://api.example/a//b', ['U-10']],
    ['a leading double slash', '/r', 'https://api.example//r', ['U-10']],
    ['the path in another case', '/r', 'https://api.example/R', ['U-08']],
    ['a slash instead of its encoding', '/a%2Fb', 'https://api.example/a/b', ['U-06']],
    ['an encoded slash', '/a/b', 'https://api.example/a%2Fb', ['U-06']],
    ['an encoded semicolon', '/a;b', 'https://api.example/a%3Bb', ['U-06']],
    ['an encoded question mark', '/a?b', 'https://api.example/a%3Fb', ['U-06']],
    ['an encoded number sign', '/a', 'https://api.example/a%23', ['U-06']],
    ['a double encoding', '/~me', 'https://api.example/%257Eme', ['U-05']],
    ['a plus sign instead of an encoded space', '/a%20b', 'https://api.example/a+b', ['U-06']],
    ['user information', '/r', 'https://u@api.example/r', ['U-12', 'L20']],
    ['user information and password', '/r', 'https://u:p@api.example/r', ['U-12', 'L20']],
    ['the host of the API as user information', '/r', 'https://api.example@evil.example/r', ['U-12', 'L20']],
    ['empty user information', '/r', 'https://@api.example/r', ['U-12', 'L20']],
    ['a path without scheme and host', '/r', '/r', ['U-13']],
    ['no scheme', '/r', '//api.example/r', ['U-13']],
    ['a host and a path without scheme', '/r', 'api.example/r', ['U-13']],
    ['another scheme', '/r', 'ftp://api.example/r', ['U-13']],
    ['a scheme that ends in https', '/r', 'xhttps://api.example/r', ['U-13']],
    ['no slashes after the scheme', '/r', 'https:api.example/r', ['U-13', 'L20']],
    ['one slash after the scheme', '/r', 'https:/api.example/r', ['U-13', 'L20']],
    ['three slashes after the scheme', '/r', 'https:///api.example/r', ['U-13', 'L20']],
    ['no host', '/r', 'https:///r', ['U-13']],
    ['a port without a host', '/r', 'https://:443/r', ['U-13']],
    ['the path in the query', '/r', 'https://api.example?/r', ['U-13', 'L2']],
    ['nothing', '/r', '', ['U-13']],
    ['backslashes instead of slashes', '/r', 'https:\\\\api.example\\r', ['U-13', 'L20']],
    ['a backslash in the path', '/r', 'https://api.example\\r', ['L20']],
    ['a tab', '/r', 'https://api.example/\tr', ['L20']],
    ['a line break', '/r', 'https://api.exam\nple/r', ['L20']],
    ['a trailing line break', '/r', 'https://api.example/r\n', ['L20']],
    ['a leading space', '/r', ' https://api.example/r', ['L20']],
    ['a trailing space', '/r', 'https://api.example/r ', ['L20']],
    ['a space in the query', '/r', 'https://api.example/r?a b', ['L20']],
    ['a NUL in the query', '/r', 'https://api.example/r?\u0000', ['L20', 'L41']],
    ['non-ASCII characters', '/caf%C3%A9', 'https://api.example/café', ['AMB-03', 'U-13']],
    ['an invalid percent-encoding', '/r', 'https://api.example/%zz', ['AMB-03']],
    ['a truncated percent-encoding', '/r', 'https://api.example/r%7', ['AMB-03']],
    ['a trailing dot of the host', '/r', 'https://api.example./r', ['AMB-04']],
    ['brackets without an IPv6 address', '/r', 'https://[api.example]/r', ['U-13', 'L41']],
    ['a port that is not a number', '/r', 'https://api.example:x/r', ['U-13', 'L41']],
    ['two ports', '/r', 'https://api.example:443:443/r', ['U-13']],
    ['two URIs', '/r', 'https://api.example/r https://evil.example/', ['U-13', 'L20']]
  ] satisfies [string, string, string, RuleId[]][]
).map(([what, target, htu, rules]) => ({
  title: `§4.3#9 rejects an htu that does not match the request URI: ${what}`,
  rules: [...rules, 'D-26'],
  control: { target },
  fault: named(target, htu),
  refuse
}))

const long: Vector = {
  title: '§4.3#9 rejects an htu that does not match the request URI: nine thousand characters',
  rules: ['L41', 'Q-07', 'D-26'],
  options: { proof: { maxBytes: 65_536 } },
  fault: named('/r', `https://api.example/r?${'x'.repeat(9000)}`),
  refuse
}

const triplet = (char: string): string => `%${char.charCodeAt(0).toString(16).toUpperCase().padStart(2, '0')}`

const unreserved: Vector[] = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~'].map((char) => ({
  title: `RFC 3986 §2.3 an unreserved character is equivalent to its encoding: ${char}`,
  rules: ['U-05', 'D-31', 'L32'],
  accept: named(`/a${triplet(char)}z`, `https://api.example/a${char}z`)
}))

const delimiters: Vector[] = [..."!$&'()*+,;=:@"].flatMap((char): Vector[] => [
  {
    title: `RFC 3986 §3.3 accepts a path with an unencoded ${char}`,
    rules: ['U-06', 'L34'],
    accept: named(`/a${char}z`, `https://api.example/a${char}z`)
  },
  {
    title: `RFC 3986 §2.2 a reserved character is not equivalent to its encoding: ${char}`,
    rules: ['U-06'],
    control: { target: `/a${char}z` },
    fault: named(`/a${char}z`, `https://api.example/a${triplet(char)}z`),
    refuse
  }
])

const encoded: Vector[] = [...' "#%/<>?[\\]^`{|}\u007f'].map((char) => ({
  title: `RFC 3986 §6.2.2.1 compares percent-encoding case-insensitively: ${triplet(char)}`,
  rules: ['U-04', 'U-06', 'L32'],
  accept: named(`/a${triplet(char)}z`, `https://api.example/a${triplet(char).toLowerCase()}z`)
}))

const valid = named('/r', 'https://api.example/r')
const targets: Vector[] = (
  [
    ['a dot segment', '/./r', ['L1', 'U-07']],
    ['two dots', '/admin/../r', ['L1', 'U-07']],
    ['two trailing dots', '/r/x/..', ['L1']],
    ['two leading dots', '/../r', ['L1']],
    ['encoded dots', '/admin/%2e%2e/r', ['L1']],
    ['one encoded dot', '/admin/.%2E/r', ['L1']],
    ['a backslash', '/admin\\..\\r', ['L1']],
    ['an encoded dot segment', '/%2E/r', ['L1']],
    ['an invalid percent-encoding', '/%zz', ['AMB-03']],
    ['a host after two slashes', '//evil.example/r', ['U-15', 'L4']],
    ['the host of the API after two slashes', '//api.example/r', ['U-15', 'L4']],
    ['another host, in absolute form', 'https://evil.example/r', ['U-15', 'L4', 'H-18']],
    ['another host, in absolute form with http', 'http://evil.example/r', ['U-15', 'L4', 'H-18']],
    ['another port, in absolute form', 'https://api.example:8443/r', ['U-15', 'L4']],
    ['user information, in absolute form', 'https://u@api.example/r', ['U-12', 'L4']],
    ['no leading slash', 'r', ['U-13']],
    ['an asterisk', '*', ['H-15', 'AMB-09']],
    ['a host and a port', 'api.example:443', ['H-15', 'AMB-09']],
    ['another scheme', 'ftp://api.example/r', ['L4']],
    ['nine thousand characters', `/${'r'.repeat(9000)}`, ['H-05', 'L41']]
  ] satisfies [string, string, RuleId[]][]
).map(([what, target, rules]) => ({
  title: `RFC 9112 §3.2 rejects a target that is not a normalized path of the API, with a proof for /r: ${what}`,
  rules,
  control: valid,
  fault: { target },
  refuse,
  ...(isNoTarget(target) && { node: 400 as const })
}))

const matchingTargets: Vector[] = (
  [
    ['two dots', '/admin/../r', 'https://api.example/admin/../r'],
    ['an encoded dot segment', '/%2e/r', 'https://api.example/%2e/r'],
    ['a host after two slashes', '//evil.example/r', 'https://evil.example/r'],
    ['another host, in absolute form', 'https://evil.example/r', 'https://evil.example/r'],
    ['another host, in absolute form with http', 'http://evil.example/r', 'http://evil.example/r'],
    ['an asterisk', '*', 'https://api.example'],
    ['a host and a port', 'api.example:443', 'https://api.example/']
  ] satisfies [string, string, string][]
).map(([what, target, htu]) => ({
  title: `RFC 9112 §3.2 rejects a target that is not a normalized path of the API, with a proof for that target: ${what}`,
  rules: ['L1', 'L4', 'U-15', ...when(/asterisk|port/.test(what), 'H-15')],
  control: valid,
  fault: named(target, htu),
  refuse,
  ...(isNoTarget(target) && { node: 400 as const })
}))

const absolute: Vector[] = (
  [
    ['the origin of the API', 'https://api.example/r'],
    ['the origin of the API in upper case', 'HTTPS://API.EXAMPLE/r'],
    ['the origin of the API with its port', 'https://api.example:443/r'],
    ['the origin of the API and a query', 'https://api.example/r?x=1'],
    ['http, as behind a proxy that terminates TLS', 'http://api.example/r']
  ] satisfies [string, string][]
).map(([what, target]) => ({
  title: `RFC 9112 §3.2.2 accepts a target in absolute form: ${what}`,
  rules: ['L36', ...when(target.startsWith('http:'), 'L37', 'D-01')],
  accept: named(target, 'https://api.example/r')
}))

const connect: Vector = {
  title: 'RFC 9110 §9.3.6 rejects CONNECT, which has no URI to compare',
  rules: ['H-15', 'AMB-09'],
  only: 'core',
  control: valid,
  fault: { method: 'CONNECT', target: 'api.example:443', proof: { claims: { htm: 'CONNECT', htu: 'https://api.example' } } },
  refuse
}

const asterisk: Vector = {
  title: 'RFC 9110 §9.3.7 rejects OPTIONS *, which has no path to compare',
  rules: ['H-15', 'AMB-09'],
  control: valid,
  fault: { method: 'OPTIONS', target: '*', proof: { claims: { htm: 'OPTIONS', htu: 'https://api.example' } } },
  refuse
}

const hosts: Vector[] = [
  {
    title: '§4.3#9 the Host header field does not determine the expected htu behind a proxy',
    rules: ['U-15', 'L3', 'L37', 'AMB-23'],
    accept: named('/r', 'https://api.example/r', 'internal:8080')
  },
  ...(
    [
      ['another host', 'evil.example', 'https://evil.example/r', ['U-15', 'L3']],
      ['another host, http', 'evil.example', 'http://evil.example/r', ['U-15', 'L3']],
      ['the host of the API with another port', 'api.example:8443', 'https://api.example:8443/r', ['U-15']],
      ['a Host with a path', 'api.example/intended?', 'https://api.example/intended', ['L2']]
    ] satisfies [string, string, string, RuleId[]][]
  ).map(
    ([what, host, htu, rules]): Vector => ({
      title: `§4.3#9 rejects an htu that matches only the Host field: ${what}`,
      rules,
      control: valid,
      fault: named('/r', htu, host),
      refuse
    })
  ),
  {
    title: 'RFC 9700 §4.13 rejects an htu that matches only X-Forwarded-Host',
    rules: ['C-06', 'U-15', 'L3'],
    control: valid,
    fault: {
      ...named('/r', 'https://evil.example/r'),
      lines: ({ host, token, proof }) => [
        host,
        ['X-Forwarded-Host', 'evil.example'],
        ['Forwarded', 'host=evil.example'],
        ['Authorization', `DPoP ${token}`],
        ['DPoP', proof]
      ]
    },
    refuse
  },
  {
    title: 'RFC 9700 §4.13 rejects an http htu that matches only X-Forwarded-Proto',
    rules: ['C-06', 'D-01'],
    control: valid,
    fault: {
      ...named('/r', 'http://api.example/r'),
      lines: ({ host, token, proof }) => [
        host,
        ['X-Forwarded-Proto', 'http'],
        ['Authorization', `DPoP ${token}`],
        ['DPoP', proof]
      ]
    },
    refuse
  }
]

/** A request with an Upgrade header field, and a proof that names this htu. */
const upgrade = (htu: string, value = 'websocket', name = 'Upgrade'): Recipe => ({
  ...named('/r', htu),
  lines: ({ host, token, proof }) => [host, [name, value], ['Authorization', `DPoP ${token}`], ['DPoP', proof]]
})

const webSockets: Vector[] = [
  ...(
    [
      ['https', upgrade('https://api.example/r')],
      ['wss', upgrade('wss://api.example/r')],
      ['wss with the default port of https', upgrade('wss://api.example:443/r')],
      ['wss and the host in any case', upgrade('WSS://API.Example/r?x=1')],
      ['the protocol and the field name in any case', upgrade('wss://api.example/r', 'WebSocket', 'uPGRADE')],
      ['several protocols', upgrade('wss://api.example/r', 'h2c , websocket')]
    ] satisfies [string, Recipe][]
  ).map(
    ([what, accept]): Vector => ({
      title: `§4.3#9 accepts the htu of a WebSocket upgrade: ${what}`,
      rules: ['D-26', 'AMB-31'],
      accept
    })
  ),
  ...(
    [
      ['ws instead of wss', upgrade('ws://api.example/r')],
      ['http instead of https', upgrade('http://api.example/r')],
      ['wss with another path', upgrade('wss://api.example/other')],
      ['wss with another host', upgrade('wss://other.example/r')],
      ['wss with another port', upgrade('wss://api.example:8443/r')],
      ['another scheme that ends with wss', upgrade('a-wss://api.example/r')],
      ['wss without an authority', upgrade('wss:api.example/r')],
      ['wss without Upgrade', named('/r', 'wss://api.example/r')],
      ['wss with Upgrade to another protocol', upgrade('wss://api.example/r', 'websocket2, h2c')],
      ['wss with a method other than GET', { ...upgrade('wss://api.example/r'), method: 'POST' }]
    ] satisfies [string, Recipe][]
  ).map(
    ([what, fault]): Vector => ({
      title: `§4.3#9 rejects the htu of a WebSocket upgrade: ${what}`,
      rules: ['D-26', 'U-14', 'AMB-31'],
      ...(fault.lines !== undefined && { control: upgrade('wss://api.example/r') }),
      fault,
      refuse
    })
  ),
  {
    title: '§4.3#9 accepts the htu of a WebSocket upgrade: ws on loopback if the base URL is http',
    rules: ['AMB-31', 'D-01'],
    options: { baseUrl: 'http://localhost:3000', audience: 'https://api.example' },
    accept: { ...upgrade('ws://localhost:3000/r'), host: 'localhost:3000' }
  },
  {
    title: '§4.3#9 rejects the htu of a WebSocket upgrade: wss on loopback if the base URL is http',
    rules: ['AMB-31', 'U-14'],
    options: { baseUrl: 'http://localhost:3000', audience: 'https://api.example' },
    control: { ...upgrade('ws://localhost:3000/r'), host: 'localhost:3000' },
    fault: { proof: { claims: { htu: 'wss://localhost:3000/r' } } },
    refuse
  },
  {
    title: '§11.1 wss and https are one URI for the proof of a WebSocket upgrade: a replayed jti is rejected',
    rules: ['AMB-31', 'AMB-19'],
    steps: () =>
      ['wss', 'https'].map((scheme, index) => ({
        send: prepare(mix(upgrade(`${scheme}://api.example/r`), { proof: { claims: { jti: 'same' } } })),
        expect: index === 0 ? accepted : invalidProof('PROOF_REPLAYED')
      }))
  }
]

/** Another base URL; the tokens have the default audience. */
const at = (baseUrl: Options['baseUrl'] & {}): Options => ({ baseUrl, audience: 'https://api.example' })

const bases: Vector[] = (
  [
    ['a prefix that the gateway removes', 'https://gw.example/api', '/r', 'https://gw.example/api/r', ['U-16', 'L37', 'AMB-23']],
    ['a prefix with a trailing slash', 'https://gw.example/api/', '/r', 'https://gw.example/api/r', ['U-16', 'L37']],
    ['a prefix of two segments', 'https://gw.example/a/b', '/r/s', 'https://gw.example/a/b/r/s', ['U-16']],
    ['only the prefix', 'https://gw.example/api', '/', 'https://gw.example/api', ['U-16']],
    ['only the prefix with a trailing slash', 'https://gw.example/api', '/', 'https://gw.example/api/', ['U-16']],
    ['an equivalent prefix', 'https://GW.example:443/%7Eapi', '/r', 'https://gw.example/~api/r', ['U-16', 'L32']],
    ['a port', 'https://gw.example:8443', '/r', 'https://gw.example:8443/r', ['U-02', 'AMB-04']],
    ['http on loopback', 'http://localhost:3000', '/r', 'http://localhost:3000/r', ['D-01']],
    ['http on 127.0.0.1', 'http://127.0.0.1:3000', '/r', 'http://127.0.0.1:3000/r', ['D-01']],
    ['an IPv6 address', 'https://[2001:db8::1]', '/r', 'https://[2001:DB8:0:0:0:0:0:1]/r', ['AMB-04']],
    ['host in upper case', 'https://GW.EXAMPLE', '/r', 'https://gw.example/r', ['U-01', 'L32']],
    ['the default port', 'https://gw.example:443', '/r', 'https://gw.example/r', ['U-02', 'L32']],
    ['the default port on both sides', 'https://gw.example:443', '/r', 'https://gw.example:443/r', ['U-02', 'L32']],
    ['an empty path', 'https://gw.example', '/', 'https://gw.example/', ['U-03']],
    ['only a slash', 'https://gw.example/', '/', 'https://gw.example', ['U-03']],
    ['an encoded slash in the prefix', 'https://gw.example/a%2fb', '/r', 'https://gw.example/a%2Fb/r', ['U-06', 'U-04']],
    ['dot segments in the prefix', 'https://gw.example/x/../api', '/r', 'https://gw.example/api/r', ['U-07']],
    [
      'percent-encoded non-ASCII characters in the prefix',
      'https://gw.example/%C3%A9',
      '/r',
      'https://gw.example/%c3%a9/r',
      ['U-04']
    ],
    ['an IPv4 address', 'https://192.0.2.1', '/r', 'https://192.0.2.1/r', ['AMB-04']],
    ['an IPv4 address and a port', 'https://192.0.2.1:8443', '/r', 'https://192.0.2.1:8443/r', ['AMB-04']],
    ['a name of many labels', 'https://a.b.c.d.e.f.gw.example', '/r', 'https://a.b.c.d.e.f.gw.example/r', ['AMB-04']],
    ['a name with an underscore', 'https://a_b.gw.example', '/r', 'https://a_b.gw.example/r', ['AMB-04']],
    ['a trailing dot of the host on both sides', 'https://gw.example.', '/r', 'https://gw.example./r', ['AMB-04']],
    ['an IPv6 address of loopback with http', 'http://[::1]:3000', '/r', 'http://[::1]:3000/r', ['D-01', 'AMB-04']],
    [
      'an internationalized name, percent-encoded',
      'https://xn--bcher-kva.example',
      '/r',
      'https://b%C3%BCcher.example/r',
      ['AMB-04']
    ],
    [
      'an internationalized name in Punycode',
      'https://xn--bcher-kva.example',
      '/r',
      'https://xn--bcher-kva.example/r',
      ['AMB-04']
    ]
  ] satisfies [string, string, string, string, RuleId[]][]
).map(([what, baseUrl, target, htu, rules]) => ({
  title: `§4.3#9 accepts an htu below the base URL: ${what}`,
  rules,
  options: at(baseUrl),
  accept: named(target, htu, new URL(baseUrl).host)
}))

const prefixed = named('/r', 'https://gw.example/api/r', 'gw.example')
const outsideBase: Vector[] = (
  [
    ['the path without the prefix', '/r', 'https://gw.example/r'],
    ['the prefix twice', '/r', 'https://gw.example/api/api/r'],
    ['another prefix', '/r', 'https://gw.example/other/r'],
    ['dot segments that leave the prefix', '/r', 'https://gw.example/api/../r'],
    ['the prefix with a slash, for a path below', '/r', 'https://gw.example/api/'],
    ['the target with dot segments that leave the prefix', '/../r', 'https://gw.example/r']
  ] satisfies [string, string, string][]
).map(([what, target, htu]) => ({
  title: `§4.3#9 rejects an htu that is not below the prefix of the base URL: ${what}`,
  rules: ['U-16', 'L37', 'AMB-23'],
  options: at('https://gw.example/api'),
  control: prefixed,
  fault: named(target, htu, 'gw.example'),
  refuse
}))

const several = at(['https://a.example', 'https://b.example/v2', 'https://c.example:8443'])
const ofSeveral: Vector[] = [
  ...(
    [
      ['the first', 'a.example', '/r', 'https://a.example/r'],
      ['the second, with its prefix', 'b.example', '/r', 'https://b.example/v2/r'],
      ['the third, with its port', 'c.example:8443', '/r', 'https://c.example:8443/r'],
      ['the first, by a Host in upper case', 'A.EXAMPLE', '/r', 'https://a.example/r'],
      ['the first, by a Host with the default port', 'a.example:443', '/r', 'https://a.example/r'],
      ['the second, by a target in absolute form', 'b.example', 'https://b.example/r', 'https://b.example/v2/r']
    ] satisfies [string, string, string, string][]
  ).map(
    ([what, host, target, htu]): Vector => ({
      title: `§4.3#9 Host selects one of several base URLs: ${what}`,
      rules: ['U-15', 'L3', 'AMB-23', 'L37'],
      options: several,
      accept: named(target, htu, host)
    })
  ),
  ...(
    [
      ['a proof for the first, sent to the second', 'b.example', 'https://a.example/r', ['U-15']],
      ['an unknown Host', 'evil.example', 'https://evil.example/r', ['U-15', 'L3']],
      ['an unknown Host with an htu of the API', 'evil.example', 'https://a.example/r', ['U-15', 'H-18']],
      ['a Host without its port', 'c.example', 'https://c.example:8443/r', ['U-15']],
      ['a Host with a path', 'a.example/x', 'https://a.example/r', ['L2']],
      ['a Host with a query', 'a.example?', 'https://a.example/r', ['L2']],
      ['a Host with user information', 'a.example@evil.example', 'https://evil.example/r', ['L2', 'U-12']],
      ['an empty Host', '', 'https://a.example/r', ['L2']],
      ['two hosts in one field line', 'a.example, b.example', 'https://a.example/r', ['L2']]
    ] satisfies [string, string, string, RuleId[]][]
  ).map(
    ([what, host, htu, rules]): Vector => ({
      title: `§4.3#9 rejects a Host that does not select the base URL of the htu: ${what}`,
      rules: [...rules, 'AMB-23'],
      options: several,
      control: named('/r', 'https://a.example/r', 'a.example'),
      fault: named('/r', htu, host),
      refuse
    })
  ),
  {
    title: 'RFC 9112 §3.2.2 a target in absolute form selects one of several base URLs instead of Host',
    rules: ['L4', 'U-15'],
    options: several,
    control: named('/r', 'https://a.example/r', 'a.example'),
    fault: named('https://b.example/r', 'https://a.example/r', 'a.example'),
    refuse
  }
]

const tenant: Options = {
  audience: 'https://api.example',
  baseUrl: (request) => {
    const host = 'rawHeaders' in request || 'target' in request ? hostOf(request) : new URL(request.url).host
    return host?.endsWith('.tenants.example') ? `https://${host}` : undefined
  }
}

const tenants: Vector[] = [
  {
    title: '§4.3#9 accepts an htu below the base URL that the function returns for the request',
    rules: ['AMB-23', 'L37'],
    options: tenant,
    accept: named('/r', 'https://t1.tenants.example/r', 't1.tenants.example')
  },
  {
    title: '§4.3#9 rejects a request for which the function returns no base URL',
    rules: ['AMB-23', 'U-15'],
    options: tenant,
    control: named('/r', 'https://t1.tenants.example/r', 't1.tenants.example'),
    fault: named('/r', 'https://evil.example/r', 'evil.example'),
    refuse
  }
]

const noHost: Vector[] = [
  {
    title: 'RFC 9112 §3.2 rejects a request without Host if there are several base URLs',
    rules: ['U-15', 'L3'],
    only: 'core',
    options: several,
    control: named('/r', 'https://a.example/r', 'a.example'),
    fault: {
      lines: ({ token, proof }) => [
        ['Authorization', `DPoP ${token}`],
        ['DPoP', proof]
      ]
    },
    refuse
  },
  {
    title: 'RFC 9112 §3.2 rejects a request with two Host field lines if there are several base URLs',
    rules: ['U-15', 'L3'],
    options: several,
    control: named('/r', 'https://a.example/r', 'a.example'),
    fault: {
      lines: ({ host, token, proof }) => [host, ['Host', 'b.example'], ['Authorization', `DPoP ${token}`], ['DPoP', proof]]
    },
    refuse: invalidRequest('REQUEST_MALFORMED')
  }
]

/** Whether the parser of Node.js rejects a request target. */
function isNoTarget(target: string): boolean {
  return !/^(\/|\*|\w+:\/\/)/.test(target)
}

function hostOf(request: object): string | undefined {
  const lines =
    'rawHeaders' in request
      ? pairs(request.rawHeaders as string[])
      : [...(request as { headers: Iterable<readonly [string, string]> }).headers]
  return lines.find(([name]) => name.toLowerCase() === 'host')?.[1]
}

function pairs(raw: readonly string[]): (readonly [string, string])[] {
  return raw.flatMap((name, index) => (index % 2 === 0 ? [[name, raw[index + 1] as string] as const] : []))
}

export const htu: VectorGroup = {
  subject: 'URI',
  vectors: [
    ...equal,
    ...unreserved,
    ...delimiters,
    ...encoded,
    ...absolute,
    ...bases,
    ...webSockets,
    ...different,
    long,
    ...targets,
    ...matchingTargets,
    connect,
    asterisk,
    ...hosts,
    ...outsideBase,
    ...ofSeveral,
    ...tenants,
    ...noHost
  ]
}
