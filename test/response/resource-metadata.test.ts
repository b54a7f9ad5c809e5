/** Protected resource metadata (RFC 9728): the document, its URL, and `resource_metadata` in challenges. */

import { createVerifier, type DPoPError, type MetadataOptions, type VerifierOptions } from 'dpop-guard'
import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { challengesOf } from '../support/challenge-parser.js'
import { createWorld, ISSUER, verdictOf, type World } from '../support/world.js'

let world: World
beforeAll(async () => {
  world = await createWorld()
})

const WELL_KNOWN = '/.well-known/oauth-protected-resource'
const RS = 'https://rs.example'

function create(options: Partial<VerifierOptions> = {}, metadata: MetadataOptions = {}) {
  return createVerifier({ issuer: world.issuer.options, baseUrl: RS, clock: world.clock, metadata, ...options })
}

function get(verifier: ReturnType<typeof create>, target: string, method = 'GET', headers: Record<string, string> = {}) {
  return verifier.metadataResponse({ method, target, headers })
}

describe('the document (RFC 9728 §2)', () => {
  it('has the identifier, the issuers and what is enforced [M-04 M-07 M-12 M-19]', () => {
    expect(create().resourceMetadata()).toEqual({
      resource: RS,
      authorization_servers: [ISSUER],
      bearer_methods_supported: ['header'],
      dpop_signing_alg_values_supported: ['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'PS384', 'PS512'],
      dpop_bound_access_tokens_required: true
    })
  })

  it('follows the profile and allowBearer [M-08 M-31]', () => {
    expect(create({ profile: 'fapi2' }).resourceMetadata()['dpop_signing_alg_values_supported']).toEqual([
      'PS256',
      'ES256',
      'EdDSA',
      'Ed25519'
    ])
    expect(create({ allowBearer: true }).resourceMetadata()['dpop_bound_access_tokens_required']).toBe(false)
  })

  it('has every option under its name, and extensions unchanged [M-09 M-22 M-23]', () => {
    const extensions = {
      authorization_details_types_supported: ['payment'],
      'resource_name#it': 'Note',
      x_nested: { a: [1, null, true, false, 'text'] }
    }
    const metadata: MetadataOptions = {
      authorizationServers: ['https://as.example'],
      scopesSupported: ['notes:read', 'notes:write'],
      resourceName: 'Notes',
      resourceDocumentation: 'https://rs.example/docs',
      resourcePolicyUri: 'https://rs.example/policy',
      resourceTosUri: 'https://rs.example/terms',
      jwksUri: 'https://rs.example/jwks',
      tlsClientCertificateBoundAccessTokens: true,
      extensions
    }
    const document = create({}, metadata).resourceMetadata()
    expect(document).toMatchObject({
      authorization_servers: ['https://as.example'],
      scopes_supported: ['notes:read', 'notes:write'],
      resource_name: 'Notes',
      resource_documentation: 'https://rs.example/docs',
      resource_policy_uri: 'https://rs.example/policy',
      resource_tos_uri: 'https://rs.example/terms',
      jwks_uri: 'https://rs.example/jwks',
      tls_client_certificate_bound_access_tokens: true,
      ...extensions
    })
    extensions.x_nested.a.push('later')
    expect(document['x_nested']).toEqual({ a: [1, null, true, false, 'text'] })
  })

  it('omits parameters without values (§3.2) [M-06]', () => {
    const metadata = { scopesSupported: [], tlsClientCertificateBoundAccessTokens: false, extensions: { x_empty: [] } }
    const names = Object.keys(create({}, metadata).resourceMetadata())
    for (const name of ['scopes_supported', 'tls_client_certificate_bound_access_tokens', 'x_empty'])
      expect(names).not.toContain(name)
  })

  it('exists for each base URL, under its own identifier [M-11]', () => {
    const baseUrl = [RS, 'https://other.example/v1']
    const verifier = create({ baseUrl })
    for (const resource of baseUrl) expect(verifier.resourceMetadata(resource)['resource']).toBe(resource)
    expect(() => verifier.resourceMetadata(`${RS}/other`)).toThrow(
      new TypeError('"resource" must be one of "metadata.resources", by default the base URLs')
    )
  })

  it('exists for each of metadata.resources, if given, and not for other base URLs [M-11 M-25]', () => {
    const resources = [`${RS}/mcp`, RS]
    const verifier = create({ baseUrl: [RS, 'https://other.example/v1'] }, { resources })
    for (const resource of resources) expect(verifier.resourceMetadata(resource)['resource']).toBe(resource)
    expect(verifier.resourceMetadata()['resource']).toBe(`${RS}/mcp`)
    expect(() => verifier.resourceMetadata('https://other.example/v1')).toThrow(TypeError)
  })

  it('cannot be changed', () => {
    const document = create().resourceMetadata()
    for (const value of [document, document['authorization_servers'], document['dpop_signing_alg_values_supported']])
      expect(Object.isFrozen(value)).toBe(true)
  })

  it('a base URL may end with a slash', () => {
    const verifier = create({ baseUrl: `${RS}/` }, { resources: [`${RS}/`, `${RS}/a`] })
    expect([`${RS}/`, `${RS}/a`].map((resource) => verifier.resourceMetadata(resource)['resource'])).toEqual([
      `${RS}/`,
      `${RS}/a`
    ])
  })

  it('is a TypeError without the option metadata', () => {
    const { metadata: _metadata, ...options } = { ...world.options, metadata: undefined }
    const verifier = createVerifier(options)
    expect(() => verifier.resourceMetadata()).toThrow(new TypeError('"metadata" must be set'))
    expect(verifier.metadataResponse({ method: 'GET', target: WELL_KNOWN, headers: {} })).toBeUndefined()
  })

  it.each<[metadata: object, message: string]>([
    [{ scopes: [] }, '"metadata.scopes" is not an option; did you mean "metadata.scopesSupported"?'],
    [{ resourceName: '' }, '"metadata.resourceName" must be a non-empty string'],
    [{ resourceDocumentation: 'docs' }, '"metadata.resourceDocumentation" must be an absolute URL'],
    [
      { jwksUri: 'http://rs.example/jwks' },
      '"metadata.jwksUri" must be an https URL (http only on loopback, or with "dangerouslyAllowInsecureRequests")'
    ],
    [
      { resources: ['https://elsewhere.example/a'] },
      '"metadata.resources" must be base URLs or URLs below one, without query and fragment'
    ],
    [{ resources: [`${RS}evil/a`] }, '"metadata.resources" must be base URLs or URLs below one, without query and fragment'],
    [{ resources: [`${RS}/a?b`] }, '"metadata.resources" must be base URLs or URLs below one, without query and fragment'],
    [{ authorizationServers: ['as'] }, '"metadata.authorizationServers" must be an absolute URL'],
    [{ maxAgeSeconds: -1 }, '"metadata.maxAgeSeconds" must be an integer from 0 to 604800'],
    [{ tlsClientCertificateBoundAccessTokens: 1 }, '"metadata.tlsClientCertificateBoundAccessTokens" must be true or false'],
    [{ extensions: [] }, '"metadata.extensions" must be an object of JSON values'],
    [{ extensions: { f() {} } }, '"metadata.extensions" must be an object of JSON values'],
    [{ extensions: { x: undefined } }, '"metadata.extensions" must be an object of JSON values'],
    [{ extensions: { x: Number.NaN } }, '"metadata.extensions" must be an object of JSON values'],
    [{ extensions: { x: new Date(0) } }, '"metadata.extensions" must be an object of JSON values'],
    [{ extensions: null }, '"metadata.extensions" must be an object of JSON values'],
    [{ extensions: 'x' }, '"metadata.extensions" must be an object of JSON values'],
    [{ resourceName: 7 }, '"metadata.resourceName" must be a non-empty string'],
    [{ scopesSupported: ['a', ''] }, '"metadata.scopesSupported" must be a non-empty string or an array of non-empty strings'],
    [{ authorizationServers: [] }, '"metadata.authorizationServers" must be a non-empty string or an array of non-empty strings'],
    [{ resources: [] }, '"metadata.resources" must be a non-empty string or an array of non-empty strings'],
    [{ resourcePolicyUri: 'policy' }, '"metadata.resourcePolicyUri" must be an absolute URL'],
    [{ resourceTosUri: 'terms' }, '"metadata.resourceTosUri" must be an absolute URL'],
    ...[
      'resource',
      'authorization_servers',
      'jwks_uri',
      'scopes_supported',
      'bearer_methods_supported',
      'dpop_signing_alg_values_supported',
      'dpop_bound_access_tokens_required',
      'tls_client_certificate_bound_access_tokens',
      'resource_name',
      'resource_documentation',
      'resource_policy_uri',
      'resource_tos_uri',
      'signed_metadata'
    ].map((name): [object, string] => [
      { extensions: { [name]: 'x' } },
      `"metadata.extensions.${name}" must not be set: another option determines it`
    ])
  ])('the options %j are a TypeError that names one [M-16 M-22 M-23]', (metadata, message) => {
    expect(() => create({}, metadata)).toThrow(new TypeError(message))
  })

  it('a cyclic extension is a TypeError', () => {
    const cyclic: Record<string, unknown> = {}
    cyclic['self'] = cyclic
    expect(() => create({}, { extensions: { cyclic } })).toThrow(TypeError)
  })

  it('must be ASCII, because it is in header fields [M-26]', () => {
    const message = '"baseUrl" must be ASCII with "metadata", with the host in Punycode, as must "metadata.resources"'
    expect(() => create({ baseUrl: 'https://例え.jp' })).toThrow(new TypeError(message))
    expect(() => create({}, { resources: [`${RS}/é`] })).toThrow(TypeError)
    expect(create({ baseUrl: 'https://xn--r8jz45g.jp' }).resourceMetadata()['resource']).toBe('https://xn--r8jz45g.jp')
  })

  it('the base URL must be known, without query and fragment; the issuers too [M-16]', () => {
    expect(() => create({ baseUrl: () => RS, audience: RS })).toThrow(
      new TypeError('"metadata" must not be set if "baseUrl" is a function')
    )
    for (const baseUrl of [`${RS}?a`, `${RS}#a`]) expect(() => create({ baseUrl })).toThrow(/"baseUrl" must/)
    const issuer = () => ISSUER
    expect(() => create({ issuer, audience: RS })).toThrow(
      new TypeError('"metadata.authorizationServers" must be set if "issuer" is a function')
    )
    const servers = ['https://as.example']
    expect(create({ issuer, audience: RS }, { authorizationServers: servers }).resourceMetadata()).toMatchObject({
      authorization_servers: servers
    })
  })
})

it('a token for one resource is rejected at another, and at a URI without a resource (RFC 8707 §2) [R-01]', async () => {
  const [a, b] = [`${RS}/a`, `${RS}/b`]
  const verdictAt = async (target: string, aud: unknown, options: Partial<VerifierOptions> = {}) => {
    const verifier = create({ audience: [RS, a, b, 'api://b'], ...options }, { resources: [a, b] })
    const token = await world.issuer.issue({ jkt: world.client.jkt, claims: { aud } })
    const request = { method: 'GET', target, headers: await world.client.headers({ url: `${RS}${target}`, token }) }
    const explained = (await verifier.explain(request)).filter(({ outcome }) => outcome === 'fail').map(({ rule }) => rule)
    const verdict = await verdictOf(verifier.verifyRequest(request))
    expect(explained).toEqual(verdict === 'accepted' ? [] : ['access token'])
    return verdict
  }
  for (const [target, aud] of [
    ['/a/x', a],
    ['/b', [a, b]],
    ['/b', 'api://b'],
    ['/b', RS],
    ['/other', RS],
    ['/other', 'api://b']
  ] as const)
    expect(await verdictAt(target, aud)).toBe('accepted')
  expect(await verdictAt('/b', a)).toBe('ERR_DPOP_TOKEN_INVALID')
  // A case-insensitive router has a handler for it.
  for (const target of ['/B', '/other']) expect(await verdictAt(target, a)).toBe('ERR_DPOP_TOKEN_INVALID')
  expect(await verdictAt('/a/x', [b, 'api://b'])).toBe('ERR_DPOP_TOKEN_INVALID')
})

it('a cached or a Bearer token for one resource is rejected at another (RFC 8707 §2) [R-01]', async () => {
  const [a, b] = [`${RS}/a`, `${RS}/b`]
  const verifier = create({ audience: [a, b], allowBearer: true }, { resources: [a, b] })
  const token = await world.issuer.issue({ jkt: world.client.jkt, claims: { aud: a } })
  const verdictAt = async (target: string) =>
    await verdictOf(
      verifier.verifyRequest({ method: 'GET', target, headers: await world.client.headers({ url: `${RS}${target}`, token }) })
    )
  expect([await verdictAt('/a'), await verdictAt('/b'), await verdictAt('/a')]).toEqual([
    'accepted',
    'ERR_DPOP_TOKEN_INVALID',
    'accepted'
  ])
  const bearer = await world.issuer.issue({ claims: { aud: a, cnf: undefined } } as never)
  const verdictOfBearer = async (target: string) =>
    await verdictOf(verifier.verifyRequest({ method: 'GET', target, headers: { authorization: `Bearer ${bearer}` } }))
  expect([await verdictOfBearer('/a'), await verdictOfBearer('/b')]).toEqual(['accepted', 'ERR_DPOP_TOKEN_INVALID'])
})

describe('the response (RFC 9728 §3)', () => {
  it.each<[resource: string, path: string]>([
    [RS, WELL_KNOWN],
    [`${RS}/`, WELL_KNOWN],
    [`${RS}/a/b`, `${WELL_KNOWN}/a/b`],
    [`${RS}/a/`, `${WELL_KNOWN}/a/`],
    [`${RS}/%7Ea`, `${WELL_KNOWN}/%7Ea`]
  ])('of %s is at %s [M-03 M-15]', (baseUrl, path) => {
    const verifier = create({ baseUrl })
    expect(get(verifier, path)).toMatchObject({ status: 200, body: JSON.stringify(verifier.resourceMetadata()) })
    expect(get(verifier, `https://rs.example${path}`)).toMatchObject({ status: 200 })
  })

  it('is JSON with bounded caching for pages of any origin, with any credentials [M-05 M-18 M-27 M-32]', () => {
    const response = get(create(), WELL_KNOWN, 'GET', { authorization: 'DPoP x', dpop: 'y' })
    expect(response?.headers).toEqual({
      'Access-Control-Allow-Origin': '*',
      'Cache-Control': 'public, max-age=3600',
      'Content-Type': 'application/json'
    })
    expect(get(create({}, { maxAgeSeconds: 0 }), WELL_KNOWN)?.headers['Cache-Control']).toBe('public, max-age=0')
  })

  it('to HEAD has no body; to a preflight it allows the methods; to others it is 405 with Allow [M-18]', () => {
    const verifier = create()
    expect(get(verifier, WELL_KNOWN, 'HEAD')).toMatchObject({ status: 200, body: '' })
    expect(get(verifier, WELL_KNOWN, 'OPTIONS')).toMatchObject({
      status: 204,
      headers: { 'Access-Control-Allow-Methods': 'GET, HEAD, OPTIONS' }
    })
    for (const method of ['POST', 'DELETE', 'get'])
      expect(get(verifier, WELL_KNOWN, method)).toMatchObject({ status: 405, headers: { Allow: 'GET, HEAD, OPTIONS' } })
  })

  it.each<[baseUrl: string, resource: string]>([
    [RS, `${RS}/mcp`],
    [`${RS}/v1`, `${RS}/v1`]
  ])('of a single resource is also at the root: %s, %s [P-M17]', (baseUrl, resource) => {
    const verifier = create({ baseUrl }, { resources: [resource] })
    const body = JSON.stringify(verifier.resourceMetadata(resource))
    expect(get(verifier, WELL_KNOWN)).toMatchObject({ status: 200, body })
    expect(get(verifier, `${WELL_KNOWN}${resource.slice(RS.length)}`)).toMatchObject({ status: 200, body })
    for (const path of ['/', '?a=b', '/other']) expect(get(verifier, `${WELL_KNOWN}${path}`)).toMatchObject({ status: 404 })
  })

  it('of several resources is not at the root, unless one of them is the origin [P-M17]', () => {
    const verifier = create({}, { resources: [`${RS}/a`, `${RS}/b`] })
    expect(get(verifier, WELL_KNOWN, 'GET', { host: 'rs.example' })).toMatchObject({ status: 404 })
    const withOrigin = create({}, { resources: [`${RS}/a`, RS] })
    expect(get(withOrigin, WELL_KNOWN, 'GET', { host: 'rs.example' })?.body).toContain(`"resource":"${RS}"`)
  })

  it.each(['/unknown', '/A', '/a/../b', '/a/', '/a?t=1', '?t=1', '/', '/%61'])(
    '%s is 404: paths are compared exactly [M-17 M-29]',
    (path) => {
      const verifier = create({ baseUrl: [RS, `${RS}/a`] })
      expect(get(verifier, `${WELL_KNOWN}${path}`, 'GET', { host: 'rs.example' })).toMatchObject({ status: 404, body: '' })
    }
  )

  it.each(['/', '/notes', `${WELL_KNOWN}s`, `/a${WELL_KNOWN}`, '/.well-known/oauth-authorization-server', '*'])(
    'is undefined for %s, which is not below the well-known path',
    (target) => {
      expect(get(create(), target)).toBeUndefined()
    }
  )

  it('the authority selects among documents of one path; another is 404 [M-11]', () => {
    const verifier = create({ baseUrl: ['https://a.example', 'https://b.example'] })
    const resourceAt = (host: string) => get(verifier, WELL_KNOWN, 'GET', { host })?.body.match(/"resource":"(.*?)"/)?.[1]
    expect([resourceAt('a.example'), resourceAt('B.example:443'), resourceAt('c.example')]).toEqual([
      'https://a.example',
      'https://b.example',
      undefined
    ])
  })

  it('to a malformed request is 400', () => {
    const request = {
      method: 'GET',
      target: WELL_KNOWN,
      headers: [
        ['host', 'a'],
        ['host', 'b']
      ] as [string, string][]
    }
    expect(() => create().metadataResponse(request)).toThrow(expect.objectContaining({ status: 400 }))
  })
})

describe('resource_metadata in challenges (RFC 9728 §5.1)', () => {
  async function challengesFor(
    options: Partial<VerifierOptions>,
    target: string,
    headers: Record<string, string> = {},
    metadata = {}
  ) {
    const verifying = create(options, metadata).verifyRequest({ method: 'GET', target, headers })
    const error = await verifying.then(
      () => expect.fail('accepted'),
      (reason: DPoPError) => reason
    )
    return challengesOf(error.headers).map(({ scheme, params }) => [scheme, params['resource_metadata']])
  }

  it('is absolute, and in the challenge of each scheme [M-10 M-26]', async () => {
    const url = `${RS}${WELL_KNOWN}/v1`
    expect(await challengesFor({ baseUrl: `${RS}/v1` }, '/')).toEqual([['DPoP', url]])
    expect(await challengesFor({ baseUrl: `${RS}/v1`, allowBearer: true }, '/')).toEqual([
      ['Bearer', url],
      ['DPoP', url]
    ])
  })

  it('is sent in addition to scope and max_age, also with 403, and not with 503 [M-26]', async () => {
    const verifier = create({ baseUrl: 'https://api.example' })
    const request = await world.request()
    const rejected = (policy: object) =>
      verifier.verifyRequest(request, policy).catch((error: DPoPError) => error) as Promise<DPoPError>
    const url = `https://api.example${WELL_KNOWN}`
    expect(challengesOf((await rejected({ scopes: ['a'] })).headers)[0]?.params).toMatchObject({
      scope: 'a',
      resource_metadata: url
    })
    const stepUp = await rejected({ authentication: { maxAgeSeconds: 1 } })
    expect(challengesOf(stepUp.headers)[0]?.params).toMatchObject({ max_age: '1', resource_metadata: url })
    const down = create({ baseUrl: 'https://api.example', replay: { reserve: () => Promise.reject(new Error('down')) } })
    await expect(down.verifyRequest(request)).rejects.toMatchObject({ status: 503, headers: { 'Retry-After': '1' } })
    const auth = await verifier.verifyRequest(request)
    const later = await verifier.requirePolicy(auth, { anyScope: ['b'] }, request).catch((error: DPoPError) => error)
    expect(challengesOf((later as DPoPError).headers)[0]?.params).toMatchObject({ scope: 'b', resource_metadata: url })
    const unreadable = await verifier.requirePolicy(auth, { anyScope: ['b'] }, {} as never).catch((error: DPoPError) => error)
    expect(challengesOf((unreadable as DPoPError).headers)[0]?.params).toMatchObject({ scope: 'b', resource_metadata: url })
  })

  it('is that of the longest resource that contains the request URI, otherwise of the first [M-25]', async () => {
    const options = { baseUrl: [RS, 'https://other.example'] }
    const metadata = { resources: [...options.baseUrl, `${RS}/mcp`, `${RS}/mcp/admin`] }
    const urlOf = async (target: string, host = 'rs.example') =>
      (await challengesFor(options, target, { host }, metadata))[0]?.[1]
    expect(await urlOf('/mcp')).toBe(`${RS}${WELL_KNOWN}/mcp`)
    expect(await urlOf('/mcp/tools')).toBe(`${RS}${WELL_KNOWN}/mcp`)
    expect(await urlOf('/mcp/admin/x')).toBe(`${RS}${WELL_KNOWN}/mcp/admin`)
    expect(await urlOf('/mcp2')).toBe(`${RS}${WELL_KNOWN}`)
    expect(await urlOf('/mcp', 'other.example')).toBe(`https://other.example${WELL_KNOWN}`)
    expect(await urlOf('/mcp', 'unknown.example')).toBe(`${RS}${WELL_KNOWN}`)
    expect(await urlOf('/a/../mcp')).toBe(`${RS}${WELL_KNOWN}`)
    const prefixed = { baseUrl: `${RS}/v1` }
    expect((await challengesFor(prefixed, '/mcp', {}, { resources: [`${RS}/v1/mcp`] }))[0]?.[1]).toBe(`${RS}${WELL_KNOWN}/v1/mcp`)
  })
})

describe('warnings about metadata that does not agree with other options', () => {
  beforeEach(() => vi.resetModules())

  async function warningsOf(options: Partial<VerifierOptions>, metadata: MetadataOptions): Promise<string[]> {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { createVerifier } = await import('dpop-guard')
    createVerifier({ issuer: ISSUER, baseUrl: RS, metadata, ...options })
    const messages = emitWarning.mock.calls.map(([message]) => String(message))
    emitWarning.mockRestore()
    return messages
  }

  it('a resource that is not an accepted audience (§7.4) [M-30]', async () => {
    expect(await warningsOf({ audience: 'urn:api' }, {})).toEqual([
      'The protected resource metadata publishes ["https://rs.example"], which the option "audience" does not contain'
    ])
    expect(await warningsOf({ audience: ['urn:api', RS] }, {})).toEqual([])
    expect(await warningsOf({}, {})).toEqual([])
    expect(await warningsOf({}, { resources: [`${RS}/mcp`] })).toEqual([
      'The protected resource metadata publishes ["https://rs.example/mcp"], which the option "audience" does not contain'
    ])
    expect(await warningsOf({ audience: `${RS}/mcp` }, { resources: [`${RS}/mcp`] })).toEqual([])
    const issuer = [
      { issuer: ISSUER, audience: 'urn:api' },
      { issuer: 'https://other.example', audience: RS }
    ]
    expect(await warningsOf({ issuer }, {})).toEqual([])
    expect(await warningsOf({ issuer: issuer.slice(0, 1) }, { resources: [`${RS}/a`] })).toHaveLength(1)
    expect(await warningsOf({ issuer: () => ISSUER, audience: 'urn:api' }, { authorizationServers: [ISSUER] })).toEqual([])
  })

  it.each<[what: string, listed: unknown, metadata: MetadataOptions | undefined, isWarned: boolean]>([
    ['none of the resources', ['https://other.example'], {}, true],
    ['no resource', [], {}, true],
    ['one of the resources', [`${RS}/mcp`], { resources: [`${RS}/mcp`] }, false],
    ['no list', 'https://other.example', {}, false],
    ['nothing', undefined, {}, false],
    ['none, but no metadata is published', ['https://other.example'], undefined, false]
  ])('an issuer whose protected_resources has %s (§4) [M-28]', async (_, listed, metadata, isWarned) => {
    const emitWarning = vi.spyOn(process, 'emitWarning').mockImplementation(() => {})
    const { createVerifier } = await import('dpop-guard')
    const document = { issuer: ISSUER, jwks_uri: `${ISSUER}/keys`, protected_resources: listed }
    const fetch = async (url: string) => Response.json(url.endsWith('/keys') ? { keys: [] } : document)
    await createVerifier({
      issuer: ISSUER,
      baseUrl: RS,
      audience: [RS, `${RS}/mcp`],
      fetch,
      ...(metadata && { metadata })
    }).ready()
    const messages = emitWarning.mock.calls.map(([message]) => String(message))
    emitWarning.mockRestore()
    expect(messages).toEqual(isWarned ? [expect.stringContaining('protected_resources of the issuer')] : [])
  })

  it('a translation without the member itself (§2.1) [M-21]', async () => {
    const extensions = { 'resource_name#it': 'Note' }
    expect(await warningsOf({}, { extensions })).toEqual([
      'The protected resource metadata has ["resource_name#it"] without the member that has no language tag'
    ])
    expect(await warningsOf({}, { extensions, resourceName: 'Notes' })).toEqual([])
  })
})
