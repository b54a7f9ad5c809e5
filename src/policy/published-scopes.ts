/** Compares the scopes of policies with those that the metadata publishes (RFC 9728 §2). @module */

import type { MetadataConfig } from '../config/metadata-options.js'
import { warnAboutUnpublishedScopes } from '../config/warnings.js'
import type { Policy } from './policy.js'
import { hasScopes, type ScopeSatisfies } from './scopes.js'

/** The scopes that the metadata publishes. */
export class PublishedScopes {
  readonly #published: readonly string[] | undefined
  readonly #satisfies: ScopeSatisfies
  /** The arrays of policies that were compared. */
  readonly #compared = new WeakSet<readonly string[]>()

  constructor(metadata: MetadataConfig | undefined, satisfies: ScopeSatisfies) {
    this.#published = metadata?.documents[0]?.content['scopes_supported'] as readonly string[] | undefined
    this.#satisfies = satisfies
  }

  /** Warns if scopes of a policy are not published. Once for each array of scopes. */
  compare({ scopes, anyScope }: Policy<never>): void {
    if (this.#published === undefined) return
    const lists = [scopes, anyScope].filter((list) => list !== undefined)
    if (lists.every((list) => this.#compared.has(list))) return
    for (const list of lists) this.#compared.add(list)
    try {
      warnAboutUnpublishedScopes(findUnpublishedScopes(this.#published, { scopes, anyScope }, this.#satisfies))
    } catch {
      // A hook that throws is reported when a request is checked.
    }
  }
}

/**
 * The scopes of a policy that a client with all of `published` would lack: those of `scopes`, and all of `anyScope` if it lacks each of
 * them.
 */
export function findUnpublishedScopes(
  published: readonly string[],
  { scopes = [], anyScope }: Policy<never>,
  satisfies: ScopeSatisfies
): readonly string[] {
  const isPublished = (required: string): boolean => hasScopes(published, { all: [required] }, satisfies)
  const missing = scopes.filter((scope) => !isPublished(scope))
  return anyScope === undefined || anyScope.some(isPublished) ? missing : [...missing, ...anyScope]
}
