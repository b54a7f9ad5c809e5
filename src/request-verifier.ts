/** Verifies one request, in the order of the checks. @module */

import type { VerifierConfig } from './config/config.js'
import { misconfigured } from './config/option-validation.js'
import { warnAboutRejection } from './config/warnings.js'
import type { MaybePromise } from './crypto/crypto.js'
import { observeLoopTurn } from './crypto/signature-threads.js'
import type { ExplainedCheck, VerifierParts } from './diagnostics/explain.js'
import type { JsonObject } from './encoding/json.js'
import { type DPoPError, type DPoPUnavailableError, Refusal, type ResponseHeaders, refuse, responseFor } from './errors.js'
import { Freshness } from './freshness/freshness.js'
import { toUnavailableError } from './outage.js'
import { checkPolicy, checkScopes, isRestrictive, type Policy, validatePolicy } from './policy/policy.js'
import { PublishedScopes } from './policy/published-scopes.js'
import { checkAth, checkHtm, checkHtu, checkSignature, readProof } from './proof/proof.js'
import { ProofKeyCache } from './proof/proof-key-cache.js'
import { toDPoPError } from './rejection.js'
import { checkToken68, isAnonymous, parseAuthorization, proofOf, tokenOf } from './request/credentials.js'
import { type IncomingRequest, type RequestLike, readRequest } from './request/request.js'
import { targetUrisOf } from './request/target-uri.js'
import { challengeHeaders, noHeaders, nonceHeadersIfAny } from './response/challenge.js'
import { findRequestedDocument, type MetadataResponse, metadataResponse, metadataUrl } from './response/resource-metadata.js'
import * as telemetry from './telemetry.js'
import { AccessTokens, type PresentedToken, type VerifiedToken } from './token/access-token.js'
import { checkBearerBinding, checkProofBinding } from './token/binding.js'
import { checkClientCertificate } from './token/client-certificate.js'
import { checkResource } from './token/resource.js'
import { toVerifiedRequest, type VerifiedRequest } from './verified-request.js'
import { checkCall, noPolicy, type RoutePolicy, type VerifyOptions, validScopes } from './verify-options.js'

/** The implementation of `Verifier`, which has the documentation of the methods. */
export class RequestVerifier {
  readonly #config: VerifierConfig
  readonly #tokens: AccessTokens
  readonly #freshness: Freshness
  readonly #proofKeys: ProofKeyCache
  readonly #publishedScopes: PublishedScopes
  #hasAccepted = false
  readonly #acrValuesSupported = (issuer: string) => this.#tokens.acrValuesSupported(issuer)

  constructor(config: VerifierConfig) {
    this.#config = config
    this.#proofKeys = new ProofKeyCache(config.cache.maxClients)
    this.#freshness = new Freshness(config)
    this.#tokens = new AccessTokens(config)
    this.#publishedScopes = new PublishedScopes(config.metadata, config.token.scopeSatisfies)
  }

  verifyRequest(request: RequestLike, options?: VerifyOptions): Promise<VerifiedRequest | undefined> {
    const perCall = options ?? noPolicy
    return telemetry.verify.hasSubscribers ? this.#trace(request, perCall) : this.#verify(request, perCall)
  }

  async #trace(request: RequestLike, options: VerifyOptions): Promise<VerifiedRequest | undefined> {
    const message = telemetry.newMessage(options.route)
    let auth: VerifiedRequest | undefined
    await telemetry.verify.tracePromise(async () => {
      auth = await this.#verify(request, options, message)
      return auth && telemetry.toVerifiedEvent(auth, message)
    }, message)
    return auth
  }

  async #verify(
    request: RequestLike,
    options: VerifyOptions,
    message: telemetry.VerifyMessage = telemetry.newMessage(options.route)
  ): Promise<VerifiedRequest | undefined> {
    let incoming: IncomingRequest | undefined
    try {
      if (options !== noPolicy) checkCall(options)
      incoming = readRequest(request, options.target)
      message.method = incoming.method
      if (this.#config.optional && !isRestrictive(options) && isAnonymous(incoming)) return undefined
      const authorization = parseAuthorization(incoming)
      message.scheme = authorization.scheme
      const text = tokenOf(authorization, incoming)
      const presenting = this.#tokens.present(text, this.#config.clock(), observeLoopTurn(), options.audienceComparison)
      const token = presenting instanceof Promise ? await presenting : presenting
      message.isTokenCached = token.cached !== undefined
      // A cached token has valid syntax. Checked before the scheme, because Fetch joins two field lines with a comma and the first
      // one may have been Bearer.
      if (token.cached === undefined) checkToken68(token.text)
      const auth = await (authorization.scheme === 'DPoP'
        ? this.#verifyDPoP(token, incoming, request, options, message)
        : this.#verifyBearer(token, incoming, request, options))
      this.#hasAccepted = true
      if (auth.responseHeaders !== noHeaders) telemetry.publishNonceIssued('accepted')
      if (telemetry.verified.hasSubscribers) telemetry.verified.publish(telemetry.toVerifiedEvent(auth, message))
      return auth
    } catch (reason) {
      throw await this.#withNonce(reason, { ...message, incoming, scopes: validScopes(options) })
    }
  }

  requireScopes(auth: VerifiedRequest | undefined, scopes: readonly string[]): asserts auth is VerifiedRequest {
    try {
      const verified = auth ?? refuse('ERR_DPOP_CREDENTIALS_MISSING')
      // A list that is missing by mistake must not require nothing.
      if (!Array.isArray(scopes)) misconfigured('scopes', 'be an array of scope names')
      this.#publishedScopes.compare({ scopes })
      checkScopes(verified.scopes, { scopes }, this.#config.token.scopeSatisfies)
    } catch (reason) {
      throw this.#toError(reason, requestOf(auth))
    }
  }

  async requirePolicy(auth: VerifiedRequest | undefined, options: RoutePolicy, request: RequestLike): Promise<void> {
    let route: string | undefined
    try {
      const { route: given, ...policy } = options
      route = given
      await this.#checkPolicy(auth ?? refuse('ERR_DPOP_CREDENTIALS_MISSING'), validatePolicy(policy), request)
    } catch (reason) {
      throw this.#toError(reason, requestOf(auth, route, tryRead(request)))
    }
  }

  async explain(request: RequestLike, options: VerifyOptions = {}): Promise<readonly ExplainedCheck[]> {
    checkCall(options)
    const { target, route: _route, audienceComparison, ...policy } = options
    // Loaded on demand, because it is for developers.
    const { explainRequest } = await import('./diagnostics/explain.js')
    const parts = { config: this.#config, tokens: this.#tokens, freshness: this.#freshness, audienceComparison }
    const checkPolicy: VerifierParts['checkPolicy'] = async (verified, token, required, by, proof) => {
      const dpop = proof && { proof, nextNonce: undefined }
      await this.#checkPolicy(toVerifiedRequest(dpop ? 'DPoP' : 'Bearer', verified, token.text, dpop), required, by)
    }
    const verifyToken: VerifierParts['verifyToken'] = async (token, incoming) => await this.#verifyToken(token, incoming)
    return await explainRequest({ ...parts, verifyToken, checkPolicy }, request, policy, target)
  }

  nonceHeaders(): MaybePromise<ResponseHeaders> {
    const nonce = this.#freshness.nonce(this.#config.clock())
    if (nonce !== undefined) telemetry.publishNonceIssued('other')
    return nonce instanceof Promise ? nonce.then(nonceHeadersIfAny) : nonceHeadersIfAny(nonce)
  }

  resourceMetadata(resource?: string): JsonObject {
    const documents = this.#config.metadata?.documents ?? misconfigured('metadata', 'be set')
    const found = documents.find(({ content }) => resource === undefined || content['resource'] === resource)
    return found?.content ?? misconfigured('resource', 'be one of "metadata.resources", by default the base URLs')
  }

  metadataResponse(request: RequestLike, options?: Pick<VerifyOptions, 'target'>): MetadataResponse | undefined {
    const { metadata } = this.#config
    if (metadata === undefined) return undefined
    try {
      return metadataResponse(readRequest(request, options?.target), metadata)
    } catch (reason) {
      throw this.#toError(reason, requestOf(undefined))
    }
  }

  /** Warns if the metadata lacks scopes of a policy. */
  comparePublishedScopes(policy: Policy<never>): void {
    this.#publishedScopes.compare(policy)
  }

  async ready(): Promise<void> {
    try {
      await Promise.all([this.#tokens.ready(), this.#freshness.ready()])
    } catch (reason) {
      throw toUnavailableError(reason)
    }
  }

  // The order matters: an unauthenticated client never causes a write to the replay store or the import of a key; a proof signature
  // is verified only with the key that the token is bound to; and the proof is consumed last, when every other check has passed.
  async #verifyDPoP(
    token: PresentedToken,
    incoming: IncomingRequest,
    request: RequestLike,
    policy: Policy,
    message: telemetry.VerifyMessage
  ): Promise<VerifiedRequest> {
    const { proof: rules, baseUrls } = this.#config
    // Always awaited: concurrent requests must all have started before the first signature is verified.
    const proof = await readProof(proofOf(incoming), rules, this.#proofKeys)
    message.isProofKeyCached = proof.header.key !== undefined
    const bases = typeof baseUrls === 'function' ? await baseUrls(request) : baseUrls
    checkHtm(proof.claims, incoming)
    const uri = checkHtu(proof.claims, targetUrisOf(incoming, bases), incoming)
    checkAth(proof.claims, token.hash)
    const verifying = this.#verifyToken(token, incoming)
    const verified = verifying instanceof Promise ? await verifying : verifying
    checkProofBinding(verified.confirmation, proof.header.jkt)
    const { x5tS256 } = verified.confirmation
    if (x5tS256 !== undefined) await checkClientCertificate(x5tS256, request, this.#config.clientCertificate)
    const checkingSignature = checkSignature(proof, this.#proofKeys, this.#config.signatureThreads, token.turn)
    if (checkingSignature instanceof Promise) await checkingSignature
    const checking = this.#freshness.check(proof, request)
    const fresh = checking instanceof Promise ? await checking : checking
    const auth = toVerifiedRequest('DPoP', verified, token.text, { proof, nextNonce: fresh.nextNonce })
    const checkingPolicy = this.#checkPolicy(auth, policy, request)
    if (checkingPolicy instanceof Promise) await checkingPolicy
    const reserving = this.#freshness.reserve(proof, uri, fresh)
    if (reserving instanceof Promise) await reserving
    return auth
  }

  async #verifyBearer(
    token: PresentedToken,
    incoming: IncomingRequest,
    request: RequestLike,
    policy: Policy
  ): Promise<VerifiedRequest> {
    if (!this.#config.allowBearer) refuse('ERR_DPOP_SCHEME_NOT_ALLOWED')
    const verified = await this.#verifyToken(token, incoming)
    checkBearerBinding(verified.confirmation)
    const { x5tS256 } = verified.confirmation
    if (x5tS256 !== undefined) await checkClientCertificate(x5tS256, request, this.#config.clientCertificate)
    const auth = toVerifiedRequest('Bearer', verified, token.text)
    await this.#checkPolicy(auth, policy, request)
    return auth
  }

  /** Verifies a token for the resource of the request. */
  #verifyToken(token: PresentedToken, incoming: IncomingRequest): MaybePromise<VerifiedToken> {
    const { metadata } = this.#config
    const verifying = this.#tokens.verify(token)
    if (metadata === undefined || metadata.resources.length < 2) return verifying
    const check = (verified: VerifiedToken): VerifiedToken => {
      const requested = findRequestedDocument(metadata, incoming)?.content['resource'] as string | undefined
      checkResource(verified.claims.aud, requested, metadata.resources, token.audienceComparison)
      return verified
    }
    return verifying instanceof Promise ? verifying.then(check) : check(verifying)
  }

  #checkPolicy(auth: VerifiedRequest, policy: Policy, request: RequestLike): MaybePromise<void> {
    if (!isRestrictive(policy)) return undefined
    this.#publishedScopes.compare(policy)
    const { scopeSatisfies, clockToleranceSeconds } = this.#config.token
    const context = {
      scopeSatisfies,
      clockToleranceSeconds,
      nowMs: this.#config.clock(),
      acrValuesSupported: this.#acrValuesSupported
    }
    return checkPolicy(auth, policy, request, context)
  }

  /** RFC 9449 §9: a response with use_dpop_nonce has a DPoP-Nonce header field; with `onEveryResponse`, every response has. */
  async #withNonce(reason: unknown, request: FailedRequest): Promise<DPoPError | DPoPUnavailableError> {
    const requiresNonce = reason instanceof Refusal && responseFor(reason.code).error === 'use_dpop_nonce'
    const hasProof = request.incoming !== undefined && request.incoming.dpop.length > 0
    if (!requiresNonce && !(hasProof && this.#config.nonce?.onEveryResponse)) return this.#toError(reason, request)
    try {
      const nonce = await this.#freshness.nonce(this.#config.clock())
      telemetry.publishNonceIssued('rejected')
      return this.#toError(reason, request, nonce)
    } catch (cause) {
      return this.#toError(cause, request)
    }
  }

  /** Converts every thrown value into one of the two public errors and adds the challenge. */
  #toError(reason: unknown, request: FailedRequest, nonce?: string): DPoPError | DPoPUnavailableError {
    const { scheme, method, route, incoming, scopes } = request
    if (!(reason instanceof Refusal)) return toUnavailableError(reason, nonceHeadersIfAny(nonce), { method, route })
    const { code, detail, params } = reason
    if (!this.#hasAccepted) warnAboutRejection(code, detail)
    const { metadata } = this.#config
    const resourceMetadata = metadata && metadataUrl(metadata, incoming)
    const context = { scheme, nonce, params, scopes, resourceMetadata, retryAfterSeconds: detail?.retryAfterSeconds }
    return toDPoPError(reason, challengeHeaders(code, context, this.#config), { method, route })
  }
}

/** The request that a policy was checked for, to select its metadata. It may be any object. */
function tryRead(request: RequestLike): IncomingRequest | undefined {
  try {
    return readRequest(request)
  } catch {
    return undefined
  }
}

/** What is known of a request that is not accepted. */
interface FailedRequest extends Pick<telemetry.VerifyMessage, 'scheme' | 'method' | 'route'> {
  readonly incoming: IncomingRequest | undefined
  /** The scopes that the route requires. */
  readonly scopes?: readonly string[] | undefined
}

/** A request that was verified before. With `Bearer`, its method is not known. */
function requestOf(auth: VerifiedRequest | undefined, route?: string, incoming?: IncomingRequest): FailedRequest {
  return { scheme: auth?.scheme, method: auth?.proof?.htm, route, incoming }
}
