/** A test issuer: the identifier, keys and access tokens of an authorization server. @module */

import type { Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import { checkSupported } from '../config/algorithms.js'
import { checkKeys, misconfigured } from '../config/option-validation.js'
import type { IssuerOptions, JwkSet, TokenAlgorithm } from '../options.js'

/** Options of {@link createTestIssuer}. */
export interface TestIssuerOptions {
  /** @defaultValue 'https://issuer.example', or the URL of {@link TestIssuer.listen} */
  readonly issuer?: string
  /**
   * The `aud` of its tokens, or a function that returns it, called for each token: `() => process.env.DPOP_BASE_URL`. The default of a
   * verifier is its `baseUrl`. @defaultValue 'https://api.example'
   */
  readonly audience?: string | (() => string)
  /** ML-DSA requires a runtime that has it, such as Node.js 24.7. @defaultValue 'RS256' */
  readonly alg?: TokenAlgorithm
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: () => number
}

/** The content of an access token; see {@link TestIssuer.issue}. */
export interface TokenSpec {
  /** The thumbprint of the client's key, for `cnf.jkt`. Without it the token is not bound to a key. */
  readonly jkt?: string
  /** Space-delimited scopes. */
  readonly scope?: string
  /** Lifetime in seconds. @defaultValue 3600 */
  readonly expiresInSeconds?: number
  /** Claims to add or replace; undefined removes a claim. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Header parameters to add or replace; undefined removes one. */
  readonly header?: Readonly<Record<string, unknown>>
}

const knownOptions = { issuer: true, audience: true, alg: true, clock: true } as const satisfies Record<
  keyof TestIssuerOptions,
  true
>
const knownMembers = { jkt: true, scope: true, expiresInSeconds: true, claims: true, header: true } as const satisfies Record<
  keyof TokenSpec,
  true
>

/** An issuer of access tokens for tests. */
export interface TestIssuer {
  /** Its identifier. */
  readonly issuer: string
  readonly jwks: JwkSet
  /** For the option `issuer` of a verifier in the same process: nothing is fetched. */
  readonly options: IssuerOptions
  /**
   * Creates a JWT access token of RFC 9068.
   *
   * @throws TypeError that names an unknown or invalid member of `token`
   */
  issue(token?: TokenSpec): Promise<string>
  /**
   * Serves its metadata (RFC 8414 and OpenID Connect Discovery) and keys on a free port of 127.0.0.1, for applications that are
   * configured by `DPOP_ISSUER`. The URL becomes its identifier. Node.js only. The server does not keep the process alive.
   *
   * @returns the issuer itself
   * @throws TypeError if the option `issuer` was given
   */
  listen(): Promise<TestIssuer>
  /** Stops the server of {@link TestIssuer.listen}. */
  close(): Promise<void>
}

/**
 * Creates an issuer with a new key.
 *
 * @throws TypeError that names an unknown option, or an algorithm that the runtime lacks
 */
export async function createTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { audience = 'https://api.example', alg = 'RS256', clock = Date.now } = checkKeys('', options, knownOptions)
  checkSupported('alg', alg)
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const kid = crypto.randomUUID()
  const jwks: JwkSet = { keys: [{ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }] }
  let identifier = options.issuer ?? 'https://issuer.example'
  let serving: Promise<Server> | undefined
  const documents = () => {
    const metadata = { issuer: identifier, jwks_uri: `${identifier}/jwks` }
    return new Map<string | undefined, object>([
      ['/.well-known/oauth-authorization-server', metadata],
      ['/.well-known/openid-configuration', metadata],
      ['/jwks', jwks]
    ])
  }
  const issuer: TestIssuer = {
    get issuer() {
      return identifier
    },
    jwks,
    get options() {
      return { issuer: identifier, jwks }
    },
    async issue(token = {}) {
      const { jkt, scope, expiresInSeconds = 3600, claims = {}, header = {} } = checkKeys('', token, knownMembers)
      if (scope !== undefined && typeof scope !== 'string') misconfigured('scope', 'be a string of space-delimited scopes')
      const iat = Math.floor(clock() / 1000)
      const payload: JWTPayload = {
        iss: identifier,
        aud: typeof audience === 'function' ? audience() : audience,
        sub: 'user',
        client_id: 'client',
        jti: crypto.randomUUID(),
        iat,
        exp: iat + expiresInSeconds,
        scope,
        cnf: jkt === undefined ? undefined : { jkt },
        ...claims
      }
      return await new SignJWT(payload).setProtectedHeader({ alg, typ: 'at+jwt', kid, ...header }).sign(privateKey)
    },
    async listen() {
      if (options.issuer !== undefined) throw new TypeError('"issuer" must not be set: listen() uses its URL')
      serving ??= serve(documents)
      const { port } = (await serving).address() as AddressInfo
      identifier = `http://127.0.0.1:${port}`
      return issuer
    },
    async close() {
      const server = await serving
      serving = undefined
      server?.closeAllConnections()
      await new Promise((resolve) => (server === undefined ? resolve(undefined) : server.close(resolve)))
    }
  }
  return issuer
}

/** Serves JSON documents by path on a free port of 127.0.0.1. */
async function serve(documents: () => ReadonlyMap<string | undefined, object>): Promise<Server> {
  // Loaded at run time, so that the kit also loads on runtimes without this module.
  const { createServer } = process.getBuiltinModule('node:http')
  const server = createServer((request, response) => {
    const document = documents().get(request.url)
    response.writeHead(document === undefined ? 404 : 200, { 'Content-Type': 'application/json' })
    response.end(JSON.stringify(document ?? {}))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return server.unref()
}
