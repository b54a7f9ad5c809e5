/** Checks that an access token has the scopes that a route requires (RFC 6750 §3.1, RFC 9068 §4). @module */

import { checkNotPromise, misconfigured } from '../config/option-validation.js'

/** Whether a granted scope satisfies a required one. */
export type ScopeSatisfies = (granted: string, required: string) => boolean

/** RFC 6749 §3.3: scope-token = 1*( %x21 / %x23-5B / %x5D-7E ). */
const scopeToken = /^[!#-[\]-~]+$/

/** Whether a value can be an element of a space-delimited, quoted parameter. */
export function isScopeToken(value: unknown): value is string {
  return typeof value === 'string' && scopeToken.test(value)
}

/** Validates the scopes of a route when the route is registered. `name` is the option. */
export function validateScopes(scopes: readonly string[], name = 'scopes'): readonly string[] {
  const isValid = Array.isArray(scopes) && scopes.length > 0 && scopes.every(isScopeToken)
  return isValid ? Object.freeze([...scopes]) : misconfigured(name, 'be one or more scope names without spaces')
}

/**
 * Whether `granted` satisfies every scope of `all` and at least one of `any`. An undefined list requires nothing.
 *
 * @throws TypeError if `satisfies` returns a promise
 */
export function hasScopes(
  granted: readonly string[],
  { all = [], any }: { readonly all?: readonly string[] | undefined; readonly any?: readonly string[] | undefined },
  satisfies: ScopeSatisfies
): boolean {
  // Fails closed: any value other than true is not satisfied.
  const isSatisfied = (required: string): boolean =>
    granted.some((scope) => checkNotPromise('token.scopeSatisfies', satisfies(scope, required)) === true)
  return all.every(isSatisfied) && (any === undefined || any.some(isSatisfied))
}
