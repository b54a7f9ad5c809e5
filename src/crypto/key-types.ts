/** The key type and curve that each JWS algorithm requires (RFC 7518 §3.1, RFC 8037 §3.1, RFC 9964 §5). @module */

import type { JsonObject } from '../encoding/json.js'
import type { ProofAlgorithm } from './crypto.js'

/**
 * RFC 7518 §3.4, RFC 8037 §3.1 and RFC 9964 §5: each algorithm has one key type, and one curve or one size. `octets` is the size of a
 * coordinate, or of `pub`.
 */
interface KeyType {
  readonly kty: 'AKP' | 'EC' | 'OKP' | 'RSA'
  readonly crv?: string
  readonly octets?: number
}

/** Key types by algorithm. */
export const keyTypes: Readonly<Record<ProofAlgorithm, KeyType>> = {
  ES256: { kty: 'EC', crv: 'P-256', octets: 32 },
  ES384: { kty: 'EC', crv: 'P-384', octets: 48 },
  ES512: { kty: 'EC', crv: 'P-521', octets: 66 },
  EdDSA: { kty: 'OKP', crv: 'Ed25519', octets: 32 },
  Ed25519: { kty: 'OKP', crv: 'Ed25519', octets: 32 },
  PS256: { kty: 'RSA' },
  PS384: { kty: 'RSA' },
  PS512: { kty: 'RSA' },
  RS256: { kty: 'RSA' },
  RS384: { kty: 'RSA' },
  RS512: { kty: 'RSA' },
  'ML-DSA-44': { kty: 'AKP', octets: 1312 },
  'ML-DSA-65': { kty: 'AKP', octets: 1952 },
  'ML-DSA-87': { kty: 'AKP', octets: 2592 }
}

/** All private and symmetric key members (RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2; RFC 9964 §3). */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** Whether a JWK has a private or symmetric key member. */
export function isPrivate(jwk: JsonObject): boolean {
  return privateMembers.some((member) => Object.hasOwn(jwk, member))
}

/** Whether a JWK has the key type and curve of an algorithm. */
export function isOfType(jwk: JsonObject, alg: ProofAlgorithm): boolean {
  const { kty, crv } = keyTypes[alg]
  return jwk['kty'] === kty && (crv === undefined || jwk['crv'] === crv)
}

/**
 * RFC 7517 §4.2 to §4.4: `use`, `key_ops` and `alg`, where present, must permit verification with `alg`. RFC 9964 §3: an AKP key must have
 * an `alg`.
 */
export function isUsableFor({ use, key_ops: operations, alg: keyAlg }: JsonObject, alg: ProofAlgorithm): boolean {
  if (use !== undefined && use !== 'sig') return false
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) return false
  // EdDSA and Ed25519 name the same algorithm here (RFC 9864 §2.2).
  const isSameAlg = keyAlg === alg || (keyTypes[alg].kty === 'OKP' && (keyAlg === 'EdDSA' || keyAlg === 'Ed25519'))
  return keyAlg === undefined ? keyTypes[alg].kty !== 'AKP' : isSameAlg
}
