/** What the adapters share: one verification of each request, its result remembered, its header fields on the answer. @module */

import { misconfigured } from '../src/config/option-validation.js'
import { isDPoPError, isDPoPUnavailableError, type ResponseHeaders } from '../src/errors.js'
import type { VerifierOptions } from '../src/options.js'
import type { RequestLike } from '../src/request/request.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import type { Verifier, VerifyOptions } from '../src/verifier.js'
import { toVerifier } from '../src/verify-request.js'

/** A verifier of any options. */
export type AnyVerifier = Verifier<VerifiedRequest | undefined>

/**
 * For frameworks that take one object of settings: the options of a verifier, or a ready one as `verifier`, or neither, where
 * the environment is read.
 */
export type VerifierSettings =
  | VerifierOptions
  | ({
      /** A ready verifier, instead of options of one. */
      readonly verifier?: AnyVerifier
    } & { readonly [Name in keyof VerifierOptions]?: never })

/** The header fields of an answer in the making. */
export interface AnswerHeaders {
  get(name: string): unknown
  set(name: string, value: string | string[]): void
}

/** What comes of a request. */
interface Check {
  /** The object that stands for this request: what was copied or inherited from it is checked for another one. */
  readonly key: object
  readonly verifier: AnyVerifier
  /** Settles once the state is no longer `'under way'`. */
  readonly verifying: Promise<VerifiedRequest | undefined>
  state: 'under way' | 'accepted' | 'refused'
  auth: VerifiedRequest | undefined
}

/**
 * The property with which the object that stands for a request remembers what came of it. Not a WeakMap: what an old one holds
 * outlives its request until the next full garbage collection, and that costs as much as a tenth of a verification.
 */
const checked = Symbol('dpop-guard')

/** A refusal is not remembered: the next guard may ask for less. */
function checkOf(key: { readonly [checked]?: Check }): Check | undefined {
  const check = key[checked]
  return check?.key === key && check.state !== 'refused' ? check : undefined
}

/**
 * Verifies a request once, however many guards it passes, one after another or side by side: a proof is good for one use, and
 * two guards of one verifier are not two uses.
 *
 * @param key the object that stands for this one request, and is never used for another
 */
export async function protect(
  verifier: AnyVerifier,
  request: RequestLike,
  answer: AnswerHeaders,
  options: VerifyOptions,
  key: object = request
): Promise<VerifiedRequest | undefined> {
  try {
    let earlier = checkOf(key)
    // Guards of the resolvers of one GraphQL query run side by side. Nothing may be awaited between the last look and our turn.
    while (earlier?.state === 'under way') {
      await Promise.allSettled([earlier.verifying])
      earlier = checkOf(key)
    }
    if (earlier?.verifier === verifier) {
      if (options.scopes) verifier.requireScopes(earlier.auth, options.scopes)
      return earlier.auth
    }
    const auth = await verifyAndRemember(verifier, request, options, key)
    if (auth) addHeadersInTime(answer, auth.responseHeaders)
    return auth
  } catch (error) {
    throw withHeaders(error, answer)
  }
}

async function verifyAndRemember(
  verifier: AnyVerifier,
  request: RequestLike,
  options: VerifyOptions,
  key: object
): Promise<VerifiedRequest | undefined> {
  const verifying = verifier.verifyRequest(request, options)
  const check: Check = { key, verifier, verifying, state: 'under way', auth: undefined }
  Object.assign(key, { [checked]: check })
  try {
    check.auth = await verifying
    check.state = 'accepted'
    return check.auth
  } catch (error) {
    check.state = 'refused'
    throw error
  }
}

/** Checks the scopes of a request that passed {@link protect}; a `TypeError` where none did. */
export function protectScopes(key: object, answer: AnswerHeaders, scopes: readonly string[]): void {
  const earlier = checkOf(key)
  if (earlier?.state !== 'accepted')
    throw new TypeError('requireScopes() must come after dpop(), and nothing checked this request')
  const verifier: AnyVerifier = earlier.verifier
  try {
    verifier.requireScopes(earlier.auth, scopes)
  } catch (error) {
    throw withHeaders(error, answer)
  }
}

/** The verifier that `settings` mean; `own` are the names of the framework's own settings among them. */
export function verifierOf(settings: VerifierSettings | AnyVerifier = {}, own: readonly string[] = []): AnyVerifier {
  if (typeof settings !== 'object' || settings === null) misconfigured('options', 'be an object')
  if ('verifyRequest' in settings) return toVerifier(settings)
  const entries = Object.entries(settings).filter(([name]) => !own.includes(name))
  if (entries.length === 0) return toVerifier()
  const { verifier, ...options } = Object.fromEntries(entries) as { verifier?: AnyVerifier } & VerifierOptions
  // The options are a copy, without the names of the framework: what lasts is the object that they are copied from.
  if (verifier === undefined) return toVerifier(options, settings)
  return entries.length === 1 ? toVerifier(verifier) : misconfigured('verifier', 'stand alone, without options of a verifier')
}

// Fields that others add to as well: theirs stay (RFC 9110 §5.3).
const listFields = new Set(['www-authenticate', 'vary', 'access-control-expose-headers'])

/** Puts header fields on an answer; of lists, the lines that are not there yet. */
export function addHeaders(answer: AnswerHeaders, headers: ResponseHeaders): void {
  for (const [name, value] of Object.entries(headers)) {
    const present = listFields.has(name.toLowerCase()) ? (answer.get(name) ?? []) : []
    const lines = [...new Set([present, value].flat() as string[])]
    answer.set(name, lines.length === 1 ? (lines[0] as string) : lines)
  }
}

/** The same, unless the answer is sent already, as by a time limit: that changes nothing of what came of the request. */
function addHeadersInTime(answer: AnswerHeaders, headers: ResponseHeaders): void {
  try {
    addHeaders(answer, headers)
  } catch (error) {
    if ((error as { code?: unknown }).code !== 'ERR_HTTP_HEADERS_SENT') throw error
  }
}

function withHeaders(error: unknown, answer: AnswerHeaders): unknown {
  if (isDPoPError(error) || isDPoPUnavailableError(error)) addHeadersInTime(answer, error.headers)
  return error
}
