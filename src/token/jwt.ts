/** JWTs that an issuer signs: read strictly, and held against its keys (RFC 7515 §5.2, RFC 7519 §7.2). @module */

import { platform } from '#crypto'
import type { ProofAlgorithm } from '../crypto/crypto.js'
import { type Begun, type SignatureThreads, verifySignature } from '../crypto/signature-threads.js'
import { type CompactJws, decodeJsonObject, splitCompactJws } from '../encoding/compact-jws.js'
import type { JsonObject } from '../encoding/json.js'
import { DPoPUnavailableError } from '../errors.js'
import type { IssuerKeys } from './issuer-keys.js'
import type { KeySet } from './key-set.js'

/** Header parameters that are looked at, whatever they are. */
interface JwtHeader extends JsonObject {
  readonly alg?: unknown
  readonly crit?: unknown
  readonly b64?: unknown
  readonly kid?: unknown
  readonly typ?: unknown
}

/** A JWT that was read. Nobody has verified what it says. */
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
  readonly begun: Begun
}

/** Keys of one kid that are tried, where a key set has several. */
const MAX_KEYS_TRIED = 8

/** Reads a JWT in compact serialization, written in the one way that counts as one here; undefined for anything else. */
export function readJwt(text: string): Jwt | undefined {
  const jws = splitCompactJws(text)
  const signature = jws && platform.decodeBase64url(jws.signature)
  const header = jws && decodeJsonObject(jws.header)
  const claims = jws && decodeJsonObject(jws.payload)
  return jws && signature && header && claims && { jws, header, claims, signature }
}

/** Whether a text is meant as a JWS: three segments, the first of which begins as the JSON of a header does. */
export function looksLikeJwt(text: string): boolean {
  return text.startsWith('eyJ') && splitCompactJws(text) !== undefined
}

/** The media type in a header, without the `application/` that may be left out (RFC 7515 §4.1.9), in lower case. */
export function typeOf({ header: { typ } }: Jwt): string | undefined {
  return typeof typ === 'string' ? typ.toLowerCase().replace(/^application\//, '') : undefined
}

/**
 * The keys of an issuer with one of which a JWT verifies; undefined where it does not. Where the keys at hand have none that
 * fits, newer ones are asked for once.
 *
 * @throws {@link DPoPUnavailableError} where the keys are out of reach, or those that fit cannot be used
 */
export async function findSigner(jwt: Jwt, keys: IssuerKeys, how: Verification): Promise<KeySet | undefined> {
  const { alg: claimed, crit, b64, kid } = jwt.header
  const alg = how.algorithms.find((accepted) => accepted === claimed)
  // RFC 7515 §4.1.11: no extension is understood here. RFC 7797 §7: a JWT has no b64.
  if (alg === undefined || crit !== undefined || b64 !== undefined) return undefined
  // RFC 7515 §4.1.4: "Its value MUST be a case-sensitive string."
  if (kid !== undefined && typeof kid !== 'string') return undefined
  const present = await keys.current()
  const fitting = present.matching(alg, kid)
  if (fitting.length > 0) {
    if (await isSignedByOneOf(fitting, jwt, alg, present, how)) return present
    // A signature that names a key that is here was made with it or is bad; one that names none may be of a newer key.
    if (kid !== undefined) return undefined
  }
  const newer = await keys.newer()
  return newer !== undefined && newer !== present && (await isSignedByOneOf(newer.matching(alg, kid), jwt, alg, newer, how))
    ? newer
    : undefined
}

async function isSignedByOneOf(
  fitting: readonly JsonObject[],
  { jws, signature }: Jwt,
  alg: ProofAlgorithm,
  set: KeySet,
  { threads, begun }: Verification
): Promise<boolean> {
  const tried = fitting.slice(0, MAX_KEYS_TRIED)
  const faults: unknown[] = []
  for (const jwk of tried) {
    try {
      const imported = await set.import(jwk, alg)
      if (await verifySignature(imported, imported.key, jws.signingInput, signature, threads, begun)) return true
    } catch (fault) {
      faults.push(fault)
    }
  }
  // A key that cannot be used is not the client's fault, unless there was another to use.
  if (faults.length > 0 && faults.length === tried.length)
    throw new DPoPUnavailableError('ERR_DPOP_KEYS_UNAVAILABLE', new AggregateError(faults, 'No key of the issuer can be used'))
  return false
}
