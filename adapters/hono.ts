/** Hono 4: middleware that verifies a request, and middleware that checks the policy of a route. @module dpop-guard/hono */

import type { Context, HonoRequest, MiddlewareHandler } from 'hono'
import { provideEnvironment } from '../src/lazy-verifier.js'
import { type Policy, validateDecision, validatePolicy, withRequest } from '../src/policy/policy.js'
import { validateScopes } from '../src/policy/scopes.js'
import { type AuthenticationRequirement, validateAuthentication } from '../src/policy/step-up.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { comparePublishedScopes } from '../src/verifier.js'
import { toVerifier, type VerifierSource } from '../src/verifier-source.js'
import { metadataResponseOf, toResponse } from './shared/metadata.js'
import { named } from './shared/middleware-name.js'
import { logOutage } from './shared/outage-log.js'
import { protect, protectPolicy } from './shared/protect.js'
import type { ResponseHeaderAccess } from './shared/response-headers.js'
import { type HasVerifier, toVerifiers } from './shared/verifier-source.js'

export type { AnyVerifier, HasVerifier } from './shared/verifier-source.js'

/**
 * The variables of {@link dpop}, for `new Hono<{ Variables: DPoPVariables }>()`. With the option `optional`, `Auth` includes undefined:
 * a request without credentials.
 */
export interface DPoPVariables<Auth extends VerifiedRequest | undefined = VerifiedRequest> {
  /** The verified request. */
  dpop: Auth
}

/**
 * Middleware that verifies token, proof and binding of a request (RFC 9449 §4.3 and §7) and sets the variable `dpop`. Not checked:
 * query, body and other header fields (§11.7).
 *
 * If the request is rejected, the header fields of the response are set and the error is thrown: a `DPoPError`, or a
 * `DPoPUnavailableError` if keys, introspection, the replay store or a hook is unavailable. Hono sends it as the response, or
 * passes it to `app.onError`. A request is verified once, even if this middleware runs twice.
 *
 * `app.mount` removes the mount path from requests: add it to `baseUrl`. `app.route` does not.
 *
 * @param source a verifier, its options, or a function of the environment that returns either; defaults to `optionsFromEnv()`. The
 *   environment has the members of `c.env`.
 * @param settings a policy that is checked before the proof is consumed
 * @returns the middleware, with its `verifier`
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function dpop(
  source?: VerifierSource<VerifiedRequest>,
  settings?: Policy<HonoRequest>
): MiddlewareHandler<{ Variables: DPoPVariables }> & HasVerifier
export function dpop(
  source: VerifierSource | undefined,
  settings?: Policy<HonoRequest>
): MiddlewareHandler<{ Variables: DPoPVariables<VerifiedRequest | undefined> }> & HasVerifier
export function dpop(source?: VerifierSource, settings: Policy<HonoRequest> = {}): MiddlewareHandler & HasVerifier {
  const verifier = toVerifier(source)
  const policy = validatePolicy(settings)
  comparePublishedScopes(verifier, policy)
  const middleware: MiddlewareHandler = async function dpop(c, next) {
    provideEnvironment(verifier, c.env)
    // The context identifies the request, because the same Request object may be passed to app.fetch twice.
    const options = { ...withRequest(policy, c.req), route: routeOf(c) }
    const auth = await protect(verifier, c.req.raw, headersOf(c), options, c).catch((error: unknown) => {
      // Hono sends the response of an error without logging it.
      // biome-ignore lint/suspicious/noConsole: the log of Hono
      logOutage(error, console.error)
      throw error
    })
    c.set('dpop', auth)
    await next()
  }
  return Object.assign(middleware, { verifier })
}

/**
 * Middleware that serves the protected resource metadata of the option `metadata` (RFC 9728 §3). Register it at the root of the
 * application, before {@link dpop}.
 *
 * @param sources the verifier of {@link dpop}, or its options; all of them if there are several, since any other URL below the well-known
 *   path is 404. Defaults to `optionsFromEnv()`
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function resourceMetadata(...sources: VerifierSource[]): MiddlewareHandler {
  const verifiers = toVerifiers(sources)
  return async function resourceMetadata(c, next) {
    for (const verifier of verifiers) provideEnvironment(verifier, c.env)
    const response = metadataResponseOf(verifiers, c.req.raw)
    return response === undefined ? await next() : toResponse(response)
  }
}

/**
 * Middleware that requires all of `scopes` in the access token. Otherwise it throws 403 `insufficient_scope` in the scheme of the
 * request, or 401 for a request without credentials (RFC 6750 §3.1). Must run after {@link dpop}; otherwise a `TypeError` is
 * thrown. The setting `scopes` of {@link dpop} does the same before the proof is consumed, as `anyScope`, `authentication` and
 * `authorize` do for the functions below.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function requireScopes(...scopes: string[]): MiddlewareHandler {
  return policyMiddleware({ scopes: validateScopes(scopes) })
}

/**
 * Middleware like {@link requireScopes} that requires at least one of `scopes`.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function requireAnyScope(...scopes: string[]): MiddlewareHandler {
  return policyMiddleware({ anyScope: validateScopes(scopes, 'anyScope') })
}

/**
 * Middleware that requires how and when the user authenticated. Otherwise it throws 401 `insufficient_user_authentication`
 * (RFC 9470). Must run after {@link dpop}.
 *
 * @throws TypeError if the requirement is empty or invalid
 */
export function requireAuthentication(requirement: AuthenticationRequirement): MiddlewareHandler {
  return policyMiddleware({ authentication: validateAuthentication(requirement) })
}

/**
 * Middleware that throws 403 unless `predicate` returns true for the verified request (RFC 9110 §15.5.4), and 503 if `predicate`
 * throws. Must run after {@link dpop}.
 *
 * @throws TypeError if `predicate` is not a function
 */
export function authorize(
  predicate: (auth: VerifiedRequest, request: HonoRequest) => boolean | Promise<boolean>
): MiddlewareHandler {
  return policyMiddleware({ authorize: validateDecision<HonoRequest>(predicate) })
}

function policyMiddleware(policy: Policy<HonoRequest>): MiddlewareHandler {
  return named<MiddlewareHandler>(policy, async (c, next) => {
    await protectPolicy(c.req.raw, headersOf(c), { ...withRequest(policy, c.req), route: routeOf(c) }, c)
    await next()
  })
}

/** The path template of the last matched route, which is the handler. */
function routeOf(c: Context): string | undefined {
  return c.req.matchedRoutes.at(-1)?.path
}

function headersOf(c: Context): ResponseHeaderAccess {
  return { get: (name) => c.res.headers.get(name), set: (name, value) => c.header(name, [value].flat().join(', ')) }
}
