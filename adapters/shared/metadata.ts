/** Protected resource metadata of verifiers (RFC 9728). @module */

import type { RequestLike } from '../../src/request/request.js'
import type { MetadataResponse } from '../../src/response/resource-metadata.js'
import type { AnyVerifier, VerifyOptions } from '../../src/verifier.js'

/** Whether a verifier publishes protected resource metadata. */
export function hasMetadata(verifier: AnyVerifier): boolean {
  try {
    return verifier.resourceMetadata() !== undefined
  } catch {
    return false
  }
}

/** The response of the verifier that has the requested document; 404 of the first one if none has. */
export function metadataResponseOf(
  verifiers: readonly AnyVerifier[],
  request: RequestLike,
  options?: Pick<VerifyOptions, 'target'>
): MetadataResponse | undefined {
  const responses = verifiers.map((verifier) => verifier.metadataResponse(request, options))
  return responses.find((response) => response !== undefined && response.status !== 404) ?? responses[0]
}

/** A Fetch `Response` of protected resource metadata. */
export function toResponse({ status, headers, body }: MetadataResponse): Response {
  return new Response(status === 204 ? null : body, { status, headers: headers as Record<string, string> })
}
