/** `verifyRequest()`, and the resolution of a verifier from a verifier, its options, a function or the environment. @module */

import { optionsFromEnv } from './config/from-env.js'
import { misconfigured } from './config/option-validation.js'
import { isPlainObject, type JsonObject } from './encoding/json.js'
import { LazyVerifier } from './lazy-verifier.js'
import type { VerifierOptions } from './options.js'
import type { RequestLike } from './request/request.js'
import type { VerifiedRequest } from './verified-request.js'
import { type AnyVerifier, createVerifier, type Verifier, type VerifyOptions } from './verifier.js'

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
 * @throws TypeError that names the option that is missing, unknown or invalid
 */
export function toVerifier(source?: VerifierSource, origin?: object): AnyVerifier {
  const given = source ?? stableOptionsFromEnv()
  if (isVerifier(given)) return given
  const known = verifiers.get(origin ?? given)
  if (known !== undefined) return known
  const verifier = create(given)
  verifiers.set(origin ?? given, verifier)
  if (typeof given !== 'function') optionsOf.set(verifier, copyPlain(given))
  return verifier
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

/** Plain objects and arrays are compared by their members; anything else, such as a store or a function, by identity. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => Object.hasOwn(b, key) && isEqual(a[key], b[key]))
}

/** Copies plain objects and arrays; anything else is kept. */
function copyPlain<T>(value: T): T {
  if (!isPlain(value)) return value
  const members = Object.entries(value).map(([key, member]) => [key, copyPlain(member)] as const)
  return (Array.isArray(value) ? members.map(([, member]) => member) : Object.fromEntries(members)) as T
}

function isPlain(value: unknown): value is JsonObject {
  return Array.isArray(value) || isPlainObject(value)
}

function isVerifier(given: VerifierSource): given is AnyVerifier {
  return typeof (given as Partial<Verifier> | null)?.verifyRequest === 'function'
}

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
