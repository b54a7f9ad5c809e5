/** The verifier of an adapter: an existing one, or one of options. @module */

import { misconfigured } from '../../src/config/option-validation.js'
import type { VerifierOptions } from '../../src/options.js'
import type { AnyVerifier } from '../../src/verifier.js'
import { toVerifier, type VerifierSource } from '../../src/verifier-source.js'

export type { AnyVerifier } from '../../src/verifier.js'

/**
 * Settings of frameworks that take one object: the options of a verifier, or an existing verifier as `verifier`. With neither, the
 * options are those of `optionsFromEnv()`.
 */
export type VerifierSettings =
  | VerifierOptions
  | ({
      /** An existing verifier, instead of options. */
      readonly verifier?: AnyVerifier
    } & { readonly [Name in keyof VerifierOptions]?: never })

/** What has a verifier, for `verifier.ready()` in a readiness probe, `verifier.nonceHeaders()` and `verifier.explain()`. */
export interface HasVerifier {
  readonly verifier: AnyVerifier
}

/** The verifier of the settings of an adapter. `own` lists the names of settings that are not options of a verifier. */
export function verifierOf(settings: VerifierSettings | AnyVerifier = {}, own: readonly string[] = []): AnyVerifier {
  if (typeof settings !== 'object' || settings === null) misconfigured('options', 'be an object')
  if ('verifyRequest' in settings) return toVerifier(settings)
  const entries = Object.entries(settings).filter(([name]) => !own.includes(name))
  if (entries.length === 0) return toVerifier()
  const { verifier, ...options } = Object.fromEntries(entries) as { verifier?: AnyVerifier } & VerifierOptions
  // The options are a copy, so the verifier is associated with the original object.
  if (verifier === undefined) return toVerifier(options, settings)
  return entries.length === 1 ? toVerifier(verifier) : misconfigured('verifier', 'not be combined with options of a verifier')
}

/** The verifiers of several sources; that of the environment without any. */
export function toVerifiers(sources: readonly VerifierSource[]): readonly AnyVerifier[] {
  return sources.length === 0 ? [toVerifier()] : sources.map((source) => toVerifier(source))
}
