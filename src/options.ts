/** The public option types with their units and defaults. `config/` validates them. @module */

import type { MaybePromise, ProofAlgorithm } from './crypto/crypto.js'
import type { SignatureThreads } from './crypto/signature-threads.js'
import type { ReplayStore } from './freshness/replay-store.js'
import type { RequestLike } from './request/request.js'
import type { AccessTokenClaims } from './verified-request.js'

/** A JWS algorithm that an access token may be signed with. */
export type TokenAlgorithm = ProofAlgorithm

/** The part of `fetch` that is used. */
export type Fetch = (url: string, init: FetchInit) => Promise<Response>

/** The request init passed to {@link Fetch}. */
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

/** Token introspection at an authorization server (RFC 7662 §2.1). */
export interface IntrospectionOptions {
  /** @defaultValue `introspection_endpoint` of the issuer's metadata */
  readonly endpoint?: string
  /** The client identifier of this API at the server. */
  readonly clientId: string
  readonly clientSecret?: string
  /** A private JWK with an `alg` of its key type, for `private_key_jwt` (RFC 7523). */
  readonly privateKey?: Readonly<Record<string, unknown>>
  /** @defaultValue `'private_key_jwt'` with a `privateKey`, `'client_secret_basic'` with a `clientSecret` */
  readonly authMethod?: 'client_secret_basic' | 'client_secret_post' | 'private_key_jwt'
  /**
   * `'opaque'`: only tokens that are not JWTs. `'all'`: JWTs as well, after local verification, so that revocation is detected.
   * @defaultValue 'opaque'
   */
  readonly tokens?: 'opaque' | 'all'
  /** Request signed responses and reject others (RFC 9701). @defaultValue false */
  readonly signedResponse?: boolean
  /**
   * Seconds that a response is cached, at most until `exp`. A revoked token may be accepted for this long. From 0 to 3600.
   * @defaultValue 30
   */
  readonly maxCacheSeconds?: number
  /**
   * Maximum number of concurrent introspection requests; above it the response is 503. Half of them are reserved for tokens that
   * were active before or have a verified signature, since any client can send forged tokens. From 1 to 10 000.
   * @defaultValue 100
   */
  readonly maxConcurrentRequests?: number
  /**
   * Members that the response for an active token must have, such as `['aud', 'token_type']`. RFC 7662 §2.2 requires none. Some
   * servers also introspect refresh tokens, which would then be accepted as access tokens: require a member that only access
   * tokens have, or configure the server to introspect only access tokens for this API. @defaultValue none
   */
  readonly requiredMembers?: readonly string[]
}

/** One authorization server whose access tokens are accepted. */
export interface IssuerOptions {
  /** The issuer identifier, identical to `iss` of its tokens (RFC 9068 §4). https, or http on loopback. */
  readonly issuer: string
  /** Accepted `aud` values of this issuer's tokens. @defaultValue the verifier's `audience` */
  readonly audience?: string | readonly string[]
  /** URL of its key set. @defaultValue `jwks_uri` of its metadata (RFC 8414, then OpenID Connect Discovery) */
  readonly jwksUri?: string
  /** Its key set, which is then never fetched. */
  readonly jwks?: JwkSet
  /** Accepted signature algorithms of its tokens; see `token.algorithms`. @defaultValue `token.algorithms` */
  readonly algorithms?: readonly TokenAlgorithm[]
  /** @defaultValue `token.type` */
  readonly type?: 'at+jwt' | 'any'
  /** @defaultValue `token.requiredClaims` */
  readonly requiredClaims?: readonly string[]
  /** @defaultValue `token.scopes` */
  readonly scopes?: (claims: AccessTokenClaims) => readonly string[] | undefined
  /** @defaultValue `token.clockToleranceSeconds` */
  readonly clockToleranceSeconds?: number
  /**
   * Accept opaque tokens of this issuer through introspection. Opaque tokens do not name their issuer, so this has no effect for
   * issuers that a function returns, except for JWTs with `tokens: 'all'`. @defaultValue none: tokens must be JWTs
   */
  readonly introspection?: IntrospectionOptions
}

/** An issuer identifier, or the options of an issuer. */
export type IssuerChoice = string | IssuerOptions

/** Options of proof validation. */
export interface ProofOptions {
  /**
   * Accepted signature algorithms, also advertised as `algs`. RS256, RS384 and RS512 are also supported, and ML-DSA-44, ML-DSA-65 and
   * ML-DSA-87 (RFC 9964) on runtimes that have them, such as Node.js 24.7; elsewhere they are a `TypeError`. @defaultValue ES256 ES384
   * ES512 EdDSA Ed25519 PS256 PS384 PS512
   */
  readonly algorithms?: readonly ProofAlgorithm[]
  /** Maximum age of a proof in seconds after its `iat`, inclusive. At most 300. @defaultValue 300, with `profile: 'fapi2'` 60 */
  readonly maxAgeSeconds?: number
  /** Seconds that `iat` may be in the future, inclusive. At most 300. @defaultValue 30 */
  readonly maxFutureSeconds?: number
  /**
   * Maximum length of a proof in bytes (ASCII characters). From 512 to 65 536. The HTTP server has a limit of its own.
   * @defaultValue 8192, or 16 384 if an ML-DSA algorithm is accepted
   */
  readonly maxBytes?: number
  /** Allow windows above 300 seconds. A stolen unused proof is valid for as long. @defaultValue false */
  readonly dangerouslyAllowWideWindow?: boolean
}

/** Options of server-provided nonces (RFC 9449 §9). */
export interface NonceOptions {
  /**
   * At least 32 random bytes each, as bytes or as a string of that length. Nonces are issued with the first secret and accepted
   * with all of them. To rotate: append the new secret on every instance, then move it to the front, then remove the old one.
   * Instances with the same secrets accept each other's nonces.
   */
  readonly secrets: readonly (string | Uint8Array)[]
  /** Maximum lifetime of a nonce in seconds; the minimum is half of it. From 10 to 3600. @defaultValue 300 */
  readonly maxAgeSeconds?: number
  /**
   * Which requests require a nonce; others are checked against the `iat` window. Decide by route and not by what the client sent:
   * a client that received a nonce must always be required to use one (RFC 9449 §11.3), and the expiry of a replay entry depends
   * on the check that the proof passed. @defaultValue all requests
   */
  readonly required?: (request: RequestLike) => MaybePromise<boolean>
  /**
   * Send the current nonce with every response to a request with a proof, instead of only when the client needs another one (RFC 9449
   * §8.2). AT Protocol clients require it. @defaultValue false
   */
  readonly onEveryResponse?: boolean
}

/** Options of the caches of verified tokens, of introspection responses and of imported proof keys. */
export interface CacheOptions {
  /**
   * Number of clients whose token and key are cached. A request of any other client costs a second signature verification and the
   * import of a key. One client has at most eight entries. docs/operations.md has the memory of each client. From 1000 to 1 000 000. @defaultValue 10 000
   */
  readonly maxClients?: number
}

/** Protected resource metadata (RFC 9728 §2). What is enforced is published: issuers, proof algorithms and `allowBearer`. */
export interface MetadataOptions {
  /** @defaultValue the configured issuers; required if `issuer` is a function */
  readonly authorizationServers?: readonly string[]
  /** Scopes that clients may request. Not necessarily all (§7.2). */
  readonly scopesSupported?: readonly string[]
  /**
   * The resources of this API: base URLs, or URLs below one. Each has a document. Clients that come from a challenge require that
   * `resource` is the URL that they requested (§3.3): name the URL of an endpoint, such as that of an MCP server, here and in `audience`.
   * If there is one resource, its document is also at the root. @defaultValue the base URLs
   */
  readonly resources?: readonly string[]
  /** Human-readable name. Translations are extensions, such as `'resource_name#it'`. */
  readonly resourceName?: string
  /** URL of the documentation for developers. */
  readonly resourceDocumentation?: string
  /** URL of the policy. */
  readonly resourcePolicyUri?: string
  /** URL of the terms of service. */
  readonly resourceTosUri?: string
  /** URL of the key set of this API, if it signs responses. */
  readonly jwksUri?: string
  /** Whether access tokens must also be bound to a TLS certificate (RFC 8705). @defaultValue false */
  readonly tlsClientCertificateBoundAccessTokens?: boolean
  /** Seconds that the document may be cached, since a challenge may announce a change (§5.2). From 0 to a week. @defaultValue 3600 */
  readonly maxAgeSeconds?: number
  /** Further members, which are published as they are. JSON values. */
  readonly extensions?: Readonly<Record<string, unknown>>
}

/** Options of access token validation. */
export interface TokenOptions {
  /**
   * `'at+jwt'`: JWT access tokens of RFC 9068 with all required claims. `'any'`: also tokens of servers that do not follow it;
   * `iss`, `aud` and `exp` are still required, and JWTs of other registered types are still rejected.
   * @defaultValue 'at+jwt'
   */
  readonly type?: 'at+jwt' | 'any'
  /** Accepted signature algorithms. ML-DSA as in `proof.algorithms`. @defaultValue all supported algorithms except ML-DSA */
  readonly algorithms?: readonly TokenAlgorithm[]
  /**
   * Claims that a JWT access token must have besides `iss`, `aud` and `exp`, which are always required. For opaque tokens, see
   * `introspection.requiredMembers`. @defaultValue `sub`, `client_id`, `iat` and `jti` (RFC 9068 §2.2) with `'at+jwt'`, none with `'any'`
   */
  readonly requiredClaims?: readonly string[]
  /**
   * Returns the scopes of a token from its verified claims or its introspection response, for servers that use other claims, such
   * as `permissions` or `roles`. undefined means no scopes. If it throws or returns a promise, the response is 503. With a function as
   * `issuer`, return the same function each time, since tokens are cached per function.
   * @defaultValue the values of `scope` (RFC 8693 §4.2) and `scp`, each a space-delimited string or an array
   */
  readonly scopes?: (claims: AccessTokenClaims) => readonly string[] | undefined
  /**
   * Whether a granted scope satisfies a required one, for scope hierarchies: `files` may satisfy `files:read`. If it throws or
   * returns a promise, the response is 503. @defaultValue equality
   */
  readonly scopeSatisfies?: (granted: string, required: string) => boolean
  /** Clock tolerance for `exp`, `nbf` and `auth_time` of a token in seconds. At most 300. @defaultValue 5 */
  readonly clockToleranceSeconds?: number
  /** Whether the token was revoked. Called on every request, after the token was verified. If it throws, the response is 503. */
  readonly isRevoked?: (claims: AccessTokenClaims) => MaybePromise<boolean>
}

/** Options of {@link createVerifier}. All are validated when the verifier is created. */
export interface VerifierOptions {
  /**
   * The authorization servers whose tokens are accepted. The keys of one never verify the tokens of another. A function supports
   * issuers that are added at run time: it receives the unverified `iss` of a token and returns the options of that issuer, or
   * undefined to reject the token. Nothing is fetched for an issuer that it does not return.
   */
  readonly issuer: IssuerChoice | readonly IssuerChoice[] | ((iss: string) => MaybePromise<IssuerChoice | undefined>)
  /** Accepted `aud` values: a token must have one of them. @defaultValue the `baseUrl`, unless it is a function */
  readonly audience?: string | readonly string[]
  /**
   * The public URL of this API: scheme and authority, with the path prefix that a gateway removes, if any. The Host header field
   * selects among several. A function of the request supports tenants that are added at run time; undefined rejects the request.
   */
  readonly baseUrl: string | readonly string[] | ((request: RequestLike) => MaybePromise<string | undefined>)
  /** Also accept Bearer tokens that are not bound to a key. @defaultValue false */
  readonly allowBearer?: boolean
  /** Accept requests without credentials as anonymous. Invalid credentials are still rejected. @defaultValue false */
  readonly optional?: boolean
  /** Options of proof validation. */
  readonly proof?: ProofOptions
  /** The store of consumed proofs. `false` disables replay detection within the window. @defaultValue `memoryReplayStore()` */
  readonly replay?: ReplayStore | false
  /**
   * Number of processes that serve this API. With more than one, or in a worker of `node:cluster`, a warning is emitted once if
   * `replay` is a memory store, which processes do not share. @defaultValue 1
   */
  readonly instances?: number
  /**
   * Require a server-provided nonce in every proof. Its age replaces the `iat` window, so the clock of the client is irrelevant and
   * proofs cannot be created in advance. @defaultValue false
   */
  readonly nonce?: false | NonceOptions
  /** Access token validation. */
  readonly token?: TokenOptions
  /**
   * Returns the client's TLS certificate as PEM or DER, for tokens that are also bound to one (RFC 8705 §3). Read it from the TLS
   * socket or from a header field that your proxy overwrites. @defaultValue none: such tokens are rejected
   */
  readonly clientCertificate?: (request: RequestLike) => MaybePromise<string | Uint8Array | undefined>
  /** The caches of verified tokens, introspection responses and proof keys. Each process has its own. */
  readonly cache?: CacheOptions
  /**
   * `'fapi2'`: the FAPI 2.0 Security Profile (§5.3.4, §5.4.1): PS256, ES256, EdDSA and Ed25519 for proofs and tokens,
   * `proof.maxAgeSeconds` of at most 60 and `proof.maxFutureSeconds` from 10 to 60. `allowBearer` and other values are a TypeError.
   */
  readonly profile?: 'fapi2'
  /**
   * Where Node.js verifies the signatures of proofs and of tokens that are not cached. `'inline'`: on the event loop, fastest with
   * one process per core. `'pool'`: in the libuv thread pool. `'auto'`: inline for the first two requests of an event-loop turn, in
   * the pool for further ones and for slow algorithms (ES384, ES512, ML-DSA-65, ML-DSA-87, RSA above 4096 bits). @defaultValue 'auto'
   */
  readonly signatureThreads?: SignatureThreads
  /** Milliseconds since the epoch, like `Date.now`. @defaultValue `Date.now` */
  readonly clock?: () => number
  /**
   * Seconds that a key set stays in use after it is due for a refresh (ten minutes) while the issuer is unavailable. At most
   * 86 400. @defaultValue 3600
   */
  readonly staleIfErrorSeconds?: number
  /** Fetches metadata, key sets and introspection responses. @defaultValue the global `fetch` */
  readonly fetch?: Fetch
  /**
   * Publishes protected resource metadata (RFC 9728), and `resource_metadata` in challenges. `{}` suffices. Not with a function as
   * `baseUrl`. @defaultValue none
   */
  readonly metadata?: MetadataOptions
  /** Accept `http:` issuers and base URLs beyond loopback. Tokens and keys are then transmitted unprotected. @defaultValue false */
  readonly dangerouslyAllowInsecureRequests?: boolean
}
