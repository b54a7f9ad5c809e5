/** Compares the scopes of policies with those that the metadata publishes (RFC 9728 §2). @module */

import type { Policy } from './policy.js'
import type { ScopeSatisfies } from './scopes.js'

/**
 * The scopes of a policy that a client with all of `published` would lack: those of `scopes`, and all of `anyScope` if it lacks each of
 * them.
 */
export function findUnpublishedScopes(
  published: readonly string[],
  { scopes = [], anyScope }: Policy<never>,
  satisfies: ScopeSatisfies
): readonly string[] {
  const isPublished = (required: string): boolean => published.some((scope) => satisfies(scope, required) === true)
  const missing = scopes.filter((scope) => !isPublished(scope))
  return anyScope === undefined || anyScope.some(isPublished) ? missing : [...missing, ...anyScope]
}
