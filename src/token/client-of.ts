/** Identifies the client that a token was issued to, to limit its cache entries. @module */

import type { JsonObject } from '../encoding/json.js'

/**
 * The issuer with the key or certificate that the token is bound to; for other tokens, issuer, subject and client. One issuer could name
 * the key of another issuer's client in its tokens, and must not take the entries of that client.
 */
export function clientOf({ cnf, iss, sub, client_id: clientId }: JsonObject): string {
  const { jkt } = (cnf ?? {}) as { jkt?: unknown }
  return typeof jkt === 'string' ? `${iss} ${jkt}` : JSON.stringify([iss, cnf ?? [sub, clientId]])
}
