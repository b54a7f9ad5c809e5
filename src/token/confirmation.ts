/** What a token says it is bound to: its cnf claim (RFC 7800 §3.1, RFC 9449 §6.1, RFC 8705 §3.1). @module */

import { platform } from '#crypto'
import type { JsonObject } from '../encoding/json.js'
import { refuse } from '../errors.js'

/** What the holder of a token must prove. Without a member, nothing of that kind; `isBound` tells whether there was a cnf at all. */
export interface Confirmation {
  readonly isBound: boolean
  readonly jkt: string | undefined
  readonly x5tS256: string | undefined
}

/** Registered confirmation methods that are not verified here: a token that is bound by one of them is refused. */
const unverifiedMethods = ['jwk', 'jwe', 'kid', 'jku', 'osc']

/** Reads the cnf of verified claims. Members that nobody registered are ignored, all others must be understood. */
export function readConfirmation({ cnf }: JsonObject): Confirmation {
  if (cnf === undefined) return { isBound: false, jkt: undefined, x5tS256: undefined }
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf))
    refuse('ERR_DPOP_TOKEN_BINDING', { reason: 'cnf is not an object' })
  const members = cnf as JsonObject
  const unverified = unverifiedMethods.find((method) => Object.hasOwn(members, method))
  if (unverified !== undefined) refuse('ERR_DPOP_TOKEN_BINDING', { reason: `cnf has ${unverified}, which is not verified here` })
  return { isBound: true, jkt: readHash(members, 'jkt'), x5tS256: readHash(members, 'x5t#S256') }
}

/** A SHA-256 in base64url: 43 characters, the last one canonical. */
function readHash(members: JsonObject, name: string): string | undefined {
  const value = members[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string' || platform.decodeBase64url(value)?.length !== 32)
    refuse('ERR_DPOP_TOKEN_BINDING', { reason: `cnf has a malformed ${name}` })
  return value
}
