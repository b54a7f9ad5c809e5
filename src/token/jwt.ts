/** Parses JWTs strictly and verifies their signature with the keys of an issuer (RFC 7515 §5.2, RFC 7519 §7.2). @module */

import { platform } from '#crypto'
import type { ProofAlgorithm } from '../crypto/crypto.js'
import { type LoopTurn, type SignatureThreads, verifySignature } from '../crypto/signature-threads.js'
import { type CompactJws, decodeJsonObject, splitCompactJws } from '../encoding/compact-jws.js'
import type { JsonObject } from '../encoding/json.js'
import { printable } from '../encoding/printable.js'
import { DPoPUnavailableError } from '../errors.js'
import type { IssuerKeys } from './issuer-keys.js'
import type { KeySet } from './key-set.js'

/** The header parameters that are read, of any type. */
interface JwtHeader extends JsonObject {
  readonly alg?: unknown
  readonly crit?: unknown
  readonly b64?: unknown
  readonly kid?: unknown
  readonly typ?: unknown
}

/** A parsed JWT. Its signature is not verified yet. */
export interface Jwt {
  readonly jws: CompactJws
  readonly header: JwtHeader
  readonly claims: JsonObject
  readonly signature: Uint8Array
}

/** How signatures are verified. */
export interface Verification {
  readonly algorithms: readonly ProofAlgorithm[]
  readonly threads: SignatureThreads
  readonly turn: LoopTurn
}

/** The key set that verified a signature, or the reason for operators why none did. */
export type SignatureResult = { readonly keys: KeySet } | { readonly keys: undefined; readonly reason: string }

/** Maximum number of keys that are tried for one signature. */
const MAX_KEYS_TRIED = 8

/** Parses a JWT in compact serialization with canonical encoding; undefined for anything else. */
export function readJwt(text: string): Jwt | undefined {
  const jws = splitCompactJws(text)
  const signature = jws && platform.decodeBase64url(jws.signature)
  const header = jws && decodeJsonObject(jws.header)
  const claims = jws && decodeJsonObject(jws.payload)
  return jws && signature && header && claims && { jws, header, claims, signature }
}

/** Whether a string has the form of a JWS: three segments, the first of which begins like an encoded JSON object. */
export function looksLikeJwt(text: string): boolean {
  return text.startsWith('eyJ') && splitCompactJws(text) !== undefined
}

/** The media type in a header, without the `application/` that may be left out (RFC 7515 §4.1.9), in lower case. */
export function typeOf({ header: { typ } }: Jwt): string | undefined {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined
}

/**
 * Verifies the signature of a JWT with the keys of an issuer. If the cached key set has no matching key, it is refreshed once.
 *
 * @throws {@link DPoPUnavailableError} if the keys are unavailable, or none of the matching keys can be used
 */
export async function verifyJwtSignature(jwt: Jwt, keys: IssuerKeys, how: Verification): Promise<SignatureResult> {
  const { alg: claimed, crit, b64, kid } = jwt.header
  const alg = how.algorithms.find((accepted) => accepted === claimed)
  if (alg === undefined) return unverified(`alg is ${printable(claimed)}, accepted are ${how.algorithms.join(', ')}`)
  // RFC 7515 §4.1.11: no critical extension is supported. RFC 7797 §7: b64 is not used with JWTs.
  if (crit !== undefined || b64 !== undefined) return unverified('the header has crit or b64')
  // RFC 7515 §4.1.4: "Its value MUST be a case-sensitive string."
  if (kid !== undefined && typeof kid !== 'string') return unverified('kid is not a string')
  const present = await keys.current()
  const fitting = present.matching(alg, kid)
  if (fitting.length > 0) {
    if (await isSignedByOneOf(fitting, jwt, alg, present, how)) return { keys: present }
    // With a known kid the signature is invalid. Without a kid it may be of a newer key.
    if (kid !== undefined) return unverified(`the key with kid ${printable(kid)} does not verify the signature`)
  }
  const newer = await keys.newer(kid)
  if (newer !== undefined && newer !== present && (await isSignedByOneOf(newer.matching(alg, kid), jwt, alg, newer, how)))
    return { keys: newer }
  return unverified(
    kid === undefined
      ? `no ${alg} key of the issuer verifies the signature`
      : `kid is ${printable(kid)}, and no key of the issuer with this kid verifies ${alg}`
  )
}

function unverified(reason: string): SignatureResult {
  return { keys: undefined, reason }
}

async function isSignedByOneOf(
  fitting: readonly JsonObject[],
  { jws, signature }: Jwt,
  alg: ProofAlgorithm,
  set: KeySet,
  { threads, turn }: Verification
): Promise<boolean> {
  const tried = fitting.slice(0, MAX_KEYS_TRIED)
  const errors: unknown[] = []
  for (const jwk of tried) {
    try {
      const imported = await set.import(jwk, alg)
      if (await verifySignature(imported, imported.key, jws.signingInput, signature, threads, turn)) return true
    } catch (error) {
      errors.push(error)
    }
  }
  // If no key can be used, the failure is not the client's.
  if (errors.length > 0 && errors.length === tried.length)
    throw new DPoPUnavailableError('ERR_DPOP_KEYS_UNAVAILABLE', new AggregateError(errors, 'No key of the issuer can be used'))
  return false
}
