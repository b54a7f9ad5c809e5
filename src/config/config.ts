/** Validates the options of a verifier and applies the defaults. @module */

import { isPostQuantum, type MaybePromise } from '../crypto/crypto.js'
import type { SignatureThreads } from '../crypto/signature-threads.js'
import { memoryReplayStore } from '../freshness/memory-replay-store.js'
import type { ReplayStore } from '../freshness/replay-store.js'
import type { CacheOptions, Fetch, NonceOptions, ProofOptions, TokenOptions, VerifierOptions } from '../options.js'
import type { RequestLike } from '../request/request.js'
import { type BaseUrl, parseBaseUrl } from '../request/target-uri.js'
import { checkAlgorithms } from './algorithms.js'
import { type IssuersConfig, resolveIssuers } from './issuers.js'
import { fapi2, type Limits, standard } from './limits.js'
import { type MetadataConfig, resolveMetadata } from './metadata-options.js'
import { check, checkKeys, misconfigured } from './option-validation.js'
import { resolveSecrets } from './secrets.js'
import { checkTokenRules } from './token-rules.js'
import { warnAboutUnsharedMemory } from './warnings.js'

/** The validated option `nonce`. */
export interface NonceConfig {
  readonly secrets: readonly Uint8Array[]
  readonly maxAgeSeconds: number
  readonly required: NonceOptions['required']
  readonly onEveryResponse: boolean
}

/** The validated options with defaults applied. */
export interface VerifierConfig {
  readonly issuers: IssuersConfig
  readonly baseUrls: readonly BaseUrl[] | ((request: RequestLike) => MaybePromise<readonly BaseUrl[]>)
  /** The `realm` of challenges. */
  readonly realm: string
  readonly allowBearer: boolean
  readonly optional: boolean
  readonly proof: Required<Omit<ProofOptions, 'dangerouslyAllowWideWindow'>>
  readonly replay: ReplayStore | false
  readonly nonce: NonceConfig | undefined
  readonly token: {
    readonly clockToleranceSeconds: number
    readonly isRevoked: TokenOptions['isRevoked']
    readonly scopeSatisfies: NonNullable<TokenOptions['scopeSatisfies']>
  }
  readonly clientCertificate: VerifierOptions['clientCertificate']
  readonly cache: Required<CacheOptions>
  readonly signatureThreads: SignatureThreads
  readonly clock: () => number
  readonly staleIfErrorSeconds: number
  readonly fetch: Fetch
  readonly allowHttp: boolean
  readonly metadata: MetadataConfig | undefined
}

const knownOptions = {
  issuer: true,
  audience: true,
  baseUrl: true,
  allowBearer: true,
  optional: true,
  proof: true,
  replay: true,
  instances: true,
  nonce: true,
  token: true,
  clientCertificate: true,
  cache: true,
  profile: true,
  signatureThreads: true,
  staleIfErrorSeconds: true,
  clock: true,
  fetch: true,
  metadata: true,
  dangerouslyAllowInsecureRequests: true
} as const satisfies Record<keyof VerifierOptions, true>

const knownProofOptions = {
  algorithms: true,
  maxAgeSeconds: true,
  maxFutureSeconds: true,
  maxBytes: true,
  dangerouslyAllowWideWindow: true
} as const satisfies Record<keyof ProofOptions, true>
const knownNonceOptions = { secrets: true, maxAgeSeconds: true, required: true, onEveryResponse: true } as const satisfies Record<
  keyof NonceOptions,
  true
>
const knownTokenOptions = {
  type: true,
  algorithms: true,
  requiredClaims: true,
  scopes: true,
  scopeSatisfies: true,
  clockToleranceSeconds: true,
  isRevoked: true
} as const satisfies Record<keyof TokenOptions, true>

const knownCacheOptions = { maxClients: true } as const satisfies Record<keyof CacheOptions, true>

const WEEK_SECONDS = 604_800
const MAX_BYTES = 8192
/** A proof of ML-DSA-87 has about 11 200 bytes. */
const POST_QUANTUM_MAX_BYTES = 16_384

/** Validates every option and applies the defaults. Throws a `TypeError` that names the first invalid one. */
export function resolveOptions(options: VerifierOptions): VerifierConfig {
  checkKeys('', options, knownOptions)
  const allowHttp = check.flag('dangerouslyAllowInsecureRequests', options.dangerouslyAllowInsecureRequests)
  const limits = check.oneOf('profile', options.profile, ['fapi2']) === 'fapi2' ? fapi2 : standard
  const allowBearer = check.flag('allowBearer', options.allowBearer)
  if (allowBearer && limits === fapi2) misconfigured('allowBearer', 'be false under the FAPI 2.0 profile')
  const clock = check.func('clock', options.clock) ?? Date.now
  const tokens = checkKeys('token.', options.token === undefined ? {} : options.token, knownTokenOptions)
  const tokenAlgorithms =
    checkAlgorithms('token.algorithms', tokens.algorithms, limits.tokenAlgorithms) ?? limits.defaultTokenAlgorithms
  const rules = checkTokenRules('token.', tokens)
  const baseUrls = resolveBaseUrls(options.baseUrl, allowHttp)
  const audience = resolveAudience(options)
  const issuers = resolveIssuers(options.issuer, { audience, algorithms: tokenAlgorithms, rules, allowHttp, limits })
  const proof = resolveProof(options.proof, limits)
  return Object.freeze({
    issuers,
    metadata: resolveMetadata(options, { issuers, allowBearer, proof, allowHttp }),
    baseUrls,
    realm: typeof baseUrls === 'function' ? 'api' : realmOf(baseUrls[0] as BaseUrl),
    allowBearer,
    optional: check.flag('optional', options.optional),
    proof,
    replay: resolveReplay(options),
    nonce: resolveNonce(options.nonce),
    token: {
      clockToleranceSeconds: rules.clockToleranceSeconds,
      isRevoked: check.func('token.isRevoked', tokens.isRevoked),
      scopeSatisfies: check.func('token.scopeSatisfies', tokens.scopeSatisfies) ?? ((granted, required) => granted === required)
    },
    clientCertificate: check.func('clientCertificate', options.clientCertificate),
    cache: resolveCache(options.cache),
    signatureThreads: check.oneOf('signatureThreads', options.signatureThreads, ['inline', 'pool', 'auto']) ?? 'auto',
    clock,
    staleIfErrorSeconds: check.integer('staleIfErrorSeconds', options.staleIfErrorSeconds, {
      min: 0,
      max: 86_400,
      otherwise: 3600
    }),
    fetch: check.func('fetch', options.fetch) ?? ((url, init) => globalThis.fetch(url, init)),
    allowHttp
  })
}

function realmOf({ origin, prefix }: BaseUrl): string {
  return `${origin}${prefix}`
}

/** Must be called after the base URLs were validated. */
function resolveAudience({ audience, baseUrl }: VerifierOptions): readonly string[] | undefined {
  if (audience !== undefined) return check.strings('audience', audience)
  if (typeof baseUrl === 'function') return undefined
  // A trailing slash of the base URL is not significant, so a token may have either form.
  return Object.freeze([...new Set([baseUrl].flat().flatMap((url) => [url, url.replace(/\/$/, '')]))])
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
  if (typeof value === 'string' && value.includes(',')) misconfigured('baseUrl', 'be one URL, or an array of URLs')
  check.url('baseUrl', value, allowHttp)
  return (
    parseBaseUrl(value as string) ?? misconfigured('baseUrl', 'consist of scheme, host and path, percent-encoded where needed')
  )
}

function resolveProof(value: ProofOptions | undefined, limits: Limits): VerifierConfig['proof'] {
  const options = checkKeys('proof.', value === undefined ? {} : value, knownProofOptions)
  const isWide = check.flag('proof.dangerouslyAllowWideWindow', options.dangerouslyAllowWideWindow)
  if (isWide && limits === fapi2) misconfigured('proof.dangerouslyAllowWideWindow', 'be false under the FAPI 2.0 profile')
  const { maxAgeSeconds, maxFutureSeconds } = limits
  const algorithms =
    checkAlgorithms('proof.algorithms', options.algorithms, limits.proofAlgorithms) ?? limits.defaultProofAlgorithms
  return Object.freeze({
    algorithms,
    maxAgeSeconds: check.integer('proof.maxAgeSeconds', options.maxAgeSeconds, {
      min: 1,
      max: isWide ? WEEK_SECONDS : maxAgeSeconds,
      otherwise: maxAgeSeconds
    }),
    maxFutureSeconds: check.integer('proof.maxFutureSeconds', options.maxFutureSeconds, {
      min: maxFutureSeconds.min,
      max: isWide ? WEEK_SECONDS : maxFutureSeconds.max,
      otherwise: 30
    }),
    maxBytes: check.integer('proof.maxBytes', options.maxBytes, {
      min: 512,
      max: 65_536,
      otherwise: algorithms.some(isPostQuantum) ? POST_QUANTUM_MAX_BYTES : MAX_BYTES
    })
  })
}

function resolveReplay({ replay: value, instances: count }: VerifierOptions): VerifierConfig['replay'] {
  const isStore = value === undefined || value === false || typeof value?.reserve === 'function'
  if (!isStore) misconfigured('replay', 'be false or a store with a "reserve" method')
  const replay = value === undefined ? memoryReplayStore() : value
  warnAboutUnsharedMemory(replay, check.integer('instances', count, { min: 1, max: 1_000_000, otherwise: 1 }))
  return replay
}

function resolveCache(value: VerifierOptions['cache']): VerifierConfig['cache'] {
  const { maxClients } = checkKeys('cache.', value === undefined ? {} : value, knownCacheOptions)
  return Object.freeze({
    maxClients: check.integer('cache.maxClients', maxClients, { min: 1000, max: 1_000_000, otherwise: 10_000 })
  })
}

function resolveNonce(value: VerifierOptions['nonce']): NonceConfig | undefined {
  if (value === undefined || value === false) return undefined
  const options = checkKeys('nonce.', value, knownNonceOptions)
  return Object.freeze({
    secrets: resolveSecrets('nonce.secrets', options.secrets),
    maxAgeSeconds: check.integer('nonce.maxAgeSeconds', options.maxAgeSeconds, { min: 10, max: 3600, otherwise: 300 }),
    required: check.func('nonce.required', options.required),
    onEveryResponse: check.flag('nonce.onEveryResponse', options.onEveryResponse)
  })
}
