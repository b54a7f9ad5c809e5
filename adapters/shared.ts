/** Shared by the adapters: verifies each request once and sets the header fields of the response. @module */

import { misconfigured } from '../src/config/option-validation.js'
import { DPoPUnavailableError, isDPoPError, isDPoPUnavailableError, type ResponseHeaders } from '../src/errors.js'
import type { VerifierOptions } from '../src/options.js'
import { isRestrictive, type Policy } from '../src/policy/policy.js'
import type { RequestLike } from '../src/request/request.js'
import type { MetadataResponse } from '../src/response/resource-metadata.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import type { AnyVerifier, VerifyOptions } from '../src/verifier.js'
import { haveEqualOptions, toVerifier, type VerifierSource } from '../src/verify-request.js'

export type { AnyVerifier } from '../src/verifier.js'

/**
 * Settings of frameworks that take one object: the options of a verifier, or an existing verifier as `verifier`. With neither, the
 * options are those of `optionsFromEnv()`.
 */
export type VerifierSettings =
  | VerifierOptions
  | ({
      /** An existing verifier, instead of options. */
      readonly verifier?: AnyVerifier
    } & { readonly [Name in keyof VerifierOptions]?: never })

/** What has a verifier, for `verifier.ready()` in a readiness probe, `verifier.nonceHeaders()` and `verifier.explain()`. */
export interface HasVerifier {
  readonly verifier: AnyVerifier
}

/** Access to the header fields of the response. */
export interface ResponseHeaderAccess {
  get(name: string): unknown
  set(name: string, value: string | string[]): void
}

/** The verification of one request. */
interface Verification {
  /** The object that identifies the request. A copy of it, or an object that inherits from it, is another request. */
  readonly key: object
  readonly verifier: AnyVerifier
  /** Settles when the state is no longer `'pending'`. */
  readonly promise: Promise<VerifiedRequest | undefined>
  state: 'pending' | 'accepted' | 'rejected'
  auth: VerifiedRequest | undefined
}

/**
 * The property of the request object that holds its verification. A WeakMap would keep the values alive until the next full garbage
 * collection, which costs up to a tenth of a verification.
 */
const verification = Symbol('dpop-guard')

/** The verification of a request. A rejection is not reused: the next guard may require less. */
function findVerification(key: { readonly [verification]?: Verification }): Verification | undefined {
  const found = key[verification]
  return found?.key === key && found.state !== 'rejected' ? found : undefined
}

/**
 * Verifies a request once, however many guards of one verifier run for it, in sequence or concurrently: a proof can only be consumed
 * once.
 *
 * @param key an object that identifies this request and is not reused for another
 */
export async function protect(
  verifier: AnyVerifier,
  request: RequestLike,
  headers: ResponseHeaderAccess,
  options: VerifyOptions,
  key: object = request
): Promise<VerifiedRequest | undefined> {
  const exposed = exposedHeaders(request, headers)
  try {
    setHeadersIfNotSent(headers, exposed)
    let earlier = findVerification(key)
    // The guards of the resolvers of a GraphQL query run concurrently. Nothing may be awaited between the last check and verification.
    while (earlier?.state === 'pending') {
      await Promise.allSettled([earlier.promise])
      earlier = findVerification(key)
    }
    if (earlier && (earlier.verifier === verifier || haveEqualOptions(earlier.verifier, verifier))) {
      await enforce(verifier, earlier.auth, options, request)
      return earlier.auth
    }
    const auth = await startVerification(verifier, request, options, key).catch((error: unknown) => {
      throw explainConflict(error, earlier)
    })
    if (auth) addHeadersIfNotSent(headers, auth.responseHeaders)
    return auth
  } catch (error) {
    throw withHeaders(error, headers, exposed)
  }
}

async function startVerification(
  verifier: AnyVerifier,
  request: RequestLike,
  options: VerifyOptions,
  key: object
): Promise<VerifiedRequest | undefined> {
  const promise = verifier.verifyRequest(request, options)
  const started: Verification = { key, verifier, promise, state: 'pending', auth: undefined }
  Object.assign(key, { [verification]: started })
  try {
    started.auth = await promise
    started.state = 'accepted'
    return started.auth
  } catch (error) {
    started.state = 'rejected'
    throw error
  }
}

/** The error of a second guard with other options and the same replay store, which would otherwise look like a replay. */
function explainConflict(error: unknown, earlier: Verification | undefined): unknown {
  if (earlier?.state !== 'accepted' || !isDPoPError(error) || error.code !== 'ERR_DPOP_PROOF_REPLAYED') return error
  const cause = new TypeError(
    'Two guards with different options and one replay store verified one request: use the same verifier'
  )
  return new DPoPUnavailableError('ERR_DPOP_VERIFIER_UNAVAILABLE', cause)
}

/**
 * Checks the policy of a request that {@link protect} accepted. Throws a `TypeError` if the request was not verified.
 *
 * @param key the object that identifies this request
 */
export async function protectPolicy(
  request: RequestLike,
  headers: ResponseHeaderAccess,
  policy: Omit<VerifyOptions, 'target'>,
  key: object = request
): Promise<void> {
  const earlier = findVerification(key)
  if (earlier?.state !== 'accepted')
    throw new TypeError(`${functionOf(policy)}() must come after dpop(): this request was not verified`)
  try {
    await enforce(earlier.verifier, earlier.auth, policy, request)
  } catch (error) {
    throw withHeaders(error, headers, exposedHeaders(request, headers))
  }
}

async function enforce(
  verifier: AnyVerifier,
  auth: VerifiedRequest | undefined,
  { target: _target, ...policy }: VerifyOptions,
  request: RequestLike
): Promise<void> {
  if (isRestrictive(policy)) await verifier.requirePolicy(auth, policy, request)
}

/** Names a middleware after the function of the adapter that creates it, for stack traces. */
export function named<Middleware extends object>(policy: Policy<never>, middleware: Middleware): Middleware {
  return Object.defineProperty(middleware, 'name', { value: functionOf(policy) })
}

/** The function of the adapters that creates middleware with a policy. */
function functionOf({ anyScope, authentication, authorize }: Policy<never>): string {
  if (authorize !== undefined) return 'authorize'
  if (authentication !== undefined) return 'requireAuthentication'
  return anyScope === undefined ? 'requireScopes' : 'requireAnyScope'
}

/** The verifier of the settings of an adapter. `own` lists the names of settings that are not options of a verifier. */
export function verifierOf(settings: VerifierSettings | AnyVerifier = {}, own: readonly string[] = []): AnyVerifier {
  if (typeof settings !== 'object' || settings === null) misconfigured('options', 'be an object')
  if ('verifyRequest' in settings) return toVerifier(settings)
  const entries = Object.entries(settings).filter(([name]) => !own.includes(name))
  if (entries.length === 0) return toVerifier()
  const { verifier, ...options } = Object.fromEntries(entries) as { verifier?: AnyVerifier } & VerifierOptions
  // The options are a copy, so the verifier is associated with the original object.
  if (verifier === undefined) return toVerifier(options, settings)
  return entries.length === 1 ? toVerifier(verifier) : misconfigured('verifier', 'not be combined with options of a verifier')
}

// List-based fields to which other middleware may have added values, which are kept (RFC 9110 §5.3).
const listFields = new Set(['www-authenticate', 'vary', 'access-control-expose-headers'])

const EXPOSE_HEADERS = 'Access-Control-Expose-Headers'
const exposedFields = ['WWW-Authenticate', 'DPoP-Nonce']

/**
 * The `Access-Control-Expose-Headers` of a response: those of CORS middleware that ran before, and the fields that a page needs to
 * read. Empty for a request without `Origin`, which is not cross-origin (Fetch standard).
 */
export function exposedHeaders(request: RequestLike, response: Pick<ResponseHeaderAccess, 'get'>): ResponseHeaders {
  if (!hasOrigin(request)) return {}
  const names = [response.get(EXPOSE_HEADERS) ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  const lower = new Set(names.map((name) => name.toLowerCase()))
  return { [EXPOSE_HEADERS]: [...names, ...exposedFields.filter((name) => !lower.has(name.toLowerCase()))].join(', ') }
}

/** The request may be any object: it is validated later. */
function hasOrigin({ headers }: Partial<RequestLike>): boolean {
  const { get, origin } = (headers ?? {}) as { readonly get?: unknown; readonly origin?: unknown }
  return typeof get === 'function' ? get.call(headers, 'origin') != null : origin !== undefined
}

/** Whether a verifier publishes protected resource metadata. */
export function hasMetadata(verifier: AnyVerifier): boolean {
  try {
    return verifier.resourceMetadata() !== undefined
  } catch {
    return false
  }
}

/** The verifiers of several sources; that of the environment without any. */
export function toVerifiers(sources: readonly VerifierSource[]): readonly AnyVerifier[] {
  return sources.length === 0 ? [toVerifier()] : sources.map((source) => toVerifier(source))
}

/** The response of the verifier that has the requested document; 404 of the first one if none has. */
export function metadataResponseOf(
  verifiers: readonly AnyVerifier[],
  request: RequestLike,
  options?: Pick<VerifyOptions, 'target'>
): MetadataResponse | undefined {
  const responses = verifiers.map((verifier) => verifier.metadataResponse(request, options))
  return responses.find((response) => response !== undefined && response.status !== 404) ?? responses[0]
}

/** A Fetch `Response` of protected resource metadata. */
export function toResponse({ status, headers, body }: MetadataResponse): Response {
  return new Response(status === 204 ? null : body, { status, headers: headers as Record<string, string> })
}

/** Sets header fields on a response. Values of list-based fields are appended unless present. */
export function addHeaders(headers: ResponseHeaderAccess, added: ResponseHeaders): void {
  for (const [name, value] of Object.entries(added)) {
    const present = listFields.has(name.toLowerCase()) ? (headers.get(name) ?? []) : []
    const lines = [...new Set([present, value].flat() as string[])]
    headers.set(name, lines.length === 1 ? (lines[0] as string) : lines)
  }
}

/** The same, unless the response was already sent, for example by a timeout. The result of the verification is not affected. */
function addHeadersIfNotSent(headers: ResponseHeaderAccess, added: ResponseHeaders): void {
  ifNotSent(() => addHeaders(headers, added))
}

/** Replaces header fields, unless the response was already sent. */
function setHeadersIfNotSent(headers: ResponseHeaderAccess, replaced: ResponseHeaders): void {
  ifNotSent(() => {
    for (const [name, value] of Object.entries(replaced)) headers.set(name, value)
  })
}

function ifNotSent(change: () => void): void {
  try {
    change()
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_HTTP_HEADERS_SENT') throw error
  }
}

/** Sets the header fields of an error on the response. The error also has those for CORS, because Koa and Fetch send only its own. */
function withHeaders(error: unknown, headers: ResponseHeaderAccess, exposed: ResponseHeaders): unknown {
  if (!isDPoPError(error) && !isDPoPUnavailableError(error)) return error
  if (Object.keys(exposed).length > 0) Object.assign(error, { headers: { ...error.headers, ...exposed } })
  addHeadersIfNotSent(headers, error.headers)
  return error
}
