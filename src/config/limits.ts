/** The limits and defaults of the profiles. @module */

import { type ProofAlgorithm, proofAlgorithms, traditionalAlgorithms } from '../crypto/crypto.js'
import type { TokenAlgorithm } from '../options.js'

/** The limits of a profile. Other options may only narrow them. */
export interface Limits {
  readonly proofAlgorithms: readonly ProofAlgorithm[]
  readonly defaultProofAlgorithms: readonly ProofAlgorithm[]
  readonly tokenAlgorithms: readonly TokenAlgorithm[]
  readonly defaultTokenAlgorithms: readonly TokenAlgorithm[]
  readonly maxAgeSeconds: number
  readonly maxFutureSeconds: { readonly min: number; readonly max: number }
}

/** Without a profile. */
export const standard: Limits = {
  proofAlgorithms,
  defaultProofAlgorithms: traditionalAlgorithms.filter((alg) => !alg.startsWith('RS')),
  tokenAlgorithms: proofAlgorithms,
  defaultTokenAlgorithms: traditionalAlgorithms,
  maxAgeSeconds: 300,
  maxFutureSeconds: { min: 0, max: 300 }
}

/** FAPI 2.0 Security Profile §5.4.1; §5.3.2.1: up to 10 seconds ahead must be accepted, more than 60 must not. */
export const fapi2: Limits = {
  proofAlgorithms: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
  defaultProofAlgorithms: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
  tokenAlgorithms: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
  defaultTokenAlgorithms: ['PS256', 'ES256', 'EdDSA', 'Ed25519'],
  maxAgeSeconds: 60,
  maxFutureSeconds: { min: 10, max: 60 }
}
