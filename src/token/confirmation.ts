/** Reads the cnf claim of a token (RFC 7800 §3.1, RFC 9449 §6.1, RFC 8705 §3.1). @module */

import { platform } from '#crypto'
import type { JsonObject } from '../encoding/json.js'
import { refuse } from '../errors.js'

/** The confirmation methods of a token; undefined if absent. `isBound` is whether the token has a cnf claim. */
export interface Confirmation {
  readonly isBound: boolean
  readonly jkt: string | undefined
  readonly x5tS256: string | undefined
}

/** Registered confirmation methods that are not supported: a token with one of them is rejected. */
const unverifiedMethods = ['jwk', 'jwe', 'kid', 'jku', 'osc']

/** Reads the cnf of verified claims. Unregistered members are ignored; registered ones must be supported. */
export function readConfirmation({ cnf }: JsonObject): Confirmation {
  if (cnf === undefined) return { isBound: false, jkt: undefined, x5tS256: undefined }
  if (typeof cnf !== 'object' || cnf === null || Array.isArray(cnf))
    refuse('ERR_DPOP_TOKEN_BINDING', { reason: 'cnf is not an object' })
  const members = cnf as JsonObject
  const unverified = unverifiedMethods.find((method) => Object.hasOwn(members, method))
  if (unverified !== undefined) refuse('ERR_DPOP_TOKEN_BINDING', { reason: `cnf has ${unverified}, which is not verified here` })
  return { isBound: true, jkt: readHash(members, 'jkt'), x5tS256: readHash(members, 'x5t#S256') }
}

/** A SHA-256 hash in canonical base64url. */
function readHash(members: JsonObject, name: string): string | undefined {
  const value = members[name]
  if (value === undefined) return undefined
  if (typeof value !== 'string' || platform.decodeBase64url(value)?.length !== 32)
    refuse('ERR_DPOP_TOKEN_BINDING', { reason: `cnf has a malformed ${name}` })
  return value
}
