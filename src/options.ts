/** Every option once: its type, unit, default and check. @module */

import { type MaybePromise, type ProofAlgorithm, proofAlgorithms } from './crypto/crypto.js'
import { memoryReplayStore } from './freshness/memory-replay-store.js'
import type { ReplayStore } from './freshness/replay.js'
import { check, checkKeys, misconfigured } from './option-checks.js'
import type { SignatureThreads } from './proof/signature-threads.js'
import type { RequestLike } from './request/request.js'
import { type BaseUrl, parseBaseUrl } from './request/target-uri.js'
import type { AccessTokenClaims } from './verified-request.js'

/** A JWS algorithm that an access token may be signed with. */
export type TokenAlgorithm = ProofAlgorithm

/** `fetch`, as far as it is used: one URL, answered by a Fetch `Response`. */
export type Fetch = (
  url: string,
  init: { headers: Record<string, string>; redirect: 'manual'; signal: AbortSignal }
) => Promise<Response>

/** A public key set (RFC 7517 §5). */
export interface JwkSet {
  readonly keys: readonly Readonly<Record<string, unknown>>[]
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
}

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
   * asked for one ever after (RFC 9449 §11.3), so decide by route, not by what the client sent. @defaultValue for all
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
  /** The authorization server whose tokens are accepted, or several; the keys of one never verify another's tokens. */
  readonly issuer: string | IssuerOptions | readonly (string | IssuerOptions)[]
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
   * Where Node.js verifies the signatures of proofs. `'inline'`: on the event loop, cheapest where one process runs for each
   * core. `'pool'`: in libuv's thread pool. `'auto'`: the first of a turn of the event loop inline, the rest of a burst and
   * whatever is slow (ES384, ES512, RSA above 4096 bits) in the pool. @defaultValue 'auto'
   */
  readonly signatureThreads?: SignatureThreads
  /** Milliseconds since the epoch, like `Date.now`. @defaultValue `Date.now` */
  readonly clock?: () => number
  /** Fetches metadata and keys. @defaultValue the platform's `fetch` */
  readonly fetch?: Fetch
  /** Accept `http:` issuers and base URLs beyond loopback. Tokens and keys then travel unprotected. @defaultValue false */
  readonly dangerouslyAllowInsecureRequests?: boolean
}

/** One issuer, checked. */
export interface IssuerConfig {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly algorithms: readonly TokenAlgorithm[]
  readonly jwksUri: string | undefined
  readonly jwks: JwkSet | undefined
}

/** Nonces, checked. */
export interface NonceConfig {
  readonly secrets: readonly Uint8Array[]
  readonly maxAgeSeconds: number
  readonly required: NonceOptions['required']
}

/** The options, checked, defaults filled in. */
export interface VerifierConfig {
  readonly issuers: readonly IssuerConfig[]
  readonly baseUrls: readonly BaseUrl[] | ((request: RequestLike) => MaybePromise<readonly BaseUrl[]>)
  /** The `realm` of challenges. */
  readonly realm: string
  readonly allowBearer: boolean
  readonly optional: boolean
  readonly proof: Required<Omit<ProofOptions, 'dangerouslyAllowWideWindow'>>
  readonly replay: ReplayStore | false
  readonly nonce: NonceConfig | undefined
  readonly token: {
    readonly type: 'at+jwt' | 'any'
    readonly clockToleranceSeconds: number
    readonly isRevoked: TokenOptions['isRevoked']
  }
  readonly clientCertificate: VerifierOptions['clientCertificate']
  readonly signatureThreads: SignatureThreads
  readonly clock: () => number
  readonly fetch: Fetch
  readonly allowHttp: boolean
}

const knownOptions = {
  issuer: true,
  audience: true,
  baseUrl: true,
  allowBearer: true,
  optional: true,
  proof: true,
  replay: true,
  nonce: true,
  token: true,
  clientCertificate: true,
  profile: true,
  signatureThreads: true,
  clock: true,
  fetch: true,
  dangerouslyAllowInsecureRequests: true
} as const satisfies Record<keyof VerifierOptions, true>

const knownIssuerOptions = {
  issuer: true,
  audience: true,
  jwksUri: true,
  jwks: true,
  algorithms: true
} as const satisfies Record<keyof IssuerOptions, true>
const knownProofOptions = {
  algorithms: true,
  maxAgeSeconds: true,
  maxFutureSeconds: true,
  maxBytes: true,
  dangerouslyAllowWideWindow: true
} as const satisfies Record<keyof ProofOptions, true>
const knownNonceOptions = { secrets: true, maxAgeSeconds: true, required: true } as const satisfies Record<
  keyof NonceOptions,
  true
>
const knownTokenOptions = {
  type: true,
  algorithms: true,
  clockToleranceSeconds: true,
  isRevoked: true
} as const satisfies Record<keyof TokenOptions, true>

/** What a profile fixes: the widest that other options may ask for, which is also the default. */
interface Limits {
  readonly proofAlgorithms: readonly ProofAlgorithm[]
  readonly defaultProofAlgorithms: readonly ProofAlgorithm[]
  readonly tokenAlgorithms: readonly TokenAlgorithm[]
  readonly maxAgeSeconds: number
  readonly maxFutureSeconds: { readonly min: number; readonly max: number }
}

const standard: Limits = {
  proofAlgorithms,
  defaultProofAlgorithms: proofAlgorithms.filter((alg) => !alg.startsWith('RS')),
  tokenAlgorithms: proofAlgorithms,
  maxAgeSeconds: 300,
  maxFutureSeconds: { min: 0, max: 300 }
}

/** FAPI 2.0 Security Profile §5.4.1; §5.3.2.1: up to 10 seconds ahead must be accepted, more than 60 must not. */
const fapi2: Limits = {
  proofAlgorithms: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
  defaultProofAlgorithms: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
  tokenAlgorithms: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
  maxAgeSeconds: 60,
  maxFutureSeconds: { min: 10, max: 60 }
}

const A_WEEK_IN_SECONDS = 604_800

/** Checks every option and fills in the defaults; throws a `TypeError` that names the first wrong one. */
export function resolveOptions(options: VerifierOptions): VerifierConfig {
  checkKeys('', options, knownOptions)
  const allowHttp = check.flag('dangerouslyAllowInsecureRequests', options.dangerouslyAllowInsecureRequests)
  const limits = check.oneOf('profile', options.profile, ['fapi2']) === 'fapi2' ? fapi2 : standard
  const allowBearer = check.flag('allowBearer', options.allowBearer)
  if (allowBearer && limits === fapi2) misconfigured('allowBearer', 'be false under the FAPI 2.0 profile')
  const clock = check.func('clock', options.clock) ?? Date.now
  const tokens = checkKeys('token.', options.token === undefined ? {} : options.token, knownTokenOptions)
  const tokenAlgorithms = check.listOf('token.algorithms', tokens.algorithms, limits.tokenAlgorithms) ?? limits.tokenAlgorithms
  const baseUrls = resolveBaseUrls(options.baseUrl, allowHttp)
  const audience = resolveAudience(options)
  return Object.freeze({
    issuers: resolveIssuers(options.issuer, { audience, algorithms: tokenAlgorithms, allowHttp, limits }),
    baseUrls,
    realm: typeof baseUrls === 'function' ? 'api' : `${baseUrls[0]?.origin}${baseUrls[0]?.prefix}`,
    allowBearer,
    optional: check.flag('optional', options.optional),
    proof: resolveProof(options.proof, limits),
    replay: resolveReplay(options.replay),
    nonce: resolveNonce(options.nonce),
    token: {
      type: check.oneOf('token.type', tokens.type, ['at+jwt', 'any']) ?? 'at+jwt',
      clockToleranceSeconds: check.integer('token.clockToleranceSeconds', tokens.clockToleranceSeconds, {
        min: 0,
        max: 300,
        otherwise: 5
      }),
      isRevoked: check.func('token.isRevoked', tokens.isRevoked)
    },
    clientCertificate: check.func('clientCertificate', options.clientCertificate),
    signatureThreads: check.oneOf('signatureThreads', options.signatureThreads, ['inline', 'pool', 'auto']) ?? 'auto',
    clock,
    fetch: check.func('fetch', options.fetch) ?? ((url, init) => globalThis.fetch(url, init)),
    allowHttp
  })
}

/**
 * Reads `DPOP_ISSUER`, `DPOP_AUDIENCE` (may be absent) and `DPOP_BASE_URL`: what `dpop()` without options does. Nothing else
 * here reads the environment.
 *
 * @throws TypeError where `DPOP_ISSUER` or `DPOP_BASE_URL` is not set
 */
export function optionsFromEnv(
  env: Readonly<Record<string, string | undefined>> = globalThis.process?.env ?? {}
): VerifierOptions {
  const { DPOP_ISSUER: issuer, DPOP_AUDIENCE: audience, DPOP_BASE_URL: baseUrl } = env
  if (!issuer) misconfigured('DPOP_ISSUER', 'be set in the environment where no options are given')
  if (!baseUrl) misconfigured('DPOP_BASE_URL', 'be set in the environment where no options are given')
  return { issuer, baseUrl, ...(audience && { audience }) }
}

function resolveAudience({ audience, baseUrl }: VerifierOptions): readonly string[] | undefined {
  if (audience !== undefined) return check.strings('audience', audience)
  return typeof baseUrl === 'function' ? undefined : check.strings('baseUrl', baseUrl)
}

function resolveBaseUrls(value: VerifierOptions['baseUrl'], allowHttp: boolean): VerifierConfig['baseUrls'] {
  if (typeof value !== 'function')
    return Object.freeze(check.strings('baseUrl', value).map((one) => resolveBaseUrl(one, allowHttp)))
  return async (request) => {
    const url = await value(request)
    return url === undefined ? [] : [resolveBaseUrl(url, allowHttp)]
  }
}

function resolveBaseUrl(value: unknown, allowHttp: boolean): BaseUrl {
  check.url('baseUrl', value, allowHttp)
  return parseBaseUrl(value as string) ?? misconfigured('baseUrl', 'be scheme, host and path alone, percent-encoded where needed')
}

function resolveIssuers(
  value: VerifierOptions['issuer'],
  defaults: { audience: readonly string[] | undefined; algorithms: readonly TokenAlgorithm[]; allowHttp: boolean; limits: Limits }
): readonly IssuerConfig[] {
  const issuers = [value].flat().map((one: string | IssuerOptions): IssuerConfig => {
    const given =
      typeof one === 'string'
        ? { issuer: one }
        : checkKeys('issuer.', one ?? misconfigured('issuer', 'be given'), knownIssuerOptions)
    if (check.url('issuer', given.issuer, defaults.allowHttp).search !== '') misconfigured('issuer', 'have no query')
    const audience = given.audience === undefined ? defaults.audience : check.strings('issuer.audience', given.audience)
    if (given.jwks !== undefined && given.jwksUri !== undefined)
      misconfigured('issuer.jwks', 'not be given beside "issuer.jwksUri"')
    if (given.jwksUri !== undefined) check.url('issuer.jwksUri', given.jwksUri, defaults.allowHttp)
    if (given.jwks !== undefined && !isJwkSet(given.jwks))
      misconfigured('issuer.jwks', 'be a JWK Set: an object with a list of keys')
    return {
      issuer: given.issuer,
      audience: audience ?? misconfigured('audience', 'be given where "baseUrl" is a function'),
      algorithms: check.listOf('issuer.algorithms', given.algorithms, defaults.limits.tokenAlgorithms) ?? defaults.algorithms,
      jwksUri: given.jwksUri,
      jwks: given.jwks
    }
  })
  if (issuers.length === 0) misconfigured('issuer', 'name at least one issuer')
  if (new Set(issuers.map(({ issuer }) => issuer)).size < issuers.length) misconfigured('issuer', 'name each issuer once')
  return Object.freeze(issuers)
}

/** Whether a value has the shape of a JWK Set (RFC 7517 §5). */
export function isJwkSet(value: unknown): value is JwkSet {
  const keys = (value as JwkSet | null | undefined)?.keys
  return Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null && !Array.isArray(key))
}

function resolveProof(value: ProofOptions | undefined, limits: Limits): VerifierConfig['proof'] {
  const options = checkKeys('proof.', value === undefined ? {} : value, knownProofOptions)
  const isWide = check.flag('proof.dangerouslyAllowWideWindow', options.dangerouslyAllowWideWindow)
  if (isWide && limits === fapi2) misconfigured('proof.dangerouslyAllowWideWindow', 'be false under the FAPI 2.0 profile')
  const { maxAgeSeconds, maxFutureSeconds } = limits
  return Object.freeze({
    algorithms: check.listOf('proof.algorithms', options.algorithms, limits.proofAlgorithms) ?? limits.defaultProofAlgorithms,
    maxAgeSeconds: check.integer('proof.maxAgeSeconds', options.maxAgeSeconds, {
      min: 1,
      max: isWide ? A_WEEK_IN_SECONDS : maxAgeSeconds,
      otherwise: maxAgeSeconds
    }),
    maxFutureSeconds: check.integer('proof.maxFutureSeconds', options.maxFutureSeconds, {
      min: maxFutureSeconds.min,
      max: isWide ? A_WEEK_IN_SECONDS : maxFutureSeconds.max,
      otherwise: 30
    }),
    maxBytes: check.integer('proof.maxBytes', options.maxBytes, { min: 512, max: 65_536, otherwise: 8192 })
  })
}

function resolveReplay(value: VerifierOptions['replay']): VerifierConfig['replay'] {
  if (value === undefined) return memoryReplayStore()
  if (value !== false && typeof value?.reserve !== 'function')
    misconfigured('replay', 'be false or a store with a "reserve" method')
  return value
}

/** RFC 8725 §3.5: keys of sufficient entropy. */
const MIN_SECRET_BYTES = 32

function resolveNonce(value: VerifierOptions['nonce']): NonceConfig | undefined {
  if (value === undefined || value === false) return undefined
  const options = checkKeys('nonce.', value, knownNonceOptions)
  const isList = Array.isArray(options.secrets) && options.secrets.length > 0
  if (!isList) misconfigured('nonce.secrets', 'be a list of one or more secrets')
  return Object.freeze({
    secrets: options.secrets.map(resolveSecret),
    maxAgeSeconds: check.integer('nonce.maxAgeSeconds', options.maxAgeSeconds, { min: 10, max: 3600, otherwise: 300 }),
    required: check.func('nonce.required', options.required)
  })
}

function resolveSecret(secret: unknown): Uint8Array {
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
  const isLong = bytes instanceof Uint8Array && bytes.length >= MIN_SECRET_BYTES
  return isLong ? new Uint8Array(bytes) : misconfigured('nonce.secrets', `have ${MIN_SECRET_BYTES} random bytes or more each`)
}
