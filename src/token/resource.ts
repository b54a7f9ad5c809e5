/** Checks that a token for one of several resources is not used at another (RFC 8707 §2, RFC 9728 §7.4). @module */

import { printable } from '../encoding/printable.js'
import { refuse } from '../errors.js'
import { type AudienceComparison, hasAudience } from './claims.js'

/**
 * Rejects a token whose `aud` names others of the published resources and not the requested one, which is undefined if the URI of the
 * request is at none of them: a router may treat it as one nevertheless, for example with another case. An `aud` that is none of them
 * is decided by the option `audience`, because an authorization server may map a resource to another identifier.
 */
export function checkResource(
  aud: unknown,
  requested: string | undefined,
  published: readonly string[],
  comparison: AudienceComparison | undefined
): void {
  if (requested !== undefined && hasAudience(aud, [requested], comparison)) return
  if (!hasAudience(aud, published, comparison)) return
  const reason = `aud is ${printable(aud)}, the request is for ${requested === undefined ? 'no resource' : printable(requested)}`
  refuse('ERR_DPOP_TOKEN_INVALID', { reason })
}
