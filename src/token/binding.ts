/** Checks that an access token is bound to the key of the proof, or to nothing that was not verified (RFC 9449 §4.3, §7.2). @module */

import { printable } from '../encoding/printable.js'
import { refuse } from '../errors.js'
import type { Confirmation } from './confirmation.js'

/** RFC 9449 §4.3 check 12b: "confirm that the public key to which the access token is bound matches the public key from the DPoP proof". */
export function checkProofBinding({ isBound, jkt }: Confirmation, proofJkt: string): void {
  if (jkt === undefined)
    refuse('ERR_DPOP_TOKEN_UNBOUND', { reason: isBound ? 'cnf has no jkt' : 'the access token has no cnf claim' })
  if (jkt !== proofJkt) {
    const reason = `cnf.jkt is ${printable(jkt)}, the key of the proof has the thumbprint ${printable(proofJkt)}`
    refuse('ERR_DPOP_TOKEN_BINDING', { reason })
  }
}

/**
 * RFC 9449 §7.2: "such a protected resource MUST reject a DPoP-bound access token received as a bearer token". The same holds for a
 * token that is bound by any method but the client certificate.
 */
export function checkBearerBinding({ isBound, jkt, x5tS256 }: Confirmation): void {
  if (isBound && (jkt !== undefined || x5tS256 === undefined))
    refuse('ERR_DPOP_TOKEN_BINDING', { reason: 'the access token is bound to a key, and was sent with the Bearer scheme' })
}
