import { describe, expect, it } from 'vitest'
import type { Fetch } from '../../src/options.js'
import { IssuerMetadata } from '../../src/token/metadata.js'
import { type PathResponse, startIssuerServer } from '../support/issuer-server.js'

const config = { fetch: (url, init) => fetch(url, init), allowHttp: false } satisfies { fetch: Fetch; allowHttp: boolean }
const OAUTH = '/.well-known/oauth-authorization-server'
const OIDC = '/.well-known/openid-configuration'

describe('discovery', () => {
  it('requests the metadata with the well-known path between host and path (RFC 8414 §3.1)', async () => {
    const server = await startIssuerServer((issuer) => ({
      [OAUTH]: { issuer, jwks_uri: `${issuer}/keys` },
      [`${OAUTH}/tenant/a`]: { issuer: `${issuer}/tenant/a`, jwks_uri: `${issuer}/tenant-keys` }
    }))
    expect(await new IssuerMetadata(server.origin, config).endpoint('jwks_uri')).toBe(`${server.origin}/keys`)
    expect(await new IssuerMetadata(`${server.origin}/tenant/a`, config).endpoint('jwks_uri')).toBe(
      `${server.origin}/tenant-keys`
    )
    expect(server.requested).toEqual([OAUTH, `${OAUTH}/tenant/a`])
  })

  it('then requests it with the well-known path after the path, without a trailing slash (OpenID Connect Discovery §4.1)', async () => {
    const server = await startIssuerServer((origin) => ({
      [`/tenant/a${OIDC}`]: { issuer: `${origin}/tenant/a/`, jwks_uri: `${origin}/keys` }
    }))
    expect(await new IssuerMetadata(`${server.origin}/tenant/a/`, config).endpoint('jwks_uri')).toBe(`${server.origin}/keys`)
    expect(server.requested).toEqual([`${OAUTH}/tenant/a`, `/tenant/a${OIDC}`])
  })

  it('rejects metadata whose issuer differs by a trailing slash (RFC 8414 §3.3)', async () => {
    const server = await startIssuerServer((origin) => ({ [OAUTH]: { issuer: origin, jwks_uri: `${origin}/keys` } }))
    await expect(new IssuerMetadata(`${server.origin}/`, config).endpoint('jwks_uri')).rejects.toThrow(
      'The issuer has no usable metadata'
    )
  })

  const another = 'The metadata has another issuer'
  it.each<[title: string, metadataOf: (origin: string) => PathResponse, cause: unknown]>([
    ['metadata of another issuer', (origin) => ({ issuer: 'https://evil.example', jwks_uri: `${origin}/keys` }), another],
    ['metadata without issuer', (origin) => ({ jwks_uri: `${origin}/keys` }), another],
    ['metadata without jwks_uri', (issuer) => ({ issuer }), 'The metadata has no jwks_uri'],
    ['a jwks_uri that is not a string', (issuer) => ({ issuer, jwks_uri: [`${issuer}/keys`] }), 'The metadata has no jwks_uri'],
    ['a relative jwks_uri', (issuer) => ({ issuer, jwks_uri: '/keys' }), 'The metadata has no jwks_uri'],
    ['a jwks_uri of another scheme', (issuer) => ({ issuer, jwks_uri: 'data:,x' }), 'The jwks_uri is not an https URL'],
    ['null', () => 'null', another],
    ['a list', () => [], another],
    ['a string', () => '"x"', another],
    ['HTML', () => '<!doctype html>', expect.stringMatching(/JSON/)],
    ['an empty body', () => '', expect.stringMatching(/JSON/)]
  ])('rejects %s with a specific error', async (_title, metadataOf, cause) => {
    const server = await startIssuerServer((origin) => ({ [OAUTH]: metadataOf(origin), [OIDC]: metadataOf(origin) }))
    const failure = await new IssuerMetadata(server.origin, config).endpoint('jwks_uri').catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(AggregateError)
    expect((failure as AggregateError).errors.map(({ message }) => message)).toEqual([cause, cause])
    expect(server.requested).toEqual([OAUTH, OIDC])
  })

  it('rejects an http jwks_uri unless http is allowed, and any scheme other than http and https', async () => {
    const issuer = 'https://issuer.example'
    const respondWith =
      (jwks_uri: string): Fetch =>
      async () =>
        Response.json({ issuer, jwks_uri })
    const find = (uri: string, allowHttp: boolean) =>
      new IssuerMetadata(issuer, { fetch: respondWith(uri), allowHttp }).endpoint('jwks_uri')
    await expect(find('http://issuer.example/keys', false)).rejects.toThrow(AggregateError)
    expect(await find('http://issuer.example/keys', true)).toBe('http://issuer.example/keys')
    expect(await find('HTTPS://issuer.example/keys', false)).toBe('HTTPS://issuer.example/keys')
    await expect(find('ftp://issuer.example/keys', true)).rejects.toThrow(AggregateError)
  })
})
