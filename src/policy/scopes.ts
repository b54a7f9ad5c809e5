/** Checks that an access token has the scopes that a route requires (RFC 6750 §3.1, RFC 9068 §4). @module */

import { misconfigured } from '../config/option-validation.js'
import { refuse } from '../errors.js'

/** RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ). */
const scopeToken = /^[!#-[\]-~]+$/

/** Validates the scopes of a route when the route is registered. */
export function routeScopes(scopes: readonly string[]): readonly string[] {
  const isValid =
    Array.isArray(scopes) && scopes.length > 0 && scopes.every((scope) => typeof scope === 'string' && scopeToken.test(scope))
  return isValid ? Object.freeze([...scopes]) : misconfigured('scopes', 'be one or more scope names without spaces')
}

/** Rejects a token that lacks one of the required scopes. */
export function checkScopes(granted: readonly string[], required: readonly string[]): void {
  if (required.every((scope) => granted.includes(scope))) return
  // The challenge names the scopes, so they must need no quoting.
  routeScopes(required)
  refuse('ERR_DPOP_SCOPE_INSUFFICIENT')
}
