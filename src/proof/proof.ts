/** The checks of a DPoP proof (RFC 9449 §4.3), in the order in which they cost least. @module */

import { platform } from '#crypto'
import type { VerificationKey } from '../crypto/crypto.js'
import { type CompactJws, decodeJsonObject, splitCompactJws } from '../encoding/compact-jws.js'
import { deepFreeze, type JsonObject } from '../encoding/json.js'
import { refuse } from '../errors.js'
import type { VerifierConfig } from '../options.js'
import type { IncomingRequest } from '../request/request.js'
import { matchHtu } from '../request/target-uri.js'
import { type ProofHeader, readProofJwk, thumbprint } from './proof-key.js'
import type { ProofKeyCache } from './proof-key-cache.js'

/** RFC 9449 §11.1: a jti should not be "unnecessarily large". */
const MAX_JTI_LENGTH = 256

/** The claims of a proof, each of its type; the members that RFC 9449 §4.2 requires. */
export interface ProofClaims {
  readonly jti: string
  readonly htm: string
  readonly htu: string
  readonly iat: number
  readonly ath: string
  readonly exp: number | undefined
  readonly nbf: number | undefined
  readonly nonce: string | undefined
  readonly all: JsonObject
}

/** A proof that is well-formed; of its promises nothing is checked yet. */
export interface Proof {
  readonly jws: CompactJws
  readonly header: ProofHeader
  readonly claims: ProofClaims
}

type ProofRules = VerifierConfig['proof']

/** Checks 2 to 5 and 7: a well-formed JWT with the required claims, typ, alg, and a public key. */
export async function readProof(text: string, rules: ProofRules, keys: ProofKeyCache): Promise<Proof> {
  const jws = text.length <= rules.maxBytes ? splitCompactJws(text) : undefined
  if (jws === undefined) refuse('ERR_DPOP_PROOF_MALFORMED')
  const header = keys.get(jws.header) ?? (await readHeader(jws.header, rules))
  return { jws, header, claims: readClaims(jws.payload) }
}

async function readHeader(segment: string, rules: ProofRules): Promise<ProofHeader> {
  const header = decodeJsonObject(segment)
  if (header === undefined) refuse('ERR_DPOP_PROOF_MALFORMED')
  if (header['typ'] !== 'dpop+jwt') refuse('ERR_DPOP_PROOF_TYP')
  // Check 5: "The alg JOSE Header Parameter indicates a registered asymmetric digital signature algorithm […], is not none,
  // is supported by the application, and is acceptable per local policy."
  const alg = rules.algorithms.find((accepted) => accepted === header['alg'])
  if (alg === undefined) refuse('ERR_DPOP_PROOF_ALG')
  // RFC 7515 §4.1.11: no extension is understood here. RFC 7797 §7: a JWT has no b64.
  if (header['crit'] !== undefined || header['b64'] !== undefined) refuse('ERR_DPOP_PROOF_MALFORMED')
  const jwk = readProofJwk(header['jwk'], alg)
  return { alg, jwk, jkt: await thumbprint(jwk), key: undefined }
}

function readClaims(segment: string): ProofClaims {
  const all = decodeJsonObject(segment)
  if (all === undefined) refuse('ERR_DPOP_PROOF_MALFORMED')
  const { jti, htm, htu, iat, ath, exp, nbf, nonce } = all
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH) refuse('ERR_DPOP_PROOF_CLAIMS')
  if (typeof htm !== 'string' || typeof htu !== 'string' || typeof ath !== 'string') refuse('ERR_DPOP_PROOF_CLAIMS')
  if (!isNumericDate(iat) || !isNumericDate(exp ?? 0) || !isNumericDate(nbf ?? 0)) refuse('ERR_DPOP_PROOF_CLAIMS')
  if (nonce !== undefined && typeof nonce !== 'string') refuse('ERR_DPOP_PROOF_CLAIMS')
  return { jti, htm, htu, iat, ath, exp: exp as number | undefined, nbf: nbf as number | undefined, nonce, all: deepFreeze(all) }
}

/** Checks 8 and 9: made for this method, and for this URI. Returns the URI, normalised. */
export function checkRequest({ claims: { htm, htu } }: Proof, { method }: IncomingRequest, uris: readonly string[]): string {
  // RFC 9110 §9.1: "The method token is case-sensitive."
  if (htm !== method) refuse('ERR_DPOP_PROOF_HTM')
  return matchHtu(htu, uris) ?? refuse('ERR_DPOP_PROOF_HTU', { expectedHtu: uris, receivedHtu: htu })
}

/** Check 12a: "ensure that the value of the ath claim equals the hash of that access token". */
export function checkAth({ claims }: Proof, tokenHash: string): void {
  if (claims.ath !== tokenHash) refuse('ERR_DPOP_PROOF_ATH')
}

/** Check 6: the signature verifies with the key in the header. Only then is the header worth remembering. */
export async function checkSignature({ jws, header }: Proof, keys: ProofKeyCache): Promise<void> {
  const signature = platform.decodeBase64url(jws.signature)
  if (signature === undefined) refuse('ERR_DPOP_PROOF_MALFORMED')
  const key = header.key ?? (await importKey(header))
  const verdict = platform.verify(header.alg, key, jws.signingInput, signature)
  if (!(verdict instanceof Promise ? await verdict : verdict)) refuse('ERR_DPOP_PROOF_SIGNATURE')
  if (header.key === undefined) {
    header.key = key
    keys.set(jws.header, header)
  }
}

async function importKey({ jwk, alg }: ProofHeader): Promise<VerificationKey> {
  try {
    return await platform.importKey(jwk, alg)
  } catch {
    return refuse('ERR_DPOP_PROOF_JWK')
  }
}

/**
 * Check 11: "the creation time of the JWT […] is within an acceptable window", both ends included. Where the proof has exp
 * or nbf they count too, with the same tolerance.
 */
export function checkTime(
  { claims: { iat, exp, nbf } }: Proof,
  nowMs: number,
  { maxAgeSeconds, maxFutureSeconds }: ProofRules
): void {
  const now = Math.floor(nowMs / 1000)
  const isInWindow = now - maxAgeSeconds <= iat && iat <= now + maxFutureSeconds
  const isExpired = exp !== undefined && exp <= now - maxFutureSeconds
  const isEarly = nbf !== undefined && nbf > now + maxFutureSeconds
  if (!isInWindow || isExpired || isEarly) refuse('ERR_DPOP_PROOF_IAT', { skewSeconds: iat - now })
}

/** RFC 7519 §2: a number, whole or not. Beyond 2^53 / 1000 seconds no arithmetic is exact. */
function isNumericDate(value: unknown): value is number {
  return typeof value === 'number' && Math.abs(value) <= Number.MAX_SAFE_INTEGER / 1000
}
