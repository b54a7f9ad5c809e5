/** Names of middleware in stack traces. @module */

import type { Policy } from '../../src/policy/policy.js'

/** Names a middleware after the function of the adapter that creates it, for stack traces. */
export function named<Middleware extends object>(policy: Policy<never>, middleware: Middleware): Middleware {
  return Object.defineProperty(middleware, 'name', { value: functionOf(policy) })
}

/** The function of the adapters that creates middleware with a policy. */
export function functionOf({ anyScope, authentication, authorize }: Policy<never>): string {
  if (authorize !== undefined) return 'authorize'
  if (authentication !== undefined) return 'requireAuthentication'
  return anyScope === undefined ? 'requireScopes' : 'requireAnyScope'
}
