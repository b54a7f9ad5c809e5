/** The checks of a DPoP proof (RFC 9449 §4.3), cheapest first. @module */

import { platform } from '#crypto'
import type { VerifierConfig } from '../config/config.js'
import type { MaybePromise, ProofAlgorithm, VerificationKey } from '../crypto/crypto.js'
import { type LoopTurn, type SignatureThreads, verifySignature } from '../crypto/signature-threads.js'
import { type CompactJws, decodeJsonObject, splitCompactJws } from '../encoding/compact-jws.js'
import { deepFreeze, type JsonObject } from '../encoding/json.js'
import { isNumericDate } from '../encoding/numeric-date.js'
import { printable } from '../encoding/printable.js'
import { refuse } from '../errors.js'
import type { IncomingRequest } from '../request/request.js'
import { matchHtu, toHttpUri } from '../request/target-uri.js'
import { type ProofHeader, readProofJwk, thumbprint } from './proof-key.js'
import type { ProofKeyCache } from './proof-key-cache.js'

/** RFC 9449 §11.1: a jti should not be "unnecessarily large". */
const MAX_JTI_LENGTH = 256

/** The claims of a proof that RFC 9449 §4.2 defines, each validated to be of its type. */
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

/** A well-formed proof. Its signature and the values of its claims are not verified yet. */
export interface Proof {
  readonly jws: CompactJws
  readonly header: ProofHeader
  readonly claims: ProofClaims
}

type ProofRules = VerifierConfig['proof']

/** Checks 2 to 5 and 7: a well-formed JWT with the required claims, typ, alg, and a public key. */
export function readProof(jwt: string, rules: ProofRules, keys: ProofKeyCache): MaybePromise<Proof> {
  const jws = splitProof(jwt, rules)
  const header = keys.get(jws.header)
  return header === undefined ? readNewProof(jws, rules) : { jws, header, claims: readClaims(jws.payload) }
}

async function readNewProof(jws: CompactJws, rules: ProofRules): Promise<Proof> {
  const parameters = decodeHeader(jws.header)
  checkTyp(parameters)
  const header = await readKey(parameters, readAlg(parameters, rules))
  return { jws, header, claims: readClaims(jws.payload) }
}

/** Check 2: "The DPoP HTTP request header field value is a single and well-formed JWT." */
export function splitProof(jwt: string, { maxBytes }: ProofRules): CompactJws {
  if (jwt.length > maxBytes)
    refuse('ERR_DPOP_PROOF_MALFORMED', { reason: `the proof is longer than proof.maxBytes (${maxBytes})` })
  return splitCompactJws(jwt) ?? refuse('ERR_DPOP_PROOF_MALFORMED', { reason: 'the proof is not a compact JWS' })
}

/** The protected header of a proof, not validated. */
export function decodeHeader(segment: string): JsonObject {
  return (
    decodeJsonObject(segment) ?? refuse('ERR_DPOP_PROOF_MALFORMED', { reason: 'the header is not base64url of a JSON object' })
  )
}

/** Check 4: "The typ JOSE Header Parameter has the value dpop+jwt." */
export function checkTyp({ typ }: JsonObject): void {
  if (typ !== 'dpop+jwt') refuse('ERR_DPOP_PROOF_TYP', { reason: `typ is ${printable(typ)}` })
}

/**
 * Check 5: "The alg JOSE Header Parameter indicates a registered asymmetric digital signature algorithm […], is not none, is supported
 * by the application, and is acceptable per local policy." RFC 7515 §4.1.11: no critical extension is supported. RFC 7797 §7: b64 is
 * not used with JWTs.
 */
export function readAlg(header: JsonObject, { algorithms }: ProofRules): ProofAlgorithm {
  const alg = algorithms.find((accepted) => accepted === header['alg'])
  if (alg === undefined) {
    const reason = `alg is ${printable(header['alg'])}, proof.algorithms are ${algorithms.join(', ')}`
    refuse('ERR_DPOP_PROOF_ALG', { reason })
  }
  if (header['crit'] !== undefined || header['b64'] !== undefined)
    refuse('ERR_DPOP_PROOF_MALFORMED', { reason: 'the header has crit or b64' })
  return alg
}

/** Check 7, and the thumbprint of the key. */
export async function readKey(header: JsonObject, alg: ProofAlgorithm): Promise<ProofHeader> {
  const jwk = readProofJwk(header['jwk'], alg)
  return { alg, jwk, jkt: await thumbprint(jwk), key: undefined }
}

/** Check 3: "All required claims per Section 4.2 are contained in the JWT." */
export function readClaims(segment: string): ProofClaims {
  const all = decodeJsonObject(segment)
  if (all === undefined) refuse('ERR_DPOP_PROOF_MALFORMED', { reason: 'the payload is not base64url of a JSON object' })
  const { jti, htm, htu, iat, ath, exp, nbf, nonce } = all
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH)
    refuseClaim('jti', jti, 'a string of 1 to 256 characters')
  if (typeof htm !== 'string') refuseClaim('htm', htm, 'a string')
  if (typeof htu !== 'string') refuseClaim('htu', htu, 'a string')
  if (typeof ath !== 'string') refuseClaim('ath', ath, 'a string')
  if (!isNumericDate(iat)) refuseClaim('iat', iat, 'a NumericDate')
  if (!isOptionalDate(exp)) refuseClaim('exp', exp, 'a NumericDate')
  if (!isOptionalDate(nbf)) refuseClaim('nbf', nbf, 'a NumericDate')
  return { jti, htm, htu, iat, ath, exp, nbf, nonce: typeof nonce === 'string' ? nonce : undefined, all: deepFreeze(all) }
}

/** The type of a claim of a proof, whose value is not printed. */
function kindOf(value: unknown): string {
  if (value === undefined) return 'missing'
  if (typeof value === 'string') return `a string of ${value.length} characters`
  if (value === null || typeof value !== 'object') return value === null ? 'null' : `a ${typeof value}`
  return Array.isArray(value) ? 'an array' : 'an object'
}

function refuseClaim(name: string, value: unknown, expected: string): never {
  return refuse('ERR_DPOP_PROOF_CLAIMS', { reason: `${name} is ${kindOf(value)}, expected ${expected}` })
}

/** Check 8: "The htm claim matches the HTTP method of the current request." RFC 9110 §9.1: methods are case-sensitive. */
export function checkHtm({ htm }: ProofClaims, { method }: IncomingRequest): void {
  if (htm !== method) refuse('ERR_DPOP_PROOF_HTM', { reason: `htm is ${printable(htm)}, the method is ${printable(method)}` })
}

/**
 * Check 9: "The htu claim matches the HTTP URI value for the HTTP request". A client may name the URI of a WebSocket upgrade as it
 * opens it, with wss. Returns the normalized URI.
 */
export function checkHtu({ htu }: ProofClaims, uris: readonly string[], { isWebSocketUpgrade }: IncomingRequest): string {
  return (
    matchHtu(isWebSocketUpgrade ? toHttpUri(htu) : htu, uris) ??
    refuse('ERR_DPOP_PROOF_HTU', { expectedHtu: uris, receivedHtu: withoutQuery(htu) })
  )
}

/** The query is not compared, and may contain credentials. */
function withoutQuery(htu: string): string {
  return htu.replace(/[?#].*/s, '')
}

/** Check 12a: "ensure that the value of the ath claim equals the hash of that access token". */
export function checkAth({ ath }: ProofClaims, tokenHash: string): void {
  if (ath !== tokenHash) refuse('ERR_DPOP_PROOF_ATH', { reason: 'ath is the hash of another access token' })
}

/** Check 6: the signature verifies with the key in the header. Only headers of verified proofs are cached. */
export function checkSignature(proof: Proof, keys: ProofKeyCache, threads: SignatureThreads, turn: LoopTurn): MaybePromise<void> {
  const { jws, header } = proof
  const signature = platform.decodeBase64url(jws.signature)
  if (signature === undefined) refuse('ERR_DPOP_PROOF_MALFORMED')
  if (header.key === undefined) return checkNewSignature(proof, signature, keys, threads, turn)
  const verifying = verifySignature(header, header.key, jws.signingInput, signature, threads, turn)
  return verifying instanceof Promise ? verifying.then(checkVerified) : checkVerified(verifying)
}

async function checkNewSignature(
  { jws, header }: Proof,
  signature: Uint8Array,
  keys: ProofKeyCache,
  threads: SignatureThreads,
  turn: LoopTurn
): Promise<void> {
  const key = await importKey(header)
  checkVerified(await verifySignature(header, key, jws.signingInput, signature, threads, turn))
  header.key = key
  keys.set(jws.header, header)
}

function checkVerified(isVerified: boolean): void {
  if (!isVerified) refuse('ERR_DPOP_PROOF_SIGNATURE')
}

async function importKey({ jwk, alg }: ProofHeader): Promise<VerificationKey> {
  try {
    return await platform.importKey(jwk, alg)
  } catch {
    return refuse('ERR_DPOP_PROOF_JWK')
  }
}

/** Check 11: "the creation time of the JWT […] is within an acceptable window". Both limits are inclusive. */
export function checkTime({ claims: { iat } }: Proof, nowMs: number, { maxAgeSeconds, maxFutureSeconds }: ProofRules): void {
  const now = Math.floor(nowMs / 1000)
  const isInWindow = now - maxAgeSeconds <= iat && iat <= now + maxFutureSeconds
  if (!isInWindow) refuse('ERR_DPOP_PROOF_IAT', { skewSeconds: iat - now })
}

/** RFC 7519 §4.1.4 and §4.1.5: exp and nbf are validated if present, with the tolerance of iat. */
export function checkLifetime({ claims: { iat, exp, nbf } }: Proof, nowMs: number, { maxFutureSeconds }: ProofRules): void {
  const now = Math.floor(nowMs / 1000)
  const isExpired = exp !== undefined && exp <= now - maxFutureSeconds
  const isEarly = nbf !== undefined && nbf > now + maxFutureSeconds
  if (isExpired || isEarly) refuse('ERR_DPOP_PROOF_IAT', { skewSeconds: iat - now })
}

function isOptionalDate(value: unknown): value is number | undefined {
  return value === undefined || isNumericDate(value)
}
