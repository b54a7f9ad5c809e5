/** The interface of a verifier, and its creation from options. @module */

import { resolveOptions } from './config/config.js'
import type { MaybePromise } from './crypto/crypto.js'
import type { ExplainedCheck } from './diagnostics/explain.js'
import type { JsonObject } from './encoding/json.js'
import type { ResponseHeaders } from './errors.js'
import type { VerifierOptions } from './options.js'
import type { Policy } from './policy/policy.js'
import type { RequestLike } from './request/request.js'
import { RequestVerifier } from './request-verifier.js'
import type { MetadataResponse } from './response/resource-metadata.js'
import type { VerifiedRequest } from './verified-request.js'
import type { RoutePolicy, VerifyOptions } from './verify-options.js'

export type { RoutePolicy, VerifyOptions } from './verify-options.js'

/** Verifies requests with one configuration. It holds caches and the replay store: create one per application. */
export interface Verifier<Result extends VerifiedRequest | undefined = VerifiedRequest> {
  /**
   * Verifies token, proof and binding of a request (RFC 9449 §4.3 and §7). Not checked: query, body and other header fields, which
   * a proof does not cover (§11.7).
   *
   * @returns the verified request; undefined for a request without credentials, with the option `optional`
   * @throws {@link DPoPError} if the request is rejected
   * @throws {@link DPoPUnavailableError} if keys, introspection, the replay store or a hook is unavailable
   */
  verifyRequest(request: RequestLike, options?: VerifyOptions): Promise<Result>
  /**
   * Requires scopes after verification, when the proof was already consumed. Prefer the options of {@link verifyRequest}.
   *
   * @throws {@link DPoPError} 403 `insufficient_scope` if the request lacks one of `scopes`; 401 if it has no credentials
   * @throws {@link DPoPUnavailableError} if `scopes` is not an array, or `token.scopeSatisfies` throws
   */
  requireScopes(auth: VerifiedRequest | undefined, scopes: readonly string[]): asserts auth is VerifiedRequest
  /**
   * Checks a policy after verification, when the proof was already consumed. Prefer the options of {@link verifyRequest}.
   *
   * @param policy with the `route` of diagnostics events, if known
   * @param request passed to `authorize`
   * @throws {@link DPoPError} if the policy is not satisfied, or the request has no credentials
   * @throws {@link DPoPUnavailableError} if a hook throws
   */
  requirePolicy(auth: VerifiedRequest | undefined, policy: RoutePolicy, request: RequestLike): Promise<void>
  /**
   * Runs all checks of a request and returns their results in order, without consuming the proof and without stopping at the first
   * failure. For developers: a hook in the options is called as usual, and no result may be sent to a client.
   *
   * @throws TypeError if an option is unknown or invalid
   */
  explain(request: RequestLike, options?: VerifyOptions): Promise<readonly ExplainedCheck[]>
  /**
   * The header fields of the current nonce, `DPoP-Nonce` and `Cache-Control: no-store`, for responses of endpoints that provide a nonce
   * before the first protected request (RFC 9449 §8.2). Empty if nonces are disabled. A promise on runtimes without `node:crypto`.
   */
  nonceHeaders(): MaybePromise<ResponseHeaders>
  /**
   * The protected resource metadata of a resource (RFC 9728 §2).
   *
   * @param resource one of `metadata.resources`; defaults to the first
   * @throws TypeError if the option `metadata` is not set or does not have the resource
   */
  resourceMetadata(resource?: string): JsonObject
  /**
   * The response to a request for the metadata, which adapters send before the guard; undefined for any other URL and without the
   * option `metadata`. Credentials are ignored.
   *
   * @throws {@link DPoPError} if the request is malformed
   */
  metadataResponse(request: RequestLike, options?: Pick<VerifyOptions, 'target'>): MetadataResponse | undefined
  /**
   * Resolves when metadata and keys of all issuers are loaded and the replay store responds. For readiness probes; requests do not
   * require it.
   *
   * @throws {@link DPoPUnavailableError} if one of them is unavailable; it may be called again
   */
  ready(): Promise<void>
}

/** A verifier of any options. */
export type AnyVerifier = Verifier<VerifiedRequest | undefined>

/**
 * Creates a verifier.
 *
 * @throws TypeError that names the option that is missing, unknown or invalid
 */
export function createVerifier(options: VerifierOptions & { readonly optional: true }): Verifier<VerifiedRequest | undefined>
export function createVerifier(options: VerifierOptions & { readonly optional?: false }): Verifier
export function createVerifier(options: VerifierOptions): Verifier<VerifiedRequest | undefined>
export function createVerifier(options: VerifierOptions): Verifier<VerifiedRequest | undefined> {
  return new RequestVerifier(resolveOptions(options))
}

/**
 * Warns if the metadata lacks scopes that the policy of a route requires, for adapters when the route is registered (RFC 9728 §2). No
 * effect before the options of the verifier are known, such as those of a function; they are then compared at the first request.
 */
export function comparePublishedScopes(verifier: AnyVerifier, policy: Policy<never>): void {
  if (verifier instanceof RequestVerifier) verifier.comparePublishedScopes(policy)
}
