/** The client identifier in the claims of an access token. @module */

import type { AccessTokenClaims } from '../verified-request.js'

/** `client_id` (RFC 9068 §2.2), else `azp` or `cid`, which some servers use; undefined if the token has none of them. */
export function clientIdOf({ client_id: clientId, azp, cid }: AccessTokenClaims): string | undefined {
  return [clientId, azp, cid].find((id): id is string => typeof id === 'string')
}
