/** Validates the `jwk` header parameter of a proof: one public key of the type that `alg` requires, canonically encoded (RFC 7517, RFC 7518 §6, RFC 9964 §3). @module */

import { platform } from '#crypto'
import type { MaybePromise, ProofAlgorithm, PublicJwk, VerificationKey } from '../crypto/crypto.js'
import { isOfType, isPrivate, isUsableFor, keyTypes } from '../crypto/key-types.js'
import type { JsonObject } from '../encoding/json.js'
import { refuse } from '../errors.js'

/** The validated protected header of a proof. `key` is set once the key has been imported. */
export interface ProofHeader {
  readonly alg: ProofAlgorithm
  readonly jwk: PublicJwk
  readonly jkt: string
  key: VerificationKey | undefined
}

/** RFC 7518 §3.3 requires at least 2048 bits. The upper bounds limit the cost that a client's key can cause. */
const RSA_MODULUS_BITS = { min: 2048, max: 8192 }
const RSA_EXPONENT_MAX_OCTETS = 4

/** The required members of the `jwk` header parameter. Optional members are validated and omitted. */
export function readProofJwk(value: unknown, alg: ProofAlgorithm): PublicJwk {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return rejectKey()
  const jwk = value as JsonObject
  // RFC 9449 §4.3 check 7: "The jwk JOSE Header Parameter does not contain a private key."
  if (!isOfType(jwk, alg) || isPrivate(jwk) || !isUsableFor(jwk, alg)) rejectKey()
  const { kty, crv, octets } = keyTypes[alg]
  if (kty === 'RSA') return { e: rsaExponent(jwk['e']), kty, n: rsaModulus(jwk['n']) }
  if (kty === 'AKP') return { alg, kty, pub: ofSize(jwk['pub'], octets) }
  const x = ofSize(jwk['x'], octets)
  return kty === 'EC' ? { crv: crv as string, kty, x, y: ofSize(jwk['y'], octets) } : { crv: crv as string, kty, x }
}

/** The JWK SHA-256 thumbprint (RFC 7638 §3, RFC 9964 §6): the required members in lexicographic order. */
export function thumbprint(jwk: PublicJwk): MaybePromise<string> {
  switch (jwk.kty) {
    case 'AKP':
      return platform.sha256(`{"alg":"${jwk.alg}","kty":"AKP","pub":"${jwk.pub}"}`)
    case 'EC':
      return platform.sha256(`{"crv":"${jwk.crv}","kty":"EC","x":"${jwk.x}","y":"${jwk.y}"}`)
    case 'OKP':
      return platform.sha256(`{"crv":"${jwk.crv}","kty":"OKP","x":"${jwk.x}"}`)
    case 'RSA':
      return platform.sha256(`{"e":"${jwk.e}","kty":"RSA","n":"${jwk.n}"}`)
  }
}

/** RFC 7518 §6.2.1.2: a coordinate has the full size of the curve. RFC 9964 §5: `pub` has the size of the algorithm. */
function ofSize(value: unknown, octets: number | undefined): string {
  return decode(value).length === octets ? (value as string) : rejectKey()
}

function rsaModulus(value: unknown): string {
  const octets = decode(value)
  const bits = octets.length * 8 - Math.clz32(octets[0] ?? 0) + 24
  // RFC 7518 §6.3.1.1: "the minimum number of octets". Otherwise one key would have two thumbprints. An even modulus is invalid.
  const isMinimal = octets[0] !== 0
  const isOdd = ((octets.at(-1) ?? 0) & 1) === 1
  return isMinimal && isOdd && bits >= RSA_MODULUS_BITS.min && bits <= RSA_MODULUS_BITS.max ? (value as string) : rejectKey()
}

function rsaExponent(value: unknown): string {
  const octets = decode(value)
  const exponent = octets.reduce((sum, octet) => sum * 256 + octet, 0)
  const isValid = octets[0] !== 0 && octets.length <= RSA_EXPONENT_MAX_OCTETS && exponent >= 3 && exponent % 2 === 1
  return isValid ? (value as string) : rejectKey()
}

function decode(value: unknown): Uint8Array {
  return (typeof value === 'string' && platform.decodeBase64url(value)) || rejectKey()
}

function rejectKey(): never {
  return refuse('ERR_DPOP_PROOF_JWK')
}
