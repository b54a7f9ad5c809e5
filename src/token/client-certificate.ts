/** Compares the client's TLS certificate with the one that the token is bound to (RFC 8705 §3). @module */

import { platform } from '#crypto'
import type { VerifierConfig } from '../config/config.js'
import { refuse } from '../errors.js'
import type { RequestLike } from '../request/request.js'

/** RFC 8705 §3: "the protected resource MUST verify that the certificate matches the certificate associated with the access token". */
export async function checkClientCertificate(
  x5tS256: string,
  request: RequestLike,
  clientCertificate: VerifierConfig['clientCertificate']
): Promise<void> {
  const certificate: unknown = await clientCertificate?.(request)
  // An empty string is what a proxy sends for a client without a certificate.
  if (certificate === undefined || certificate === null || certificate === '')
    refuse('ERR_DPOP_TOKEN_BINDING', { reason: 'there is no client certificate; see the option clientCertificate' })
  const der = typeof certificate === 'string' ? fromPem(certificate) : (certificate as Uint8Array)
  if ((await platform.sha256OfBytes(der)) !== x5tS256)
    refuse('ERR_DPOP_TOKEN_BINDING', { reason: 'the client certificate does not match cnf.x5t#S256' })
}

/** RFC 7468 §5. The first certificate of a chain is the client's. */
function fromPem(pem: string): Uint8Array {
  const body = /-----BEGIN CERTIFICATE-----([A-Za-z0-9+/=\s]+)-----END CERTIFICATE-----/.exec(pem)?.[1]
  if (body === undefined) throw new TypeError('"clientCertificate" must return PEM, DER or undefined')
  return Uint8Array.from(atob(body), (char) => char.charCodeAt(0))
}
