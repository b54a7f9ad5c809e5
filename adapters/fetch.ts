/** Fetch handlers (Next.js, Workers, Deno, Bun, H3): a wrapper that verifies a request and responds if it is rejected. @module dpop-guard/fetch */

import { provideEnvironment } from '../src/lazy-verifier.js'
import { type Policy, validatePolicy, withRequest } from '../src/policy/policy.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { comparePublishedScopes } from '../src/verifier.js'
import { toVerifier, type VerifierSource } from '../src/verifier-source.js'
import { respondIfVerified, toErrorResponse } from './fetch-guard.js'
import { metadataResponseOf, toResponse } from './shared/metadata.js'
import { type HasVerifier, toVerifiers } from './shared/verifier-source.js'

export type { AnyVerifier, HasVerifier } from './shared/verifier-source.js'

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
 * header fields (§11.7). Otherwise the response is 400, 401, 403 or 429, or 503 if keys, introspection, the replay store or a hook
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
  const policy = validatePolicy(options)
  comparePublishedScopes(verifier, policy)
  async function withDPoP(request: Request, ...rest: Rest): Promise<Response> {
    provideEnvironment(verifier, rest[0])
    const call = withRequest(policy, request)
    return await respondIfVerified(verifier, request, call, (auth) => handler(request, auth as VerifiedRequest, ...rest))
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
    try {
      const response = metadataResponseOf(verifiers, request)
      return response && toResponse(response)
    } catch (error) {
      return toErrorResponse(error)
    }
  }
}
