/** Resolves a verifier from a verifier, its options, a function or the environment. @module */

import { optionsFromEnv } from './config/from-env.js'
import { misconfigured } from './config/option-validation.js'
import { copyPlain, isEqual } from './encoding/plain-values.js'
import { LazyVerifier } from './lazy-verifier.js'
import type { VerifierOptions } from './options.js'
import type { VerifiedRequest } from './verified-request.js'
import { type AnyVerifier, createVerifier, type Verifier } from './verifier.js'

type OptionsFor<Auth> = undefined extends Auth ? VerifierOptions : VerifierOptions & { readonly optional?: false }

/**
 * What a verifier is made of: an existing one, its options, or a function that returns either. The function is called once, at the
 * first request, with the environment: `process.env`, and the members of the `env` that Workers and Hono pass to handlers. An error of
 * the function is 503 with that error as its cause. `optionsFromEnv` is such a function.
 */
export type VerifierSource<Auth extends VerifiedRequest | undefined = VerifiedRequest | undefined> =
  | Verifier<Auth>
  | OptionsFor<Auth>
  | ((env: never) => Verifier<Auth> | OptionsFor<Auth>)

const verifiers = new WeakMap<object, AnyVerifier>()

/** Copies of the options of verifiers that were created here. The objects themselves may be changed later. */
const optionsOf = new WeakMap<AnyVerifier, VerifierOptions>()

/** The last options that were read from the environment. */
let lastFromEnv: VerifierOptions | undefined

/** {@link optionsFromEnv}, with the same identity while the environment does not change. */
function stableOptionsFromEnv(): VerifierOptions {
  const options = optionsFromEnv()
  if (lastFromEnv === undefined || JSON.stringify(options) !== JSON.stringify(lastFromEnv)) lastFromEnv = options
  return lastFromEnv
}

/**
 * Resolves a verifier: returns a verifier as it is, creates one for options or a function (once per object), and uses
 * {@link optionsFromEnv} without an argument.
 *
 * @param origin the object whose identity is used, if the options are a copy of a part of it
 * @throws TypeError that names the option that is missing, unknown or invalid, or if the options were changed since their verifier was
 * created, which would have no effect
 */
export function toVerifier(source?: VerifierSource, origin?: object): AnyVerifier {
  const given = source ?? stableOptionsFromEnv()
  if (isVerifier(given)) return given
  const known = verifiers.get(origin ?? given)
  if (known !== undefined) return checkUnchanged(known, given)
  const verifier = create(given)
  verifiers.set(origin ?? given, verifier)
  if (typeof given !== 'function') optionsOf.set(verifier, copyPlain(given))
  return verifier
}

function checkUnchanged(verifier: AnyVerifier, given: VerifierOptions | ((env: never) => unknown)): AnyVerifier {
  const created = optionsOf.get(verifier)
  const isUnchanged = created === undefined || isEqual(created, given)
  return isUnchanged
    ? verifier
    : misconfigured('options', 'not be changed after a verifier was created from them: pass a new object')
}

function create(given: VerifierOptions | ((env: never) => AnyVerifier | VerifierOptions)): AnyVerifier {
  if (typeof given !== 'function') return createVerifier(given)
  return new LazyVerifier((env) => {
    const returned = given(env as never)
    if (returned instanceof Promise) misconfigured('options', 'be returned by the function, not a promise of them')
    return isVerifier(returned) ? returned : createVerifier(returned)
  })
}

/** Whether two verifiers were created from options with equal members, so that one verification serves both. */
export function haveEqualOptions(a: AnyVerifier, b: AnyVerifier): boolean {
  const [first, second] = [optionsOf.get(a), optionsOf.get(b)]
  return first !== undefined && second !== undefined && isEqual(first, second)
}

function isVerifier(given: VerifierSource): given is AnyVerifier {
  return typeof (given as Partial<Verifier> | null)?.verifyRequest === 'function'
}
