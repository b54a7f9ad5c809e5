/** Fetch handlers (Next.js, Workers, Deno, Bun, H3): a wrapper that verifies a request and responds if it is rejected. @module */

import { isDPoPError, isDPoPUnavailableError, type ResponseHeaders } from '../src/errors.js'
import { provideEnvironment } from '../src/lazy-verifier.js'
import { type Policy, routePolicy, withRequest } from '../src/policy/policy.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { toVerifier, type VerifierSource } from '../src/verify-request.js'
import { logOutage } from './outage-log.js'
import {
  addHeaders,
  exposedHeaders,
  type HasVerifier,
  metadataResponseOf,
  protect,
  type ResponseHeaderAccess,
  toResponse,
  toVerifiers
} from './shared.js'

export type { AnyVerifier, HasVerifier } from './shared.js'

/** A handler of verified requests. `rest` are further arguments of the runtime: environment, context, route parameters. */
export type VerifiedHandler<Auth extends VerifiedRequest | undefined, Rest extends unknown[]> = (
  request: Request,
  auth: Auth,
  ...rest: Rest
) => Response | Promise<Response>

/** A wrapped handler, with its verifier. */
export type FetchHandler<Rest extends unknown[]> = ((request: Request, ...rest: Rest) => Promise<Response>) & HasVerifier

/** The policy of one handler, which is checked before the proof is consumed. */
export type WithDPoPOptions = Policy<Request>

/**
 * Wraps a handler so that it is called only with verified requests (RFC 9449 §4.3 and §7). Not checked: query, body and other
 * header fields (§11.7). Otherwise the response is 400, 401 or 403 with a challenge, or 503 if keys, the replay store or a hook
 * is unavailable.
 *
 * Fetch joins field lines, so two challenges share one.
 *
 * @param source a verifier, its options, or a function of the environment that returns either; undefined stands for
 *   `optionsFromEnv()`. The environment has the members of the first further argument, the `env` of Workers.
 * @returns the wrapped handler, with its `verifier`
 * @throws TypeError if an option is missing, unknown or invalid, or a scope is invalid (RFC 6749 §3.3)
 */
export function withDPoP<Rest extends unknown[]>(
  source: VerifierSource<VerifiedRequest> | undefined,
  handler: VerifiedHandler<VerifiedRequest, Rest>,
  options?: WithDPoPOptions
): FetchHandler<Rest>
export function withDPoP<Rest extends unknown[]>(
  source: VerifierSource | undefined,
  handler: VerifiedHandler<VerifiedRequest | undefined, Rest>,
  options?: WithDPoPOptions
): FetchHandler<Rest>
export function withDPoP<Rest extends unknown[]>(
  source: VerifierSource | undefined,
  handler: VerifiedHandler<VerifiedRequest, Rest>,
  options: WithDPoPOptions = {}
): FetchHandler<Rest> {
  const verifier = toVerifier(source)
  const policy = routePolicy(options)
  async function withDPoP(request: Request, ...rest: Rest): Promise<Response> {
    provideEnvironment(verifier, rest[0])
    const key = calling.get(request) ?? {}
    let auth: VerifiedRequest | undefined
    try {
      auth = await protect(verifier, request, noResponse, withRequest(policy, request), key)
    } catch (error) {
      // biome-ignore lint/suspicious/noConsole: Fetch runtimes have no other log
      logOutage(error, console.error)
      if (isDPoPError(error) || isDPoPUnavailableError(error)) return error.getResponse()
      throw error
    }
    const responding = callWith(key, request, () => handler(request, auth as VerifiedRequest, ...rest))
    return withHeaders(await responding, auth?.responseHeaders ?? {}, request)
  }
  return Object.assign(withDPoP, { verifier })
}

/**
 * Serves the protected resource metadata of the option `metadata` (RFC 9728 §3): a function that returns the response, or undefined for
 * any other URL.
 *
 * @param sources the verifier of {@link withDPoP}, or its options; all of them if there are several, since any other URL below the well-known
 *   path is 404. Defaults to `optionsFromEnv()`
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function resourceMetadata(...sources: VerifierSource[]): (request: Request, env?: unknown) => Response | undefined {
  const verifiers = toVerifiers(sources)
  return function resourceMetadata(request, env) {
    for (const verifier of verifiers) provideEnvironment(verifier, env)
    const response = metadataResponseOf(verifiers, request)
    return response && toResponse(response)
  }
}

/**
 * The verification of a request while its handler is being called, which a handler that is wrapped again reuses. Removed before
 * anything is awaited: any other call with the same Request, also a concurrent one, is a replay.
 */
const calling = new WeakMap<Request, object>()

function callWith<Result>(key: object, request: Request, handle: () => Result): Result {
  calling.set(request, key)
  try {
    return handle()
  } finally {
    calling.delete(request)
  }
}

/** There is no response before the handler returns. */
const noResponse: ResponseHeaderAccess = { get: () => undefined, set() {} }

function withHeaders(response: Response, verified: ResponseHeaders, request: Request): Response {
  const exposed = exposedHeaders(request, response.headers)
  // A WebSocket upgrade (101) and an error response (0) cannot be copied. The client receives the next nonce with another response.
  if (Object.keys({ ...exposed, ...verified }).length === 0 || response.status < 200) return response
  // A copy, because the headers of redirects and of fetched responses are immutable.
  const copy = new Response(response.body, response)
  for (const [name, value] of Object.entries(exposed)) copy.headers.set(name, value as string)
  addHeaders(
    { get: (name) => copy.headers.get(name), set: (name, value) => copy.headers.set(name, [value].flat().join(', ')) },
    verified
  )
  return copy
}
