/** Identifies the client that a token was issued to, to limit its cache entries. @module */

import type { JsonObject } from '../encoding/json.js'

/** The key or certificate that the token is bound to; for other tokens, issuer, subject and client. */
export function clientOf({ cnf, iss, sub, client_id: clientId }: JsonObject): string {
  const { jkt } = (cnf ?? {}) as { jkt?: unknown }
  return typeof jkt === 'string' ? jkt : JSON.stringify(cnf ?? [iss, sub, clientId])
}
