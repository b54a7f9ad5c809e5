/** ML-DSA of a JavaScript implementation: keys that sign, and a platform that verifies, for runtimes without ML-DSA. */

import { randomBytes } from 'node:crypto'
import { ml_dsa44, ml_dsa65, ml_dsa87 } from '@noble/post-quantum/ml-dsa.js'
import { calculateJwkThumbprint } from 'jose'
import { vi } from 'vitest'
import { platform } from '#crypto'
import { isPostQuantum, type Platform, type PostQuantumAlgorithm } from '../../src/crypto/crypto.js'
import { encode } from './world.js'

const implementations = { 'ML-DSA-44': ml_dsa44, 'ML-DSA-65': ml_dsa65, 'ML-DSA-87': ml_dsa87 }

/** A key pair. */
export interface MlDsaKey {
  readonly alg: PostQuantumAlgorithm
  /** The public key (RFC 9964 §3). */
  readonly jwk: { readonly kty: 'AKP'; readonly alg: PostQuantumAlgorithm; readonly pub: string }
  readonly jkt: string
  /** Signs a string. The context is empty, unless another is given (RFC 9964 §5). */
  sign(input: string, context?: Uint8Array): Uint8Array
  /** Signs a JWT in compact serialization. */
  signJwt(header: object, claims: object): string
}

/** Creates a key pair from a seed of 32 octets. */
export async function createMlDsaKey(alg: PostQuantumAlgorithm, seed: Uint8Array = randomBytes(32)): Promise<MlDsaKey> {
  const { publicKey, secretKey } = implementations[alg].keygen(seed)
  const jwk = { kty: 'AKP', alg, pub: Buffer.from(publicKey).toString('base64url') } as const
  const sign: MlDsaKey['sign'] = (input, context) =>
    implementations[alg].sign(Buffer.from(input), secretKey, context === undefined ? {} : { context })
  const signJwt: MlDsaKey['signJwt'] = (header, claims) => {
    const input = `${encode({ alg, ...header })}.${encode(claims)}`
    return `${input}.${Buffer.from(sign(input)).toString('base64url')}`
  }
  return { alg, jwk, jkt: await calculateJwkThumbprint({ ...jwk }), sign, signJwt }
}

/** Replaces what the platform lacks. On runtimes with ML-DSA nothing is replaced. `vi.restoreAllMocks()` undoes it. */
export function provideMlDsa(): void {
  if (platform.supports('ML-DSA-44')) return
  const { importKey, verify } = platform
  const verifyEither: Platform['verify'] = (alg, key, input, signature) =>
    isPostQuantum(alg) ? verifyMlDsa(alg, key as PublicKey, input, signature) : verify(alg, key, input, signature)
  vi.spyOn(platform, 'supports').mockReturnValue(true)
  vi.spyOn(platform, 'importKey').mockImplementation((jwk, alg) =>
    jwk.kty === 'AKP' ? { publicKey: Buffer.from(jwk.pub, 'base64url') } : importKey(jwk, alg)
  )
  vi.spyOn(platform, 'verify').mockImplementation(verifyEither)
  vi.spyOn(platform, 'verifyInPool' as 'verify').mockImplementation(async (...args) => await verifyEither(...args))
}

interface PublicKey {
  readonly publicKey: Uint8Array
}

function verifyMlDsa(alg: PostQuantumAlgorithm, { publicKey }: PublicKey, input: string, signature: Uint8Array): boolean {
  try {
    return implementations[alg].verify(signature, Buffer.from(input), publicKey)
  } catch {
    return false
  }
}
