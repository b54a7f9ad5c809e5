/** Decorators of controllers, handlers and their parameters. @module */

import { type CustomDecorator, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common'
import { routeScopes } from '../../src/policy/scopes.js'

/** The policy of a route: public, or required scopes. */
export type RoutePolicy = 'public' | readonly string[]

/** The metadata key of a {@link RoutePolicy}. All decorators use one key, so that the one on the handler overrides the one on the class. */
export const ROUTE_POLICY: unique symbol = Symbol('dpop-guard.route-policy')

/** Excludes a handler or a controller from verification. `RequireScopes` on a handler overrides it. */
export function Public(): CustomDecorator<symbol> {
  return SetMetadata<symbol, RoutePolicy>(ROUTE_POLICY, 'public')
}

/**
 * Requires all of `scopes` in the access token, checked before the proof is consumed. Otherwise the response is 403
 * `insufficient_scope` in the scheme of the request, or 401 for a request without credentials (RFC 6750 §3.1). On a handler it
 * overrides the decorator of the controller. It has no effect without a `DPoPGuard`.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function RequireScopes(...scopes: string[]): CustomDecorator<symbol> {
  return SetMetadata<symbol, RoutePolicy>(ROUTE_POLICY, routeScopes(scopes))
}

/**
 * Injects the `VerifiedRequest` of an HTTP request; undefined on public routes, and for requests without credentials with the option
 * `optional`. It is also the property `dpop` of the request.
 */
export const DPoPAuth: () => ParameterDecorator = createParamDecorator<undefined>(
  (_data, context: ExecutionContext) => context.switchToHttp().getRequest().dpop
)
