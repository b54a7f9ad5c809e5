/** The ways to name a verifier: one that is ready, its options, or the environment. @module */

import { optionsFromEnv } from './config/from-env.js'
import type { VerifierOptions } from './options.js'
import type { RequestLike } from './request/request.js'
import type { VerifiedRequest } from './verified-request.js'
import { createVerifier, type Verifier, type VerifyOptions } from './verifier.js'

const made = new WeakMap<object, Verifier<VerifiedRequest | undefined>>()

/** What the environment said when it was last asked. */
let lastFromEnv: VerifierOptions | undefined

/** {@link optionsFromEnv}, the same object for as long as the environment says the same. */
function sameFromEnv(): VerifierOptions {
  const options = optionsFromEnv()
  if (lastFromEnv === undefined || JSON.stringify(options) !== JSON.stringify(lastFromEnv)) lastFromEnv = options
  return lastFromEnv
}

/**
 * The verifier that is meant: a ready one as it is, options made into one (once for each object), and without either the
 * one of {@link optionsFromEnv}.
 *
 * @param origin the object that counts, where the options are a copy of a part of it
 * @throws TypeError that names the option, where one is missing, unknown or wrong
 */
export function toVerifier(
  verifierOrOptions?: Verifier<VerifiedRequest | undefined> | VerifierOptions,
  origin?: object
): Verifier<VerifiedRequest | undefined> {
  const given = verifierOrOptions ?? sameFromEnv()
  if (isVerifier(given)) return given
  const verifier = made.get(origin ?? given) ?? createVerifier(given)
  made.set(origin ?? given, verifier)
  return verifier
}

function isVerifier(given: object): given is Verifier<VerifiedRequest | undefined> {
  return typeof (given as Partial<Verifier>).verifyRequest === 'function'
}

/**
 * Verifies one request; see {@link Verifier.verifyRequest}. Options are made into a verifier once for each object: keep the
 * object, else every call begins with empty caches and an empty replay memory.
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
