/** A test issuer: the identifier, keys and access tokens of an authorization server. @module */

import { exportJWK, generateKeyPair, type JWTPayload, SignJWT } from 'jose'
import type { IssuerOptions, JwkSet, TokenAlgorithm } from '../options.js'

/** Options of {@link createTestIssuer}. */
export interface TestIssuerOptions {
  /** @defaultValue 'https://issuer.example' */
  readonly issuer?: string
  /** The audience of its tokens. @defaultValue 'https://api.example' */
  readonly audience?: string
  /** @defaultValue 'RS256' */
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

/** An issuer of access tokens for tests. */
export interface TestIssuer {
  readonly issuer: string
  readonly jwks: JwkSet
  /** For the option `issuer` of a verifier. */
  readonly options: IssuerOptions
  /** Creates a JWT access token of RFC 9068. */
  issue(token?: TokenSpec): Promise<string>
}

/** Creates an issuer with a new key. */
export async function createTestIssuer(options: TestIssuerOptions = {}): Promise<TestIssuer> {
  const { issuer = 'https://issuer.example', audience = 'https://api.example', alg = 'RS256', clock = Date.now } = options
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const kid = crypto.randomUUID()
  const jwks: JwkSet = { keys: [{ ...(await exportJWK(publicKey)), kid, alg, use: 'sig' }] }
  return {
    issuer,
    jwks,
    options: { issuer, jwks },
    async issue({ jkt, scope, expiresInSeconds = 3600, claims = {}, header = {} } = {}) {
      const iat = Math.floor(clock() / 1000)
      const payload: JWTPayload = {
        iss: issuer,
        aud: audience,
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
    }
  }
}
