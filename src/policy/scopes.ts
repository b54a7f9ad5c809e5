/** Whether a token covers the scopes that a route needs (RFC 6750 §3.1, RFC 9068 §4). @module */

import { misconfigured } from '../config/option-validation.js'
import { refuse } from '../errors.js'

/** RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ). */
const scopeToken = /^[!#-[\]-~]+$/

/** The scopes of a route, checked when the route is made; a scope that could never be granted is a mistake. */
export function routeScopes(scopes: readonly string[]): readonly string[] {
  const isGood =
    Array.isArray(scopes) && scopes.length > 0 && scopes.every((scope) => typeof scope === 'string' && scopeToken.test(scope))
  return isGood ? Object.freeze([...scopes]) : misconfigured('scopes', 'be one or more scope names without spaces')
}

/** Refuses unless every needed scope was granted. */
export function checkScopes(granted: readonly string[], needed: readonly string[]): void {
  if (needed.every((scope) => granted.includes(scope))) return
  // The challenge is about to name them.
  routeScopes(needed)
  refuse('ERR_DPOP_SCOPE_INSUFFICIENT')
}
