/** `verifyRequest()`, and the resolution of a verifier from a verifier, its options or the environment. @module */

import { optionsFromEnv } from './config/from-env.js'
import type { VerifierOptions } from './options.js'
import type { RequestLike } from './request/request.js'
import type { VerifiedRequest } from './verified-request.js'
import { createVerifier, type Verifier, type VerifyOptions } from './verifier.js'

const verifiers = new WeakMap<object, Verifier<VerifiedRequest | undefined>>()

/** The options of verifiers that were created here. */
const optionsOf = new WeakMap<Verifier<VerifiedRequest | undefined>, VerifierOptions>()

/** The last options that were read from the environment. */
let lastFromEnv: VerifierOptions | undefined

/** {@link optionsFromEnv}, with the same identity while the environment does not change. */
function stableOptionsFromEnv(): VerifierOptions {
  const options = optionsFromEnv()
  if (lastFromEnv === undefined || JSON.stringify(options) !== JSON.stringify(lastFromEnv)) lastFromEnv = options
  return lastFromEnv
}

/**
 * Resolves a verifier: returns a verifier as it is, creates one for options (once per object), and uses {@link optionsFromEnv}
 * without an argument.
 *
 * @param origin the object whose identity is used, if the options are a copy of a part of it
 * @throws TypeError that names the option that is missing, unknown or invalid
 */
export function toVerifier(
  verifierOrOptions?: Verifier<VerifiedRequest | undefined> | VerifierOptions,
  origin?: object
): Verifier<VerifiedRequest | undefined> {
  const given = verifierOrOptions ?? stableOptionsFromEnv()
  if (isVerifier(given)) return given
  const verifier = verifiers.get(origin ?? given) ?? createVerifier(given)
  verifiers.set(origin ?? given, verifier)
  optionsOf.set(verifier, given)
  return verifier
}

/** Whether two verifiers were created from options with equal members, so that one verification serves both. */
export function haveEqualOptions(a: Verifier<VerifiedRequest | undefined>, b: Verifier<VerifiedRequest | undefined>): boolean {
  const [first, second] = [optionsOf.get(a), optionsOf.get(b)]
  return first !== undefined && second !== undefined && isEqual(first, second)
}

/** Plain objects and arrays are compared by their members; anything else, such as a store or a function, by identity. */
function isEqual(a: unknown, b: unknown): boolean {
  if (Object.is(a, b)) return true
  if (!isPlain(a) || !isPlain(b) || Array.isArray(a) !== Array.isArray(b)) return false
  const keys = Object.keys(a)
  return keys.length === Object.keys(b).length && keys.every((key) => isEqual(a[key], b[key]))
}

function isPlain(value: unknown): value is Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) return false
  return Array.isArray(value) || Object.getPrototypeOf(value) === Object.prototype
}

function isVerifier(given: object): given is Verifier<VerifiedRequest | undefined> {
  return typeof (given as Partial<Verifier>).verifyRequest === 'function'
}

/**
 * Verifies one request; see {@link Verifier.verifyRequest}. A verifier is created once for each options object. Keep that object:
 * a new one has empty caches and an empty replay store.
 */
export function verifyRequest<Result extends VerifiedRequest | undefined>(
  request: RequestLike,
  verifier: Verifier<Result>,
  options?: VerifyOptions
): Promise<Result>
export function verifyRequest(
  request: RequestLike,
  options: VerifierOptions & { readonly optional?: false },
  perCall?: VerifyOptions
): Promise<VerifiedRequest>
export function verifyRequest(
  request: RequestLike,
  options: VerifierOptions,
  perCall?: VerifyOptions
): Promise<VerifiedRequest | undefined>
export async function verifyRequest(
  request: RequestLike,
  verifierOrOptions: Verifier<VerifiedRequest | undefined> | VerifierOptions,
  perCall?: VerifyOptions
): Promise<VerifiedRequest | undefined> {
  return await toVerifier(verifierOrOptions).verifyRequest(request, perCall)
}
