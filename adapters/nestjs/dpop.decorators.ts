/** What controllers say to the guard, and what they get from it. @module */

import { type CustomDecorator, createParamDecorator, type ExecutionContext, SetMetadata } from '@nestjs/common'
import { routeScopes } from '../../src/policy/scopes.js'

/** What a route wants of the guard: nothing at all, or scopes. */
export type RoutePolicy = 'public' | readonly string[]

/** The metadata key of a {@link RoutePolicy}. One key, so that the nearest decorator counts, whichever it is. */
export const ROUTE_POLICY: unique symbol = Symbol('dpop-guard.route-policy')

/** Leaves a route, or a controller, open: the guard looks at nothing. A `RequireScopes` on the route itself closes it again. */
export function Public(): CustomDecorator<symbol> {
  return SetMetadata<symbol, RoutePolicy>(ROUTE_POLICY, 'public')
}

/**
 * Wants all of `scopes` in the access token, before the proof is used up: else 403 `insufficient_scope` in the scheme that was
 * used, and for an anonymous request 401 (RFC 6750 §3.1). On a route it replaces what the controller says. It does nothing where
 * no `DPoPGuard` runs.
 *
 * @throws TypeError where a scope is not one (RFC 6749 §3.3), or there is none
 */
export function RequireScopes(...scopes: string[]): CustomDecorator<symbol> {
  return SetMetadata<symbol, RoutePolicy>(ROUTE_POLICY, routeScopes(scopes))
}

/**
 * The `VerifiedRequest` of an HTTP request; undefined on public routes, and for an anonymous request under the option `optional`.
 * It is also the property `dpop` of the request.
 */
export const DPoPAuth: () => ParameterDecorator = createParamDecorator<undefined>(
  (_data, context: ExecutionContext) => context.switchToHttp().getRequest().dpop
)
