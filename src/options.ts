/** The public option types with their units and defaults. `config/` validates them. @module */

import type { MaybePromise, ProofAlgorithm } from './crypto/crypto.js'
import type { SignatureThreads } from './crypto/signature-threads.js'
import type { ReplayStore } from './freshness/replay.js'
import type { RequestLike } from './request/request.js'
import type { AccessTokenClaims } from './verified-request.js'

/** A JWS algorithm that an access token may be signed with. */
export type TokenAlgorithm = ProofAlgorithm

/** `fetch`, as far as it is used: one URL, answered by a Fetch `Response`. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>

/** What a request is fetched with. */
export interface FetchInit {
  readonly method?: 'POST'
  readonly headers: Record<string, string>
  readonly body?: string
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** A public key set (RFC 7517 §5). */
export interface JwkSet {
  readonly keys: readonly Readonly<Record<string, unknown>>[]
}

/** How this API asks an authorization server about tokens (RFC 7662 §2.1). */
export interface IntrospectionOptions {
  /** @defaultValue `introspection_endpoint` of the issuer's metadata */
  readonly endpoint?: string
  /** The identifier under which the server knows this API. */
  readonly clientId: string
  readonly clientSecret?: string
  /** A private JWK with its `alg`, a signature algorithm that fits its type, for `private_key_jwt` (RFC 7523). */
  readonly privateKey?: Readonly<Record<string, unknown>>
  /** @defaultValue `'private_key_jwt'` with a `privateKey`, `'client_secret_basic'` with a `clientSecret` */
  readonly authMethod?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  /**
   * `'opaque'`: tokens that are no JWT. `'all'`: JWTs as well, after they were verified here, so that revocation is seen.
   * @defaultValue 'opaque'
   */
  readonly tokens?: 'opaque' | 'all'
  /** Ask for answers that the server signs, and accept no others (RFC 9701). @defaultValue false */
  readonly signedResponse?: boolean
  /**
   * Seconds that an answer is remembered, never past `exp`: so long may a revoked token still be accepted. From 0 to 3600.
   * @defaultValue 30
   */
  readonly maxCacheSeconds?: number
  /**
   * Questions that may be under way at once; above that the answer is 503. Half of them are kept for tokens that were active
   * when they were last asked about, since anybody can make up others. From 1 to 10 000.
   * @defaultValue 100
   */
  readonly maxConcurrentRequests?: number
  /**
   * Members that the answer for an active token must have, such as `['aud', 'token_type']`. RFC 7662 §2.2 requires none, and some
   * servers tell of refresh tokens too, which then open this API as access tokens do: name what only access tokens have, or
   * have the server tell this API of access tokens alone. @defaultValue none
   */
  readonly requiredMembers?: readonly string[]
}

/** One authorization server whose access tokens are accepted. */
export interface IssuerOptions {
  /** The issuer identifier, exactly as its tokens have it in `iss` (RFC 9068 §4). https, or http on loopback. */
  readonly issuer: string
  /** Accepted `aud` values of this issuer's tokens. @defaultValue the verifier's `audience` */
  readonly audience?: string | readonly string[]
  /** Where its keys are. @defaultValue `jwks_uri` of its metadata (RFC 8414, then OpenID Connect Discovery) */
  readonly jwksUri?: string
  /** Its keys, where they are configured and never fetched. */
  readonly jwks?: JwkSet
  /** Accepted signature algorithms of its tokens. @defaultValue `token.algorithms` */
  readonly algorithms?: readonly TokenAlgorithm[]
  /**
   * Accept opaque tokens of this issuer, and ask it about them. They do not name an issuer, so a function in the place of
   * `issuer` is not asked about them. @defaultValue none: tokens must be JWTs
   */
  readonly introspection?: IntrospectionOptions
}

/** An issuer by its identifier, or with more to say of it. */
export type IssuerChoice = string | IssuerOptions

/** What is accepted of a proof. */
export interface ProofOptions {
  /** Accepted signature algorithms, also advertised as `algs`. @defaultValue ES256 ES384 ES512 EdDSA Ed25519 PS256 PS384 PS512 */
  readonly algorithms?: readonly ProofAlgorithm[]
  /** Seconds that a proof is good for after its `iat`, both ends included. At most 300. @defaultValue 300 */
  readonly maxAgeSeconds?: number
  /** Seconds that `iat` may be ahead of our clock, both ends included. At most 300. @defaultValue 30 */
  readonly maxFutureSeconds?: number
  /** Characters that a proof may have. @defaultValue 8192 */
  readonly maxBytes?: number
  /** Allows windows above 300 seconds: a stolen proof is good for as long, unless its replay is still remembered. @defaultValue false */
  readonly dangerouslyAllowWideWindow?: boolean
}

/** Asks clients for a nonce of ours in every proof (RFC 9449 §9). */
export interface NonceOptions {
  /**
   * At least 32 random bytes each, as bytes or as a text of so many. The first makes the nonces, all of them verify: put a new
   * one last everywhere, then first everywhere, then drop the old one. Instances that share them accept each other's nonces.
   */
  readonly secrets: readonly (string | Uint8Array)[]
  /** Seconds that a nonce is accepted at most; at least half of it. From 10 to 3600. @defaultValue 300 */
  readonly maxAgeSeconds?: number
  /**
   * For which requests; for others the `iat` window counts as it does without nonces. A client that was given a nonce must be
   * asked for one ever after (RFC 9449 §11.3), so decide by route, not by what the client sent; and always the same for one
   * route, because a proof is remembered for as long as the rule by which it was accepted accepts it. @defaultValue for all
   */
  readonly required?: (request: RequestLike) => MaybePromise<boolean>
}

/** What is accepted of an access token. */
export interface TokenOptions {
  /**
   * `'at+jwt'`: JWT access tokens as RFC 9068 profiles them, with every claim that it requires. `'any'`: also tokens of
   * servers that do not follow it; `iss`, `aud` and `exp` are still required, and other kinds of JWT are still refused.
   * @defaultValue 'at+jwt'
   */
  readonly type?: 'at+jwt' | 'any'
  /** Accepted signature algorithms. @defaultValue every one that is known here */
  readonly algorithms?: readonly TokenAlgorithm[]
  /** Seconds by which `exp` and `nbf` of a token may be off. At most 300. @defaultValue 5 */
  readonly clockToleranceSeconds?: number
  /** Asked on every request, after the token was verified: whether it was revoked. When it throws, the answer is 503. */
  readonly isRevoked?: (claims: AccessTokenClaims) => MaybePromise<boolean>
}

/** Options of {@link createVerifier}. All of them are checked when the verifier is made. */
export interface VerifierOptions {
  /**
   * The authorization server whose tokens are accepted, or several; the keys of one never verify another's tokens. A function
   * is for tenants made at run time: of the `iss` of a token, which is not verified at that time, it gives the options of just
   * that issuer, or undefined, which refuses. Nothing is fetched for an issuer that it does not give.
   */
  readonly issuer: IssuerChoice | readonly IssuerChoice[] | ((iss: string) => MaybePromise<IssuerChoice | undefined>)
  /** Accepted `aud` values: a token is good when it has one of them. @defaultValue the `baseUrl`, where that is not a function */
  readonly audience?: string | readonly string[]
  /**
   * Where clients see this API: scheme and host, with the path prefix that a gateway strips, if any. Of several, the Host
   * field selects and never adds one. A function of the request is for tenants made at run time; undefined refuses.
   */
  readonly baseUrl: string | readonly string[] | ((request: RequestLike) => MaybePromise<string | undefined>)
  /** Also accept plain Bearer tokens, if they are not bound to a key. @defaultValue false */
  readonly allowBearer?: boolean
  /** Let requests without any credentials pass as anonymous. Bad credentials are still refused. @defaultValue false */
  readonly optional?: boolean
  /** What is accepted of a proof. */
  readonly proof?: ProofOptions
  /** Remembers used proofs; `false` accepts a proof as often as it comes inside its window. @defaultValue `memoryReplayStore()` */
  readonly replay?: ReplayStore | false
  /**
   * Processes that serve this API, so that it is noticed when they do not share their memory of used proofs: with more than
   * one, or in a worker of `node:cluster`, `memoryReplayStore()` warns once. @defaultValue 1
   */
  readonly instances?: number
  /**
   * Require a nonce in every proof; its age takes the place of the `iat` window, so that a wrong clock of a client does not
   * matter, and no proof can be made in advance. @defaultValue false
   */
  readonly nonce?: false | NonceOptions
  /** What is accepted of an access token. */
  readonly token?: TokenOptions
  /**
   * The client's TLS certificate as PEM or DER, for tokens that are also bound to one (RFC 8705 §3). Take it from the TLS
   * socket or from a header that your proxy overwrites. @defaultValue none: such tokens are refused
   */
  readonly clientCertificate?: (request: RequestLike) => MaybePromise<string | Uint8Array | undefined>
  /** `'fapi2'`: the algorithms and time window of the FAPI 2.0 Security Profile; other options may only narrow them. */
  readonly profile?: 'fapi2'
  /**
   * Where Node.js verifies the signatures of proofs and of tokens that are new. `'inline'`: on the event loop, cheapest where one
   * process runs for each core. `'pool'`: in libuv's thread pool. `'auto'`: those of the first two requests of a turn of the event
   * loop inline, the rest of a burst and whatever is slow (ES384, ES512, RSA above 4096 bits) in the pool. @defaultValue 'auto'
   */
  readonly signatureThreads?: SignatureThreads
  /** Milliseconds since the epoch, like `Date.now`. @defaultValue `Date.now` */
  readonly clock?: () => number
  /**
   * Seconds that keys which are due for a fresh look (after ten minutes) stay in use while the issuer cannot be reached. At most
   * a day. @defaultValue 3600
   */
  readonly staleIfErrorSeconds?: number
  /** Fetches metadata and keys, and asks about tokens. @defaultValue the platform's `fetch` */
  readonly fetch?: Fetch
  /** Accept `http:` issuers and base URLs beyond loopback. Tokens and keys then travel unprotected. @defaultValue false */
  readonly dangerouslyAllowInsecureRequests?: boolean
}
