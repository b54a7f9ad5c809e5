/** Validates the secrets of nonces and tickets. @module */

import { misconfigured } from './option-validation.js'

/** RFC 8725 §3.5: keys of sufficient entropy. */
const MIN_SECRET_BYTES = 32

/** Copies of the secrets as bytes. Throws a TypeError that names the option unless there are one or more, each of 32 bytes or more. */
export function resolveSecrets(name: string, secrets: unknown): readonly Uint8Array[] {
  const isList = Array.isArray(secrets) && secrets.length > 0
  if (!isList) misconfigured(name, 'be a list of one or more secrets')
  return secrets.map((secret) => resolveSecret(name, secret))
}

function resolveSecret(name: string, secret: unknown): Uint8Array {
  const bytes = typeof secret === 'string' ? new TextEncoder().encode(secret) : secret
  const isLong = bytes instanceof Uint8Array && bytes.length >= MIN_SECRET_BYTES
  return isLong ? new Uint8Array(bytes) : misconfigured(name, `have at least ${MIN_SECRET_BYTES} random bytes each`)
}
