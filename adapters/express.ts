/** Express 4 and 5: middleware that verifies a request, and middleware that checks the policy of a route. @module dpop-guard/express */

import type { Request, RequestHandler } from 'express'
import { checkKeys, misconfigured } from '../src/config/option-validation.js'
import { type Policy, policyMembers, validateDecision, validatePolicy, withRequest } from '../src/policy/policy.js'
import { validateScopes } from '../src/policy/scopes.js'
import { type AuthenticationRequirement, validateAuthentication } from '../src/policy/step-up.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { comparePublishedScopes } from '../src/verifier.js'
import { toVerifier, type VerifierSource } from '../src/verifier-source.js'
import { headersOf, routeOf, verifyExpressRequest } from './express-guard.js'
import { metadataResponseOf } from './shared/metadata.js'
import { named } from './shared/middleware-name.js'
import { protectPolicy } from './shared/protect.js'
import { type HasVerifier, toVerifiers } from './shared/verifier-source.js'

export type { AnyVerifier, HasVerifier } from './shared/verifier-source.js'

declare global {
  namespace Express {
    interface Request {
      /** The verified request. Undefined on routes without `dpop()`, and for requests without credentials with the option `optional`. */
      dpop?: VerifiedRequest | undefined
    }
  }
}

/** Settings of the Express middleware: a policy that is checked before the proof is consumed, and the property for the result. */
export interface DPoPExpressOptions extends Policy<Request> {
  /** The property of the request for the result. @defaultValue 'dpop' */
  readonly property?: string
}

const knownSettings = { ...policyMembers, property: true } as const satisfies Record<keyof DPoPExpressOptions, true>

/**
 * Middleware that verifies token, proof and binding of a request (RFC 9449 §4.3 and §7) and sets `req.dpop`. Not checked: query,
 * body and other header fields (§11.7).
 *
 * If the request is rejected, the header fields of the response are set and the error is passed to `next`: a `DPoPError`, or a
 * `DPoPUnavailableError` if keys, introspection, the replay store or a hook is unavailable. A request is verified once, even if
 * this middleware runs twice.
 *
 * @param source a verifier, its options, or a function of the environment that returns either; defaults to `optionsFromEnv()`
 * @returns the middleware, with its `verifier`
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function dpop(source?: VerifierSource, settings: DPoPExpressOptions = {}): RequestHandler & HasVerifier {
  const verifier = toVerifier(source)
  const { property = 'dpop', ...rest } = checkKeys('', settings, knownSettings)
  const policy = validatePolicy(rest)
  comparePublishedScopes(verifier, policy)
  if (typeof property !== 'string' || property === '') misconfigured('property', 'be the name of a property')
  // Express 4 does not handle promises, so errors are passed to next.
  const middleware: RequestHandler = function dpop(req, res, next) {
    verifyExpressRequest(verifier, req, res, withRequest(policy, req))
      .then((auth) => void Object.assign(req, { [property]: auth }))
      .then(() => next(), next)
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
export function resourceMetadata(...sources: VerifierSource[]): RequestHandler {
  const verifiers = toVerifiers(sources)
  return function resourceMetadata(req, res, next) {
    try {
      const response = metadataResponseOf(verifiers, req, { target: req.originalUrl })
      if (response === undefined) next()
      else res.writeHead(response.status, response.headers).end(response.body)
    } catch (error) {
      next(error)
    }
  }
}

/**
 * Middleware that requires all of `scopes` in the access token. Otherwise the response is 403 `insufficient_scope` in the scheme
 * of the request, or 401 for a request without credentials (RFC 6750 §3.1). Must run after {@link dpop}; otherwise a `TypeError`
 * is passed to `next`. The setting `scopes` of {@link dpop} does the same before the proof is consumed, as `anyScope`,
 * `authentication` and `authorize` do for the functions below.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function requireScopes(...scopes: string[]): RequestHandler {
  return policyMiddleware({ scopes: validateScopes(scopes) })
}

/**
 * Middleware like {@link requireScopes} that requires at least one of `scopes`.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function requireAnyScope(...scopes: string[]): RequestHandler {
  return policyMiddleware({ anyScope: validateScopes(scopes, 'anyScope') })
}

/**
 * Middleware that requires how and when the user authenticated. Otherwise the response is 401 `insufficient_user_authentication`
 * (RFC 9470). Must run after {@link dpop}.
 *
 * @throws TypeError if the requirement is empty or invalid
 */
export function requireAuthentication(requirement: AuthenticationRequirement): RequestHandler {
  return policyMiddleware({ authentication: validateAuthentication(requirement) })
}

/**
 * Middleware that responds with 403 unless `predicate` returns true for the verified request (RFC 9110 §15.5.4), and 503 if
 * `predicate` throws. Must run after {@link dpop}.
 *
 * @throws TypeError if `predicate` is not a function
 */
export function authorize(predicate: (auth: VerifiedRequest, request: Request) => boolean | Promise<boolean>): RequestHandler {
  return policyMiddleware({ authorize: validateDecision<Request>(predicate) })
}

function policyMiddleware(policy: Policy<Request>): RequestHandler {
  return named<RequestHandler>(policy, (req, res, next) => {
    protectPolicy(req, headersOf(res), { ...withRequest(policy, req), route: routeOf(req) }).then(() => next(), next)
  })
}
