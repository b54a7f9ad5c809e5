/** The options that `dpop()` without options means: three environment variables. @module */

import type { VerifierOptions } from '../options.js'
import { misconfigured } from './option-validation.js'

/**
 * Reads `DPOP_ISSUER`, `DPOP_AUDIENCE` (may be absent) and `DPOP_BASE_URL`: what `dpop()` without options does. Nothing else
 * here reads the environment.
 *
 * @throws TypeError where `DPOP_ISSUER` or `DPOP_BASE_URL` is not set
 */
export function optionsFromEnv(
  env: Readonly<Record<string, string | undefined>> = globalThis.process?.env ?? {}
): VerifierOptions & { readonly optional?: false } {
  const { DPOP_ISSUER: issuer, DPOP_AUDIENCE: audience, DPOP_BASE_URL: baseUrl } = env
  if (!issuer) misconfigured('DPOP_ISSUER', 'be set in the environment where no options are given')
  if (!baseUrl) misconfigured('DPOP_BASE_URL', 'be set in the environment where no options are given')
  return { issuer, baseUrl, ...(audience && { audience }) }
}
