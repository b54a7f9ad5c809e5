/** `verifyRequest()`: verifies one request with a verifier or its options. @module */

import type { RequestLike } from './request/request.js'
import type { VerifiedRequest } from './verified-request.js'
import type { VerifyOptions } from './verifier.js'
import { toVerifier, type VerifierSource } from './verifier-source.js'

/**
 * Verifies one request; see {@link Verifier.verifyRequest}. A verifier is created once for each options object. Keep that object:
 * a new one has empty caches and an empty replay store.
 */
export function verifyRequest(
  request: RequestLike,
  source: VerifierSource<VerifiedRequest>,
  options?: VerifyOptions
): Promise<VerifiedRequest>
export function verifyRequest(
  request: RequestLike,
  source: VerifierSource,
  options?: VerifyOptions
): Promise<VerifiedRequest | undefined>
export async function verifyRequest(
  request: RequestLike,
  source: VerifierSource,
  options?: VerifyOptions
): Promise<VerifiedRequest | undefined> {
  return await toVerifier(source).verifyRequest(request, options)
}
