/** Reads options from environment variables, for `dpop()` without options. @module */

import type { VerifierOptions } from '../options.js'
import { check, misconfigured } from './option-validation.js'

/**
 * Reads `DPOP_ISSUER`, `DPOP_BASE_URL` and, if set, `DPOP_AUDIENCE` and `DPOP_TOKEN_TYPE` (`at+jwt` or `any`). `dpop()` without
 * options calls this function. The environment is not read otherwise.
 *
 * @throws TypeError if `DPOP_ISSUER` or `DPOP_BASE_URL` is not set
 */
export function optionsFromEnv(
  // Not a record of any variable: an interface of an environment may have others of any type.
  env: {
    readonly [name in 'DPOP_ISSUER' | 'DPOP_BASE_URL' | 'DPOP_AUDIENCE' | 'DPOP_TOKEN_TYPE']?: string | undefined
  } = globalThis.process?.env ?? {}
): VerifierOptions & { readonly optional?: false } {
  const { DPOP_ISSUER: issuer, DPOP_AUDIENCE: audience, DPOP_BASE_URL: baseUrl, DPOP_TOKEN_TYPE: tokenType } = env
  if (!issuer) misconfigured('DPOP_ISSUER', 'be set in the environment if no options are given')
  if (!baseUrl) misconfigured('DPOP_BASE_URL', 'be set in the environment if no options are given')
  if (baseUrl.includes(',')) misconfigured('DPOP_BASE_URL', 'be one URL; pass an array of URLs as the option "baseUrl" instead')
  const type = check.oneOf('DPOP_TOKEN_TYPE', tokenType || undefined, ['at+jwt', 'any'])
  return { issuer, baseUrl, ...(audience && { audience }), ...(type && { token: { type } }) }
}
