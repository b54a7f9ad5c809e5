/** dpop-guard: verifies DPoP-bound access tokens and their proofs (RFC 9449), for any framework or none. @module dpop-guard */

export { optionsFromEnv } from './config/from-env.js'
export type { MaybePromise, ProofAlgorithm } from './crypto/crypto.js'
export type { SignatureThreads } from './crypto/signature-threads.js'
export type { ExplainedCheck } from './diagnostics/explain.js'
export type { AnyErrorCode } from './diagnostics/hints.js'
export type { JsonObject } from './encoding/json.js'
export {
  DPoPError,
  type DPoPErrorCode,
  DPoPUnavailableError,
  type DPoPUnavailableErrorCode,
  isDPoPError,
  isDPoPUnavailableError,
  type OAuthErrorCode,
  type RefusalDetail,
  type RejectionStatus,
  type ResponseHeaders
} from './errors.js'
export { type MemoryReplayStoreOptions, memoryReplayStore } from './freshness/memory-replay-store.js'
export { type RedisReplayStoreOptions, redisReplayStore } from './freshness/redis-replay-store.js'
export { type ReplayContext, ReplayQuotaError, type ReplayStore } from './freshness/replay-store.js'
export type {
  CacheOptions,
  Fetch,
  FetchInit,
  IntrospectionOptions,
  IssuerChoice,
  IssuerOptions,
  JwkSet,
  MetadataOptions,
  NonceOptions,
  ProofOptions,
  TokenAlgorithm,
  TokenOptions,
  VerifierOptions
} from './options.js'
export type { Policy } from './policy/policy.js'
export type { AuthenticationRequirement } from './policy/step-up.js'
export type { Scheme } from './request/credentials.js'
export type { FetchRequest, HeaderRecord, NodeRequest, PlainRequest, RequestLike } from './request/request.js'
export type { MetadataResponse } from './response/resource-metadata.js'
export type {
  EventRequest,
  IntrospectedEvent,
  KeysRefreshedEvent,
  MisconfiguredEvent,
  NonceIssuedEvent,
  RefusedEvent,
  ReplayReservedEvent,
  UnavailableEvent,
  VerifiedEvent,
  VerifyMessage
} from './telemetry.js'
export type { AccessTokenClaims, VerifiedProof, VerifiedRequest } from './verified-request.js'
export { type AnyVerifier, createVerifier, type RoutePolicy, type Verifier, type VerifyOptions } from './verifier.js'
export { toVerifier, type VerifierSource } from './verifier-source.js'
export { verifyRequest } from './verify-request.js'
