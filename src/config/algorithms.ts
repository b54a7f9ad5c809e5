/** Validates lists of signature algorithms: known, accepted by the profile, and supported by the runtime. @module */

import { platform } from '#crypto'
import { isPostQuantum, type ProofAlgorithm } from '../crypto/crypto.js'
import { check, misconfigured } from './option-validation.js'

/** Validates a list of algorithms. `undefined` results in the default. */
export function checkAlgorithms(
  name: string,
  value: unknown,
  accepted: readonly ProofAlgorithm[]
): readonly ProofAlgorithm[] | undefined {
  const algorithms = check.listOf(name, value, accepted)
  for (const alg of algorithms ?? []) checkSupported(name, alg)
  return algorithms
}

/** Throws a TypeError if the runtime lacks an algorithm. */
export function checkSupported(name: string, alg: ProofAlgorithm): void {
  if (isPostQuantum(alg) && !platform.supports(alg))
    misconfigured(name, `be supported by this runtime, which has no ${alg}; Node.js has it from 24.7, with OpenSSL 3.5`)
}
