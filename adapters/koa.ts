/** Koa 2 and 3: middleware that verifies a request, and middleware that checks the policy of a route. @module dpop-guard/koa */

import type { Context, Middleware, Request } from 'koa'
import type { ResponseHeaders } from '../src/errors.js'
import { type Policy, validateDecision, validatePolicy, withRequest } from '../src/policy/policy.js'
import { validateScopes } from '../src/policy/scopes.js'
import { type AuthenticationRequirement, validateAuthentication } from '../src/policy/step-up.js'
import type { NodeRequest } from '../src/request/request.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { comparePublishedScopes } from '../src/verifier.js'
import { toVerifier, type VerifierSource } from '../src/verifier-source.js'
import { exposedHeaders } from './shared/cross-origin.js'
import { metadataResponseOf } from './shared/metadata.js'
import { named } from './shared/middleware-name.js'
import { logOutage } from './shared/outage-log.js'
import { protect, protectPolicy } from './shared/protect.js'
import type { ResponseHeaderAccess } from './shared/response-headers.js'
import { type HasVerifier, toVerifiers } from './shared/verifier-source.js'

export type { AnyVerifier, HasVerifier } from './shared/verifier-source.js'

/** What {@link dpop} adds to `ctx.state`. With the option `optional`, `Auth` includes undefined: a request without credentials. */
export interface DPoPState<Auth extends VerifiedRequest | undefined = VerifiedRequest> {
  /** The verified request. */
  dpop: Auth
}

/**
 * Middleware that verifies token, proof and binding of a request (RFC 9449 §4.3 and §7) and sets `ctx.state.dpop`. Not checked:
 * query, body and other header fields (§11.7).
 *
 * If the request is rejected, the header fields of the response are set and the error is thrown: a `DPoPError`, or a
 * `DPoPUnavailableError` if keys, introspection, the replay store or a hook is unavailable. A request is verified once, even if
 * this middleware runs twice.
 *
 * @param source a verifier, its options, or a function of the environment that returns either; defaults to `optionsFromEnv()`
 * @param settings a policy that is checked before the proof is consumed
 * @returns the middleware, with its `verifier`
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function dpop(source?: VerifierSource<VerifiedRequest>, settings?: Policy<Request>): Middleware<DPoPState> & HasVerifier
export function dpop(
  source: VerifierSource | undefined,
  settings?: Policy<Request>
): Middleware<DPoPState<VerifiedRequest | undefined>> & HasVerifier
export function dpop(source?: VerifierSource, settings: Policy<Request> = {}): Middleware<DPoPState> & HasVerifier {
  const verifier = toVerifier(source)
  const policy = validatePolicy(settings)
  comparePublishedScopes(verifier, policy)
  const middleware: Middleware<DPoPState> = async function dpop(ctx, next) {
    const options = { ...withRequest(policy, ctx.request), target: targetOf(ctx), route: routeOf(ctx) }
    const auth = await protect(verifier, ctx.req, headersOf(ctx), options).catch((error: unknown) => {
      // Koa does not log errors with `expose`.
      // biome-ignore lint/suspicious/noConsole: the log of Koa
      if (!ctx.app.silent) logOutage(error, console.error)
      throw withResponseHeaders(error, ctx)
    })
    Object.assign(ctx.state, { dpop: auth })
    try {
      await next()
    } catch (error) {
      throw withResponseHeaders(error, ctx, auth?.responseHeaders)
    }
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
export function resourceMetadata(...sources: VerifierSource[]): Middleware {
  const verifiers = toVerifiers(sources)
  return async function resourceMetadata(ctx, next) {
    const response = metadataResponseOf(verifiers, ctx.req, { target: targetOf(ctx) })
    if (response === undefined) return await next()
    ctx.set(response.headers as Record<string, string>)
    ctx.status = response.status
    ctx.body = response.status === 204 ? null : response.body
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
export function requireScopes(...scopes: string[]): Middleware {
  return policyMiddleware({ scopes: validateScopes(scopes) })
}

/**
 * Middleware like {@link requireScopes} that requires at least one of `scopes`.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function requireAnyScope(...scopes: string[]): Middleware {
  return policyMiddleware({ anyScope: validateScopes(scopes, 'anyScope') })
}

/**
 * Middleware that requires how and when the user authenticated. Otherwise it throws 401 `insufficient_user_authentication`
 * (RFC 9470). Must run after {@link dpop}.
 *
 * @throws TypeError if the requirement is empty or invalid
 */
export function requireAuthentication(requirement: AuthenticationRequirement): Middleware {
  return policyMiddleware({ authentication: validateAuthentication(requirement) })
}

/**
 * Middleware that throws 403 unless `predicate` returns true for the verified request (RFC 9110 §15.5.4), and 503 if `predicate`
 * throws. Must run after {@link dpop}.
 *
 * @throws TypeError if `predicate` is not a function
 */
export function authorize(predicate: (auth: VerifiedRequest, request: Request) => boolean | Promise<boolean>): Middleware {
  return policyMiddleware({ authorize: validateDecision<Request>(predicate) })
}

function policyMiddleware(policy: Policy<Request>): Middleware {
  return named<Middleware>(policy, async (ctx, next) => {
    await protectPolicy(ctx.req, headersOf(ctx), { ...withRequest(policy, ctx.request), route: routeOf(ctx) })
    await next()
  })
}

/** The header fields that errors had before the request in which they were thrown last. An application may throw one object many times. */
const headersBefore = new WeakMap<object, { readonly req: object; readonly headers: ResponseHeaders | undefined }>()

/**
 * Koa removes the header fields of the response when an error is thrown, and sets those in its `headers` instead. `@koa/cors` assigns
 * `headers` again, with its own exposed names, so what is assigned keeps those of the guard.
 */
function withResponseHeaders(error: unknown, ctx: Pick<Context, 'req' | 'res' | 'set'>, verified: ResponseHeaders = {}): unknown {
  const exposed = exposedHeaders(ctx.req, headersOf(ctx))
  const isObject = typeof error === 'object' && error !== null
  if (!isObject || Object.keys({ ...verified, ...exposed }).length === 0) return error
  const withGuard = (headers?: ResponseHeaders): ResponseHeaders => ({ ...verified, ...headers, ...exposed })
  const earlier = headersBefore.get(error)
  const { headers: given } = earlier === undefined || earlier.req === ctx.req ? (error as { headers?: ResponseHeaders }) : earlier
  headersBefore.set(error, { req: ctx.req, headers: earlier === undefined ? given : earlier.headers })
  // One object, because middleware may also change its members.
  let headers = withGuard(given)
  // An error that is frozen, or whose property cannot be redefined, remains as it is.
  Reflect.defineProperty(error, 'headers', {
    get: () => headers,
    set: (assigned?: ResponseHeaders) => {
      headers = withGuard(assigned)
    },
    enumerable: true,
    configurable: true
  })
  return error
}

/** If Koa is mounted in an Express application, its own path lacks the mount path. */
function targetOf(ctx: Pick<Context, 'req' | 'originalUrl'>): string {
  const { originalUrl = ctx.originalUrl }: NodeRequest = ctx.req
  return originalUrl
}

/** The path template of the route, in middleware of a route of `@koa/router`. */
function routeOf(ctx: object): string | undefined {
  const { _matchedRoute: path } = ctx as { readonly _matchedRoute?: unknown }
  return typeof path === 'string' ? path : undefined
}

function headersOf(ctx: Pick<Context, 'res' | 'set'>): ResponseHeaderAccess {
  return { get: (name) => ctx.res.getHeader(name), set: (name, value) => ctx.set(name, value) }
}
