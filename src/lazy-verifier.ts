/** A verifier whose options are created at the first request, for runtimes without an environment at load time. @module */

import type { MaybePromise } from './crypto/crypto.js'
import type { ExplainedCheck } from './diagnostics/explain.js'
import type { JsonObject } from './encoding/json.js'
import type { ResponseHeaders } from './errors.js'
import { toUnavailableError } from './outage.js'
import type { RequestLike } from './request/request.js'
import type { MetadataResponse } from './response/resource-metadata.js'
import type { VerifiedRequest } from './verified-request.js'
import type { AnyVerifier, RoutePolicy, VerifyOptions } from './verifier.js'

/**
 * Creates its verifier at the first call and keeps it. If that fails, the request is 503 with the error as its cause, and the next call
 * tries again.
 */
export class LazyVerifier implements AnyVerifier {
  readonly #create: (env: object) => AnyVerifier
  #env: object = {}
  #created: AnyVerifier | undefined

  constructor(create: (env: object) => AnyVerifier) {
    this.#create = create
  }

  /** Sets what the runtime passes to handlers as the environment. No effect after the verifier was created. */
  provide(env: object): void {
    if (this.#created === undefined) this.#env = env
  }

  async verifyRequest(request: RequestLike, options?: VerifyOptions): Promise<VerifiedRequest | undefined> {
    return await this.#verifier().verifyRequest(request, options)
  }

  requireScopes(auth: VerifiedRequest | undefined, scopes: readonly string[]): asserts auth is VerifiedRequest {
    const verifier: AnyVerifier = this.#verifier()
    verifier.requireScopes(auth, scopes)
  }

  async requirePolicy(auth: VerifiedRequest | undefined, policy: RoutePolicy, request: RequestLike): Promise<void> {
    await this.#verifier().requirePolicy(auth, policy, request)
  }

  async explain(request: RequestLike, options?: VerifyOptions): Promise<readonly ExplainedCheck[]> {
    return await this.#verifier().explain(request, options)
  }

  nonceHeaders(): MaybePromise<ResponseHeaders> {
    return this.#verifier().nonceHeaders()
  }

  resourceMetadata(resource?: string): JsonObject {
    return this.#verifier().resourceMetadata(resource)
  }

  metadataResponse(request: RequestLike, options?: Pick<VerifyOptions, 'target'>): MetadataResponse | undefined {
    return this.#verifier().metadataResponse(request, options)
  }

  async ready(): Promise<void> {
    await this.#verifier().ready()
  }

  /** Throws a `DPoPUnavailableError` if the function throws or its options are invalid. */
  #verifier(): AnyVerifier {
    try {
      this.#created ??= this.#create({ ...globalThis.process?.env, ...this.#env })
      return this.#created
    } catch (reason) {
      throw toUnavailableError(reason)
    }
  }
}

/** Passes the environment of a request to a verifier whose options are a function of it. */
export function provideEnvironment(verifier: AnyVerifier, env: unknown): void {
  if (verifier instanceof LazyVerifier && typeof env === 'object' && env !== null) verifier.provide(env)
}
