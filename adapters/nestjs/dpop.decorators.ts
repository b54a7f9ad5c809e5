/** Decorators of controllers, handlers and their parameters. @module */

import { applyDecorators, createParamDecorator, type ExecutionContext, UseGuards } from '@nestjs/common'
import { type Policy, validateDecision } from '../../src/policy/policy.js'
import { validateScopes } from '../../src/policy/scopes.js'
import { type AuthenticationRequirement, validateAuthentication } from '../../src/policy/step-up.js'
import type { VerifiedRequest } from '../../src/verified-request.js'
import { DPoPGuard } from './dpop.guard.js'
import { authOf, type PlatformRequest, setPolicy, setProtected, setPublic } from './dpop.metadata.js'

/** A decorator of a handler or a controller. */
export type PolicyDecorator = ClassDecorator & MethodDecorator

/**
 * Excludes a handler or a controller from verification. A policy or {@link DPoPProtected} beside it, or nearer to the handler, overrides it.
 */
export function Public(): PolicyDecorator {
  return setPublic()
}

/**
 * Requires all of `scopes` in the access token, checked before the proof is consumed. Otherwise the response is 403
 * `insufficient_scope` in the scheme of the request, or 401 for a request without credentials (RFC 6750 §3.1).
 *
 * On a handler, this and the other policy decorators override the one of the same name on the controller; those of another name are
 * combined. The application does not start if no `DPoPGuard` guards the handler.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function RequireScopes(...scopes: string[]): PolicyDecorator {
  return setPolicy('scopes', validateScopes(scopes))
}

/**
 * Like {@link RequireScopes}, but requires at least one of `scopes`.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function RequireAnyScope(...scopes: string[]): PolicyDecorator {
  return setPolicy('anyScope', validateScopes(scopes, 'anyScope'))
}

/**
 * Requires how and when the user authenticated. Otherwise the response is 401 `insufficient_user_authentication` (RFC 9470).
 *
 * @throws TypeError if the requirement is empty or invalid
 */
export function RequireAuthentication(requirement: AuthenticationRequirement): PolicyDecorator {
  return setPolicy('authentication', validateAuthentication(requirement))
}

/**
 * Responds with 403 unless `predicate` returns true for the verified request (RFC 9110 §15.5.4), and with 503 if it throws. It is
 * called after the other requirements, with the request of the platform.
 *
 * @throws TypeError if `predicate` is not a function
 */
export function Authorize<Request extends PlatformRequest = PlatformRequest>(
  predicate: (auth: VerifiedRequest, request: Request) => boolean | Promise<boolean>
): PolicyDecorator {
  return setPolicy('authorize', validateDecision(predicate) as Policy<PlatformRequest>['authorize'])
}

/**
 * `@UseGuards(DPoPGuard)` and, with scopes, {@link RequireScopes}. It overrides {@link Public} beside it, on the controller of a handler and
 * on the classes that a controller extends.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3)
 */
export function DPoPProtected(...scopes: string[]): PolicyDecorator {
  return applyDecorators(UseGuards(DPoPGuard), setProtected(), ...(scopes.length > 0 ? [RequireScopes(...scopes)] : []))
}

/**
 * Injects the `VerifiedRequest` of an HTTP request, or of a GraphQL resolver whose context has the request as `req`; undefined on
 * public routes, and for requests without credentials with the option `optional`. It is also the property `dpop` of the request.
 */
export const DPoPAuth: () => ParameterDecorator = createParamDecorator<undefined>((_data, context: ExecutionContext) =>
  authOf(context)
)
