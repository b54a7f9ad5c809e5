/** Checks that a token for one of several resources is not used at another (RFC 8707 §2, RFC 9728 §7.4). @module */

import { printable } from '../encoding/printable.js'
import { refuse } from '../errors.js'
import { type AudienceComparison, hasAudience } from './claims.js'

/**
 * Rejects a token whose `aud` names others of the published resources and not the requested one. An `aud` that is none of them is
 * decided by the option `audience`, because an authorization server may map a resource to another identifier.
 */
export function checkResource(
  aud: unknown,
  requested: string,
  published: readonly string[],
  comparison: AudienceComparison | undefined
): void {
  if (hasAudience(aud, [requested], comparison) || !hasAudience(aud, published, comparison)) return
  refuse('ERR_DPOP_TOKEN_INVALID', { reason: `aud is ${printable(aud)}, the request is for ${printable(requested)}` })
}
