import { describe, expect, it } from 'vitest'
import type { Fetch } from '../../src/options.js'
import { IssuerMetadata } from '../../src/token/metadata.js'
import { type Answer, startIssuerServer } from '../support/issuer-server.js'

const config = { fetch: (url, init) => fetch(url, init), allowHttp: false } satisfies { fetch: Fetch; allowHttp: boolean }
const OAUTH = '/.well-known/oauth-authorization-server'
const OIDC = '/.well-known/openid-configuration'

describe('discovery', () => {
  it('RFC 8414 §3.1: the well-known part stands between host and path', async () => {
    const server = await startIssuerServer((issuer) => ({
      [OAUTH]: { issuer, jwks_uri: `${issuer}/keys` },
      [`${OAUTH}/tenant/a`]: { issuer: `${issuer}/tenant/a`, jwks_uri: `${issuer}/tenant-keys` }
    }))
    expect(await new IssuerMetadata(server.origin, config).endpoint('jwks_uri')).toBe(`${server.origin}/keys`)
    expect(await new IssuerMetadata(`${server.origin}/tenant/a`, config).endpoint('jwks_uri')).toBe(
      `${server.origin}/tenant-keys`
    )
    expect(server.asked).toEqual([OAUTH, `${OAUTH}/tenant/a`])
  })

  it('else OpenID Connect Discovery §4.1: behind the path, of which a slash at the end is left out', async () => {
    const server = await startIssuerServer((origin) => ({
      [`/tenant/a${OIDC}`]: { issuer: `${origin}/tenant/a/`, jwks_uri: `${origin}/keys` }
    }))
    expect(await new IssuerMetadata(`${server.origin}/tenant/a/`, config).endpoint('jwks_uri')).toBe(`${server.origin}/keys`)
    expect(server.asked).toEqual([`${OAUTH}/tenant/a`, `/tenant/a${OIDC}`])
  })

  it('a trailing slash makes another issuer (RFC 8414 §3.3)', async () => {
    const server = await startIssuerServer((origin) => ({ [OAUTH]: { issuer: origin, jwks_uri: `${origin}/keys` } }))
    await expect(new IssuerMetadata(`${server.origin}/`, config).endpoint('jwks_uri')).rejects.toThrow(
      'The issuer has no usable metadata'
    )
  })

  const another = 'The metadata has another issuer'
  it.each<[title: string, answer: (origin: string) => Answer, why: unknown]>([
    ['metadata of another issuer', (origin) => ({ issuer: 'https://evil.example', jwks_uri: `${origin}/keys` }), another],
    ['metadata without issuer', (origin) => ({ jwks_uri: `${origin}/keys` }), another],
    ['metadata without jwks_uri', (issuer) => ({ issuer }), 'The metadata has no jwks_uri'],
    ['a jwks_uri that is no string', (issuer) => ({ issuer, jwks_uri: [`${issuer}/keys`] }), 'The metadata has no jwks_uri'],
    ['a relative jwks_uri', (issuer) => ({ issuer, jwks_uri: '/keys' }), 'The metadata has no jwks_uri'],
    ['a jwks_uri of another scheme', (issuer) => ({ issuer, jwks_uri: 'data:,x' }), 'The jwks_uri is not an https URL'],
    ['null', () => 'null', another],
    ['a list', () => [], another],
    ['a string', () => '"x"', another],
    ['HTML', () => '<!doctype html>', expect.stringMatching(/JSON/)],
    ['nothing', () => '', expect.stringMatching(/JSON/)]
  ])('rejects %s, with a specific diagnostics event', async (_title, answer, why) => {
    const server = await startIssuerServer((origin) => ({ [OAUTH]: answer(origin), [OIDC]: answer(origin) }))
    const failure = await new IssuerMetadata(server.origin, config).endpoint('jwks_uri').catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AggregateError)
    expect((failure as AggregateError).errors.map(({ message }) => message)).toEqual([why, why])
    expect(server.asked).toEqual([OAUTH, OIDC])
  })

  it('an https issuer cannot send us to http, unless all of http is dangerously allowed', async () => {
    const issuer = 'https://issuer.example'
    const answers =
      (jwks_uri: string): Fetch =>
      async () =>
        Response.json({ issuer, jwks_uri })
    const find = (uri: string, allowHttp: boolean) =>
      new IssuerMetadata(issuer, { fetch: answers(uri), allowHttp }).endpoint('jwks_uri')
    await expect(find('http://issuer.example/keys', false)).rejects.toThrow(AggregateError)
    expect(await find('http://issuer.example/keys', true)).toBe('http://issuer.example/keys')
    expect(await find('HTTPS://issuer.example/keys', false)).toBe('HTTPS://issuer.example/keys')
    await expect(find('ftp://issuer.example/keys', true)).rejects.toThrow(AggregateError)
  })
})
