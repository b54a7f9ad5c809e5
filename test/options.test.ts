import type { VerifierOptions } from 'dpop-guard'
import { createVerifier, optionsFromEnv } from 'dpop-guard'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { resolveOptions } from '../src/config/config.js'
import { type IssuerConfig, isJwkSet } from '../src/config/issuers.js'
import { traditionalAlgorithms } from '../src/crypto/crypto.js'

const issuer = 'https://issuer.example'
const baseUrl = 'https://api.example'
const valid = { issuer, baseUrl }

/** Options as a caller without types may pass them. */
const make = (options: unknown) => () => createVerifier(options as VerifierOptions)
const resolve = (extra: object) => resolveOptions({ ...valid, ...extra } as VerifierOptions)
const issuersOf = (config: ReturnType<typeof resolve>) => config.issuers as readonly IssuerConfig[]

const https = 'must be an https URL (http only on loopback, or with "dangerouslyAllowInsecureRequests")'

describe('createVerifier rejects an invalid option with a TypeError that names it', () => {
  const url = 'must be an absolute URL'
  const algs = 'ES256, ES384, ES512, EdDSA, Ed25519, PS256, PS384, PS512, RS256, RS384, RS512, ML-DSA-44, ML-DSA-65, ML-DSA-87'
  it.each<[title: string, options: unknown, message: string]>([
    ['nothing', undefined, '"options" must be an object'],
    ['null', null, '"options" must be an object'],
    ['a list', [valid], '"options" must be an object'],
    ['a string', 'https://issuer.example', '"options" must be an object'],

    [
      'an issuer that is the URL of its metadata',
      { ...valid, issuer: `${issuer}/.well-known/openid-configuration` },
      '"issuer" must be the issuer identifier, not the URL of its metadata'
    ],
    [
      'two base URLs in a string',
      { ...valid, baseUrl: `${baseUrl},https://b.example` },
      '"baseUrl" must be one URL, or an array of URLs'
    ],
    ['no issuer', { baseUrl }, '"issuer" must be given'],
    ['issuer null', { ...valid, issuer: null }, '"issuer" must be given'],
    ['issuer a number', { ...valid, issuer: 7 }, '"issuer" must be an object'],
    ['issuer a list of lists', { ...valid, issuer: [[issuer]] }, '"issuer" must be an object'],
    ['no issuers', { ...valid, issuer: [] }, '"issuer" must name at least one issuer'],
    ['an issuer twice', { ...valid, issuer: [issuer, { issuer }] }, '"issuer" must name each issuer once'],
    ['issuer empty', { ...valid, issuer: '' }, `"issuer" ${url}`],
    ['issuer relative', { ...valid, issuer: '/issuer' }, `"issuer" ${url}`],
    ['issuer object without issuer', { ...valid, issuer: {} }, `"issuer" ${url}`],
    ['issuer over http', { ...valid, issuer: 'http://issuer.example' }, `"issuer" ${https}`],
    ['issuer of another scheme', { ...valid, issuer: 'ftp://issuer.example' }, `"issuer" ${https}`],
    ['issuer with query', { ...valid, issuer: `${issuer}?a` }, '"issuer" must have no query'],
    ...['\n', '\u0001', ' ', '?', '#', '/\\a', '/a\tb'].map((end): [string, unknown, string] => [
      `issuer with ${JSON.stringify(end)}, which the URL parser removes`,
      { ...valid, issuer: issuer + end },
      '"issuer" must be an absolute URL without white space, "?" or "#"'
    ]),
    ...[` ${issuer}`, 'https:issuer.example', 'https:///issuer.example', 'https:\\\\issuer.example'].map(
      (text): [string, unknown, string] => [
        `issuer ${JSON.stringify(text)}, which the URL parser corrects`,
        { ...valid, issuer: text },
        '"issuer" must be an absolute URL without white space, "?" or "#"'
      ]
    ),
    ['issuer with fragment', { ...valid, issuer: `${issuer}#a` }, '"issuer" must have no user information and no fragment'],
    [
      'issuer with user',
      { ...valid, issuer: 'https://u@issuer.example' },
      '"issuer" must have no user information and no fragment'
    ],
    [
      'issuer with password',
      { ...valid, issuer: 'https://:p@issuer.example' },
      '"issuer" must have no user information and no fragment'
    ],
    [
      'issuer.audience empty',
      { ...valid, issuer: { issuer, audience: '' } },
      '"issuer.audience" must be a non-empty string or an array of non-empty strings'
    ],
    ['issuer.jwksUri a URL object', { ...valid, issuer: { issuer, jwksUri: new URL(issuer) } }, `"issuer.jwksUri" ${url}`],
    ['issuer.jwksUri relative', { ...valid, issuer: { issuer, jwksUri: '/jwks' } }, `"issuer.jwksUri" ${url}`],
    [
      'issuer.jwksUri over http',
      { ...valid, issuer: { issuer, jwksUri: 'http://issuer.example/jwks' } },
      `"issuer.jwksUri" ${https}`
    ],
    [
      'issuer.jwks combined with jwksUri',
      { ...valid, issuer: { issuer, jwks: { keys: [] }, jwksUri: issuer } },
      '"issuer.jwks" must not be combined with "issuer.jwksUri"'
    ],
    [
      'issuer.jwks a list',
      { ...valid, issuer: { issuer, jwks: [] } },
      '"issuer.jwks" must be a JWK Set: an object with an array "keys"'
    ],
    [
      'issuer.jwks with a function inside',
      { ...valid, issuer: { issuer, jwks: { keys: [{ kty: () => 'EC' }] } } },
      '"issuer.jwks" must contain only JSON values'
    ],
    [
      'issuer.algorithms empty',
      { ...valid, issuer: { issuer, algorithms: [] } },
      `"issuer.algorithms" must be a non-empty array of ${algs}`
    ],
    [
      'issuer.algorithms symmetric',
      { ...valid, issuer: { issuer, algorithms: ['HS256'] } },
      `"issuer.algorithms" must contain only ${algs}`
    ],

    ['no baseUrl', { issuer }, '"baseUrl" must be a non-empty string or an array of non-empty strings'],
    ['baseUrl empty', { ...valid, baseUrl: '' }, '"baseUrl" must be a non-empty string or an array of non-empty strings'],
    ['no baseUrls', { ...valid, baseUrl: [] }, '"baseUrl" must be a non-empty string or an array of non-empty strings'],
    [
      'baseUrl with an undefined member',
      { ...valid, baseUrl: [baseUrl, 1] },
      '"baseUrl" must be a non-empty string or an array of non-empty strings'
    ],
    ['baseUrl relative', { ...valid, baseUrl: 'api.example' }, `"baseUrl" ${url}`],
    ['baseUrl over http', { ...valid, baseUrl: 'http://api.example' }, `"baseUrl" ${https}`],
    [
      'baseUrl with query',
      { ...valid, baseUrl: `${baseUrl}?a` },
      '"baseUrl" must consist of scheme, host and path, percent-encoded where needed'
    ],
    [
      'baseUrl with a space',
      { ...valid, baseUrl: `${baseUrl}/a b` },
      '"baseUrl" must consist of scheme, host and path, percent-encoded where needed'
    ],
    [
      'baseUrl with a quote in its host',
      { ...valid, baseUrl: 'https://a"b.example' },
      '"baseUrl" must consist of scheme, host and path, percent-encoded where needed'
    ],
    ['audience empty', { ...valid, audience: '' }, '"audience" must be a non-empty string or an array of non-empty strings'],
    ['audience a number', { ...valid, audience: 1 }, '"audience" must be a non-empty string or an array of non-empty strings'],
    ['no audiences', { ...valid, audience: [] }, '"audience" must be a non-empty string or an array of non-empty strings'],
    ['no audience', { issuer, baseUrl: () => baseUrl }, '"audience" must be given if "baseUrl" is a function'],

    ['allowBearer a string', { ...valid, allowBearer: 'false' }, '"allowBearer" must be true or false'],
    ['optional null', { ...valid, optional: null }, '"optional" must be true or false'],
    [
      'dangerouslyAllowInsecureRequests a number',
      { ...valid, dangerouslyAllowInsecureRequests: 1 },
      '"dangerouslyAllowInsecureRequests" must be true or false'
    ],
    ['profile unknown', { ...valid, profile: 'fapi1' }, '"profile" must be one of fapi2'],
    [
      'signatureThreads unknown',
      { ...valid, signatureThreads: 'worker' },
      '"signatureThreads" must be one of inline, pool, auto'
    ],
    [
      'cache an unknown key',
      { ...valid, cache: { maxClient: 1000 } },
      '"cache.maxClient" is not an option; did you mean "cache.maxClients"?'
    ],
    ['cache a number', { ...valid, cache: 5 }, '"cache" must be an object'],
    [
      'cache.maxClients below 1000',
      { ...valid, cache: { maxClients: 999 } },
      '"cache.maxClients" must be an integer from 1000 to 1000000'
    ],
    [
      'cache.maxClients above a million',
      { ...valid, cache: { maxClients: 1_000_001 } },
      '"cache.maxClients" must be an integer from 1000 to 1000000'
    ],
    [
      'staleIfErrorSeconds a string',
      { ...valid, staleIfErrorSeconds: '60' },
      '"staleIfErrorSeconds" must be an integer from 0 to 86400'
    ],
    [
      'staleIfErrorSeconds above a day',
      { ...valid, staleIfErrorSeconds: 86_401 },
      '"staleIfErrorSeconds" must be an integer from 0 to 86400'
    ],
    ['clock a number', { ...valid, clock: 1 }, '"clock" must be a function'],
    ['fetch an object', { ...valid, fetch: {} }, '"fetch" must be a function'],
    ['clientCertificate a string', { ...valid, clientCertificate: 'PEM' }, '"clientCertificate" must be a function'],
    ['replay true', { ...valid, replay: true }, '"replay" must be false or a store with a "reserve" method'],
    ['replay null', { ...valid, replay: null }, '"replay" must be false or a store with a "reserve" method'],
    ['replay without reserve', { ...valid, replay: { has() {} } }, '"replay" must be false or a store with a "reserve" method'],

    ['proof null', { ...valid, proof: null }, '"proof" must be an object'],
    [
      'proof.algorithms a string',
      { ...valid, proof: { algorithms: 'ES256' } },
      `"proof.algorithms" must be a non-empty array of ${algs}`
    ],
    ['proof.algorithms none', { ...valid, proof: { algorithms: ['none'] } }, `"proof.algorithms" must contain only ${algs}`],
    [
      'proof.maxAgeSeconds zero',
      { ...valid, proof: { maxAgeSeconds: 0 } },
      '"proof.maxAgeSeconds" must be an integer from 1 to 300'
    ],
    [
      'proof.maxAgeSeconds wide',
      { ...valid, proof: { maxAgeSeconds: 301 } },
      '"proof.maxAgeSeconds" must be an integer from 1 to 300'
    ],
    [
      'proof.maxAgeSeconds fractional',
      { ...valid, proof: { maxAgeSeconds: 1.5 } },
      '"proof.maxAgeSeconds" must be an integer from 1 to 300'
    ],
    [
      'proof.maxFutureSeconds negative',
      { ...valid, proof: { maxFutureSeconds: -1 } },
      '"proof.maxFutureSeconds" must be an integer from 0 to 300'
    ],
    [
      'proof.maxFutureSeconds wide',
      { ...valid, proof: { maxFutureSeconds: 301 } },
      '"proof.maxFutureSeconds" must be an integer from 0 to 300'
    ],
    ['proof.maxBytes small', { ...valid, proof: { maxBytes: 511 } }, '"proof.maxBytes" must be an integer from 512 to 65536'],
    ['proof.maxBytes large', { ...valid, proof: { maxBytes: 65_537 } }, '"proof.maxBytes" must be an integer from 512 to 65536'],
    [
      'proof.maxBytes a string',
      { ...valid, proof: { maxBytes: '1024' } },
      '"proof.maxBytes" must be an integer from 512 to 65536'
    ],
    [
      'proof.dangerouslyAllowWideWindow a string',
      { ...valid, proof: { dangerouslyAllowWideWindow: 'yes' } },
      '"proof.dangerouslyAllowWideWindow" must be true or false'
    ],
    [
      'a window above a week',
      { ...valid, proof: { dangerouslyAllowWideWindow: true, maxAgeSeconds: 604_801 } },
      '"proof.maxAgeSeconds" must be an integer from 1 to 604800'
    ],

    ['token null', { ...valid, token: null }, '"token" must be an object'],
    ...['sub', [7], [''], ['sub', ''], {}].map((requiredClaims): [string, unknown, string] => [
      `token.requiredClaims ${JSON.stringify(requiredClaims)}`,
      { ...valid, token: { requiredClaims } },
      '"token.requiredClaims" must be an array of claim names'
    ]),
    [
      'issuer.requiredClaims a string',
      { ...valid, issuer: { issuer, requiredClaims: 'sub' } },
      '"issuer.requiredClaims" must be an array of claim names'
    ],
    ['token.scopes a list', { ...valid, token: { scopes: ['a'] } }, '"token.scopes" must be a function'],
    ['token.scopeSatisfies a list', { ...valid, token: { scopeSatisfies: [] } }, '"token.scopeSatisfies" must be a function'],
    ['issuer.type unknown', { ...valid, issuer: { issuer, type: 'jwt' } }, '"issuer.type" must be one of at+jwt, any'],
    ['token.type unknown', { ...valid, token: { type: 'jwt' } }, '"token.type" must be one of at+jwt, any'],
    [
      'token.algorithms symmetric',
      { ...valid, token: { algorithms: ['HS256'] } },
      `"token.algorithms" must contain only ${algs}`
    ],
    [
      'token.clockToleranceSeconds wide',
      { ...valid, token: { clockToleranceSeconds: 301 } },
      '"token.clockToleranceSeconds" must be an integer from 0 to 300'
    ],
    ['token.isRevoked a list', { ...valid, token: { isRevoked: ['jti'] } }, '"token.isRevoked" must be a function']
  ])('%s', (_title, options, message) => {
    expect(make(options)).toThrow(new TypeError(message))
  })
})

describe('the limits of a range are inclusive', () => {
  it.each<[option: string, from: number, to: number, resolved: (value: number) => unknown]>([
    ['staleIfErrorSeconds', 0, 86_400, (n) => resolve({ staleIfErrorSeconds: n }).staleIfErrorSeconds],
    ['proof.maxAgeSeconds', 1, 300, (n) => resolve({ proof: { maxAgeSeconds: n } }).proof.maxAgeSeconds],
    ['proof.maxFutureSeconds', 0, 300, (n) => resolve({ proof: { maxFutureSeconds: n } }).proof.maxFutureSeconds],
    ['proof.maxBytes', 512, 65_536, (n) => resolve({ proof: { maxBytes: n } }).proof.maxBytes],
    [
      'token.clockToleranceSeconds',
      ...([0, 300] as const),
      (n) => resolve({ token: { clockToleranceSeconds: n } }).token.clockToleranceSeconds
    ],
    [
      'nonce.maxAgeSeconds',
      10,
      3600,
      (n) => resolve({ nonce: { secrets: ['x'.repeat(32)], maxAgeSeconds: n } }).nonce?.maxAgeSeconds
    ]
  ])('%s: from %i to %i', (_option, from, to, resolved) => {
    expect([resolved(from), resolved(to)]).toEqual([from, to])
  })
})

describe('nonce', () => {
  const A = 'a secret of thirty-two characters or more'
  const list = '"nonce.secrets" must be a list of one or more secrets'
  const long = '"nonce.secrets" must have at least 32 random bytes each'
  it.each<[unknown, string]>([
    [null, '"nonce" must be an object'],
    [true, '"nonce" must be an object'],
    [{}, list],
    [{ secrets: [] }, list],
    [{ secrets: A }, list],
    [{ secrets: [A, 'short'] }, long],
    [{ secrets: ['x'.repeat(31)] }, long],
    [{ secrets: [new Uint8Array(31)] }, long],
    [{ secrets: [new Uint16Array(32)] }, long],
    [{ secrets: [7] }, long],
    [{ secrets: [A], maxAgeSeconds: 9 }, '"nonce.maxAgeSeconds" must be an integer from 10 to 3600'],
    [{ secrets: [A], maxAgeSeconds: 3601 }, '"nonce.maxAgeSeconds" must be an integer from 10 to 3600'],
    [{ secrets: [A], required: true }, '"nonce.required" must be a function'],
    [{ secrets: [A], onEveryResponse: 'yes' }, '"nonce.onEveryResponse" must be true or false'],
    [{ secrets: [A], secret: A }, '"nonce.secret" is not an option; did you mean "nonce.secrets"?']
  ])('rejects %j', (nonce, message) => {
    expect(make({ ...valid, nonce })).toThrow(new TypeError(message))
  })

  it('is disabled by default, and has a maximum age of five minutes if enabled', () => {
    expect(resolve({}).nonce).toBeUndefined()
    expect(resolve({ nonce: false }).nonce).toBeUndefined()
    const { nonce } = resolve({ nonce: { secrets: [A] } })
    expect(nonce).toEqual({
      secrets: [new TextEncoder().encode(A)],
      maxAgeSeconds: 300,
      required: undefined,
      onEveryResponse: false
    })
    expect(Object.isFrozen(nonce)).toBe(true)
  })

  it('accepts secrets of at least 32 bytes, as strings or bytes (RFC 8725 §3.5)', () => {
    const secrets = ['x'.repeat(32), 'é'.repeat(16), new Uint8Array(32), Buffer.alloc(40)]
    expect(resolve({ nonce: { secrets } }).nonce?.secrets.map(({ length }) => length)).toEqual([32, 32, 32, 40])
  })
})

describe('issuer.introspection', () => {
  const basic = { clientId: 'api', clientSecret: 's' }
  const key = { kty: 'EC', crv: 'P-256', alg: 'ES256', d: 'x' }
  const of = (introspection: unknown) => issuersOf(resolve({ issuer: { issuer, introspection } }))[0]?.introspection
  const id = '"issuer.introspection.clientId" must be a non-empty string'
  const secret = '"issuer.introspection.clientSecret" must be a non-empty string'
  const badKey = '"issuer.introspection.privateKey" must be a private JWK with an "alg"'
  it.each<[unknown, string]>([
    [null, '"issuer.introspection" must be an object'],
    [true, '"issuer.introspection" must be an object'],
    [
      { ...basic, clientID: 'x' },
      '"issuer.introspection.clientID" is not an option; did you mean "issuer.introspection.clientId"?'
    ],
    [{ clientSecret: 's' }, id],
    [{ ...basic, clientId: '' }, id],
    [{ ...basic, clientId: 7 }, id],
    [{ clientId: 'api' }, secret],
    [{ ...basic, clientSecret: '' }, secret],
    [{ ...basic, clientSecret: 7 }, secret],
    [{ clientId: 'api', authMethod: 'client_secret_post' }, secret],
    [
      { ...basic, authMethod: 'none' },
      '"issuer.introspection.authMethod" must be one of client_secret_basic, client_secret_post, private_key_jwt'
    ],
    [{ ...basic, authMethod: 'private_key_jwt' }, badKey],
    [{ clientId: 'api', privateKey: 'x' }, badKey],
    [{ clientId: 'api', privateKey: null }, badKey],
    [{ clientId: 'api', privateKey: Object.assign(() => {}, key) }, badKey],
    [{ clientId: 'api', privateKey: { ...key, alg: undefined } }, badKey],
    [{ clientId: 'api', privateKey: { ...key, d: undefined } }, badKey],
    ...['HS256', 'none', 'es256', '', 'ML-DSA-44'].map((alg): [unknown, string] => [
      { clientId: 'api', privateKey: { ...key, alg } },
      `"issuer.introspection.privateKey.alg" must be one of ${traditionalAlgorithms.join(', ')}`
    ]),
    ...[{ kty: 'oct' }, { kty: 'RSA' }, { crv: 'P-384' }].map((other): [unknown, string] => [
      { clientId: 'api', privateKey: { ...key, ...other } },
      '"issuer.introspection.privateKey" must have the key type of its "alg"'
    ]),
    [{ ...basic, endpoint: '/introspect' }, '"issuer.introspection.endpoint" must be an absolute URL'],
    [{ ...basic, endpoint: 'http://issuer.example/introspect' }, `"issuer.introspection.endpoint" ${https}`],
    [{ ...basic, tokens: 'jwt' }, '"issuer.introspection.tokens" must be one of opaque, all'],
    [{ ...basic, signedResponse: 1 }, '"issuer.introspection.signedResponse" must be true or false'],
    [{ ...basic, maxCacheSeconds: -1 }, '"issuer.introspection.maxCacheSeconds" must be an integer from 0 to 3600'],
    [{ ...basic, maxCacheSeconds: 3601 }, '"issuer.introspection.maxCacheSeconds" must be an integer from 0 to 3600'],
    [
      { ...basic, requiredMembers: [] },
      '"issuer.introspection.requiredMembers" must be a non-empty string or an array of non-empty strings'
    ],
    [
      { ...basic, requiredMembers: [7] },
      '"issuer.introspection.requiredMembers" must be a non-empty string or an array of non-empty strings'
    ],
    [{ ...basic, maxConcurrentRequests: 0 }, '"issuer.introspection.maxConcurrentRequests" must be an integer from 1 to 10000'],
    [
      { ...basic, maxConcurrentRequests: 10_001 },
      '"issuer.introspection.maxConcurrentRequests" must be an integer from 1 to 10000'
    ]
  ])('rejects %j', (introspection, message) => {
    expect(make({ ...valid, issuer: { issuer, introspection } })).toThrow(new TypeError(message))
  })

  it('is disabled by default, and has the documented defaults', () => {
    expect(of(undefined)).toBeUndefined()
    const introspection = of(basic)
    expect(introspection).toEqual({
      ...basic,
      endpoint: undefined,
      privateKey: undefined,
      authMethod: 'client_secret_basic',
      tokens: 'opaque',
      signedResponse: false,
      maxCacheSeconds: 30,
      maxConcurrentRequests: 100,
      requiredMembers: []
    })
    expect(Object.isFrozen(introspection)).toBe(true)
  })

  it('has each given option unchanged', () => {
    const given = {
      ...{ endpoint: 'https://issuer.example/introspect', tokens: 'all', signedResponse: true, maxCacheSeconds: 0 },
      ...{ maxConcurrentRequests: 1, requiredMembers: ['exp', 'aud'] },
      ...{ clientId: 'api', clientSecret: 's', privateKey: key, authMethod: 'client_secret_post' }
    }
    expect(of(given)).toEqual(given)
  })

  it('a private key implies private_key_jwt, unless authMethod selects the secret', () => {
    expect(of({ clientId: 'api', privateKey: key })?.authMethod).toBe('private_key_jwt')
    expect(of({ ...basic, privateKey: key, authMethod: 'client_secret_basic' })?.authMethod).toBe('client_secret_basic')
  })
})

describe('an unknown option is rejected with a similar one, or with the known ones if none is similar', () => {
  const known =
    'issuer, audience, baseUrl, allowBearer, optional, proof, replay, instances, nonce, token, clientCertificate, cache, profile, ' +
    'signatureThreads, staleIfErrorSeconds, clock, fetch, metadata, dangerouslyAllowInsecureRequests'
  it.each([
    [{ ...valid, audiance: 'x' }, '"audiance" is not an option; did you mean "audience"?'],
    [{ ...valid, BaseURL: 'x' }, '"BaseURL" is not an option; did you mean "baseUrl"?'],
    [{ ...valid, certificate: 'x' }, '"certificate" is not an option; did you mean "clientCertificate"?'],
    [{ ...valid, allowbearer: true }, '"allowbearer" is not an option; did you mean "allowBearer"?'],
    [{ ...valid, proof: { maxAge: 60 } }, '"proof.maxAge" is not an option; did you mean "proof.maxAgeSeconds"?'],
    [{ ...valid, proof: { maxAgeSecond: 60 } }, '"proof.maxAgeSecond" is not an option; did you mean "proof.maxAgeSeconds"?'],
    [{ ...valid, token: { isRevokd: 1 } }, '"token.isRevokd" is not an option; did you mean "token.isRevoked"?'],
    [{ ...valid, issuer: { issuer, jwks_uri: 'x' } }, '"issuer.jwks_uri" is not an option; did you mean "issuer.jwksUri"?'],
    [{ ...valid, constructor: 1 }, `"constructor" is not an option; known are ${known}`],
    [{ ...valid, scopes: ['a'] }, `"scopes" is not an option; known are ${known}`],
    [
      JSON.parse(`{"issuer":"${issuer}","baseUrl":"${baseUrl}","__proto__":{}}`),
      `"__proto__" is not an option; known are ${known}`
    ]
  ])('%j', (options, message) => {
    expect(make(options)).toThrow(new TypeError(message))
  })
})

describe('http: is accepted for loopback only', () => {
  const loopback = [
    'http://localhost:3000',
    'http://127.0.0.1',
    'http://127.8.9.1:80',
    'http://127.10.20.30',
    'http://127.1',
    'http://[::1]:8080',
    'http://api.localhost'
  ]
  it.each(loopback)('%s is accepted', (url) => {
    expect(make({ issuer: url, baseUrl: url })).not.toThrow()
  })

  const others = [
    'http://localhost.example',
    'http://127.0.0.1.example',
    'http://127.0.0.1..',
    'http://127.example',
    'http://10.127.0.1',
    'http://0.0.0.0',
    'http://[::]'
  ]
  it.each(others)('%s is rejected unless dangerouslyAllowInsecureRequests is true', (url) => {
    expect(make({ issuer: url, baseUrl })).toThrow('"issuer" must be an https URL')
    expect(make({ issuer, baseUrl: url })).toThrow('"baseUrl" must be an https URL')
    expect(make({ issuer: url, baseUrl: url, dangerouslyAllowInsecureRequests: true })).not.toThrow()
  })
})

it('schemes other than http and https are always rejected', () => {
  const insecure = { dangerouslyAllowInsecureRequests: true }
  for (const url of ['ftp://localhost', 'ws://127.0.0.1', 'data:,x'])
    expect(make({ ...valid, ...insecure, issuer: url })).toThrow(new TypeError(`"issuer" ${https}`))
})

describe('valid options are used', () => {
  it('hooks unchanged', () => {
    const hook = () => undefined
    const config = resolve({ clock: hook, fetch: hook, clientCertificate: hook, token: { isRevoked: hook } })
    expect(config).toMatchObject({ clock: hook, fetch: hook, clientCertificate: hook, token: { isRevoked: hook } })
    expect(resolve({ nonce: { secrets: ['x'.repeat(32)], required: hook } }).nonce?.required).toBe(hook)
  })

  it.each<object>([{ allowBearer: true }, { optional: true }, { signatureThreads: 'inline' }, { signatureThreads: 'pool' }])(
    '%j',
    (option) => {
      expect(resolve(option)).toMatchObject(option)
    }
  )
})

describe('the default audience', () => {
  it('is the base URL, and for one with a trailing slash also the URL without it', () => {
    const audienceOf = (url: string | string[]) => issuersOf(resolve({ baseUrl: url }))[0]?.audience
    expect(audienceOf('https://api.example')).toEqual(['https://api.example'])
    expect(audienceOf('https://api.example/')).toEqual(['https://api.example/', 'https://api.example'])
    expect(audienceOf(['https://a.example/v1/', 'https://b.example'])).toEqual([
      'https://a.example/v1/',
      'https://a.example/v1',
      'https://b.example'
    ])
  })
})

describe('defaults', () => {
  it('a scope satisfies only itself', () => {
    const { scopeSatisfies } = resolve({}).token
    expect([scopeSatisfies('a', 'a'), scopeSatisfies('a', 'b'), scopeSatisfies('a', 'a:b')]).toEqual([true, false, false])
    const always = () => true
    expect(resolve({ token: { scopeSatisfies: always } }).token.scopeSatisfies).toBe(always)
  })

  it('the required claims depend on token.type, and are configurable, also for each issuer', () => {
    const required = (token: object, own: object = {}) =>
      issuersOf(resolve({ token, issuer: { issuer, ...own } }))[0]?.token.requiredClaims
    expect(required({ type: 'any' })).toEqual(['iss', 'aud', 'exp'])
    expect(required({ requiredClaims: [] })).toEqual(['iss', 'aud', 'exp'])
    expect(required({ requiredClaims: ['sub'] })).toEqual(['iss', 'aud', 'exp', 'sub'])
    expect(required({ requiredClaims: ['sub'] }, { requiredClaims: ['jti'] })).toEqual(['iss', 'aud', 'exp', 'jti'])
    const [scopes, own] = [() => ['a'], () => ['b']]
    const scopesOf = (more: object) => issuersOf(resolve({ token: { scopes }, issuer: { issuer, ...more } }))[0]?.token.scopes
    expect([scopesOf({}), scopesOf({ scopes: own })]).toEqual([scopes, own])
  })

  it('are those in the documentation', () => {
    const config = resolve({})
    expect(config).toMatchObject({
      issuers: [
        {
          issuer,
          audience: [baseUrl],
          token: {
            type: 'at+jwt',
            requiredClaims: ['iss', 'aud', 'exp', 'sub', 'client_id', 'iat', 'jti'],
            scopes: undefined,
            clockToleranceSeconds: 5
          },
          jwksUri: undefined,
          jwks: undefined
        }
      ],
      baseUrls: [{ scheme: 'https', origin: baseUrl, host: 'api.example', prefix: '' }],
      realm: baseUrl,
      allowBearer: false,
      optional: false,
      proof: { maxAgeSeconds: 300, maxFutureSeconds: 30, maxBytes: 8192 },
      token: { clockToleranceSeconds: 5, isRevoked: undefined },
      clientCertificate: undefined,
      signatureThreads: 'auto',
      staleIfErrorSeconds: 3600,
      clock: Date.now,
      allowHttp: false
    })
    expect(config.proof.algorithms).toEqual(['ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519', 'PS256', 'PS384', 'PS512'])
    expect(issuersOf(config)[0]?.algorithms).toEqual(traditionalAlgorithms)
    expect(config.replay).toHaveProperty('reserve')
    expect(Object.isFrozen(config) && Object.isFrozen(config.proof) && Object.isFrozen(config.issuers)).toBe(true)
  })

  it('an array is copied, and has each algorithm once', () => {
    const algorithms = ['ES256', 'ES256', 'PS256']
    const config = resolve({ proof: { algorithms } })
    algorithms.push('RS256')
    expect(config.proof.algorithms).toEqual(['ES256', 'PS256'])
    expect(Object.isFrozen(config.proof.algorithms)).toBe(true)
  })

  it('the realm is the first base URL, or "api" if baseUrl is a function', () => {
    expect(resolve({ baseUrl: ['https://api.example/v1/', 'https://b.example'] }).realm).toBe('https://api.example/v1')
    expect(resolve({ baseUrl: () => undefined, audience: 'a' }).realm).toBe('api')
  })

  it('the audience is the base URL, or all of several base URLs', () => {
    expect(issuersOf(resolve({ baseUrl: ['https://a.example', 'https://b.example'] }))[0]?.audience).toEqual([
      'https://a.example',
      'https://b.example'
    ])
  })

  it('audience and algorithms of an issuer override the common ones', () => {
    const { issuers } = resolve({
      audience: 'common',
      token: { algorithms: ['ES256'] },
      issuer: [issuer, { issuer: 'https://b.example', audience: ['own'], algorithms: ['PS256'], jwksUri: 'https://b.example/k' }]
    })
    expect(issuers).toMatchObject([
      { audience: ['common'], algorithms: ['ES256'] },
      { audience: ['own'], algorithms: ['PS256'], jwksUri: 'https://b.example/k' }
    ])
  })

  it('fetch is globalThis.fetch at the time of the call, so that it can be instrumented later', async () => {
    const fetch = vi.spyOn(globalThis, 'fetch').mockResolvedValue(new Response('x'))
    await resolve({}).fetch('https://issuer.example', { headers: {}, redirect: 'manual', signal: AbortSignal.timeout(1000) })
    expect(fetch).toHaveBeenCalledOnce()
    fetch.mockRestore()
  })

  it('a window above 300 seconds requires dangerouslyAllowWideWindow', () => {
    const proof = { dangerouslyAllowWideWindow: true, maxAgeSeconds: 86_400, maxFutureSeconds: 3600 }
    expect(resolve({ proof }).proof).toMatchObject({ maxAgeSeconds: 86_400, maxFutureSeconds: 3600 })
  })

  it('replay is false if it is given as false, and a given store is used unchanged', () => {
    const store = { reserve: () => true }
    expect(resolve({ replay: false }).replay).toBe(false)
    expect(resolve({ replay: store }).replay).toBe(store)
  })
})

describe("profile 'fapi2' (FAPI 2.0 Security Profile §5.3.2.1, §5.4.1)", () => {
  it('sets its algorithms and its window', () => {
    const config = resolve({ profile: 'fapi2' })
    const algorithms = ['PS256', 'ES256', 'EdDSA', 'Ed25519']
    expect(config.proof).toEqual({ algorithms, maxAgeSeconds: 60, maxFutureSeconds: 30, maxBytes: 8192 })
    expect(issuersOf(config)[0]?.algorithms).toEqual(algorithms)
  })

  it.each([
    [{ allowBearer: true }, '"allowBearer" must be false under the FAPI 2.0 profile'],
    [{ proof: { algorithms: ['RS256'] } }, '"proof.algorithms" must contain only PS256, ES256, EdDSA, Ed25519'],
    [{ token: { algorithms: ['RS256'] } }, '"token.algorithms" must contain only PS256, ES256, EdDSA, Ed25519'],
    [{ issuer: { issuer, algorithms: ['ES384'] } }, '"issuer.algorithms" must contain only PS256, ES256, EdDSA, Ed25519'],
    [{ proof: { maxAgeSeconds: 61 } }, '"proof.maxAgeSeconds" must be an integer from 1 to 60'],
    [{ proof: { maxFutureSeconds: 9 } }, '"proof.maxFutureSeconds" must be an integer from 10 to 60'],
    [{ proof: { maxFutureSeconds: 61 } }, '"proof.maxFutureSeconds" must be an integer from 10 to 60'],
    [
      { proof: { dangerouslyAllowWideWindow: true } },
      '"proof.dangerouslyAllowWideWindow" must be false under the FAPI 2.0 profile'
    ]
  ])('other options may only narrow it: %j', (extra, message) => {
    expect(() => resolve({ profile: 'fapi2', ...extra })).toThrow(new TypeError(message))
  })
})

describe('baseUrl as a function of the request', () => {
  const request = { method: 'GET', target: '/', headers: {} }
  const basesOf = async (value: unknown) => {
    const { baseUrls } = resolve({ audience: 'a', baseUrl: () => value })
    return typeof baseUrls === 'function' ? await baseUrls(request) : []
  }

  it('may return a promise, or undefined if there is no base URL', async () => {
    expect(await basesOf('https://t1.example/x')).toMatchObject([{ origin: 'https://t1.example', prefix: '/x' }])
    expect(await basesOf(Promise.resolve('https://t1.example'))).toMatchObject([{ host: 't1.example' }])
    expect(await basesOf(undefined)).toEqual([])
  })

  it.each([null, 7, '', 'http://t1.example', 'https://t1.example?x'])(
    'its return value is validated like the option: %j',
    async (value) => {
      await expect(basesOf(value)).rejects.toThrow(TypeError)
    }
  )
})

describe('issuer as a function of the iss of a token', () => {
  const issuerOf = async (value: unknown, iss = issuer) => {
    const { issuers } = resolve({ issuer: () => value })
    return typeof issuers === 'function' ? await issuers(iss) : issuers
  }

  it('may return a promise; undefined, or an issuer other than the requested one, means that there is no issuer', async () => {
    const config = issuersOf(resolve({}))[0]
    expect(config).toBeDefined()
    expect(await issuerOf(issuer)).toEqual(config)
    expect(await issuerOf(Promise.resolve({ issuer }))).toEqual(config)
    expect(await issuerOf(undefined)).toBeUndefined()
    expect(await issuerOf(issuer, `${issuer}/`)).toBeUndefined()
  })

  it.each([null, 7, '', 'http://t1.example', 'https://t1.example?x'])(
    'its return value is validated like the option: %j',
    async (value) => {
      await expect(issuerOf(value)).rejects.toThrow(TypeError)
    }
  )
})

describe('optionsFromEnv', () => {
  afterEach(() => {
    vi.unstubAllEnvs()
    vi.unstubAllGlobals()
  })

  it('reads three variables, of which DPOP_AUDIENCE may be absent or empty', () => {
    const env = { DPOP_ISSUER: issuer, DPOP_BASE_URL: baseUrl }
    expect(optionsFromEnv(env)).toEqual(valid)
    expect(optionsFromEnv({ ...env, DPOP_AUDIENCE: '' })).toEqual(valid)
    const withOthers: { readonly DPOP_AUDIENCE: string; readonly OTHER: object } & typeof env = {
      ...env,
      DPOP_AUDIENCE: 'aud',
      OTHER: {}
    }
    expect(optionsFromEnv(withOthers)).toEqual({ ...valid, audience: 'aud' })
  })

  it('reads DPOP_TOKEN_TYPE, which may be absent or empty', () => {
    const env = { DPOP_ISSUER: issuer, DPOP_BASE_URL: baseUrl }
    expect(optionsFromEnv({ ...env, DPOP_TOKEN_TYPE: 'any' })).toEqual({ ...valid, token: { type: 'any' } })
    expect(optionsFromEnv({ ...env, DPOP_TOKEN_TYPE: '' })).toEqual(valid)
    expect(() => optionsFromEnv({ ...env, DPOP_TOKEN_TYPE: 'jwt' })).toThrow(
      new TypeError('"DPOP_TOKEN_TYPE" must be one of at+jwt, any')
    )
  })

  it('rejects several URLs in DPOP_BASE_URL', () => {
    expect(() => optionsFromEnv({ DPOP_ISSUER: issuer, DPOP_BASE_URL: `${baseUrl},https://b.example` })).toThrow(
      new TypeError('"DPOP_BASE_URL" must be one URL; pass an array of URLs as the option "baseUrl" instead')
    )
  })

  it.each(['DPOP_ISSUER', 'DPOP_BASE_URL'])('throws a TypeError that names a missing variable: %s', (name) => {
    const env = { DPOP_ISSUER: issuer, DPOP_BASE_URL: baseUrl, [name]: undefined }
    expect(() => optionsFromEnv(env)).toThrow(new TypeError(`"${name}" must be set in the environment if no options are given`))
  })

  it('reads the environment of the process, if there is one', () => {
    vi.stubEnv('DPOP_ISSUER', issuer)
    vi.stubEnv('DPOP_BASE_URL', baseUrl)
    expect(optionsFromEnv()).toEqual(valid)
    vi.stubGlobal('process', undefined)
    expect(() => optionsFromEnv()).toThrow('"DPOP_ISSUER" must be set')
  })
})

describe('isJwkSet (RFC 7517 §5)', () => {
  it.each([{ keys: [] }, { keys: [{}] }, { keys: [{ kty: 'EC' }], other: 1 }])('is true for %j', (value) => {
    expect(isJwkSet(value)).toBe(true)
  })
  const others = [undefined, null, 1, 'x', [], {}, { keys: {} }, { keys: [1] }, { keys: [null] }, { keys: [[]] }, { keys: ['x'] }]
  it.each(others.map((value) => [value]))('is false for %j', (value) => {
    expect(isJwkSet(value)).toBe(false)
  })
})
