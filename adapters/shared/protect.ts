/** Verifies each request once and sets the header fields of its response. @module */

import { type DPoPUnavailableError, isDPoPError, isDPoPUnavailableError, type ResponseHeaders } from '../../src/errors.js'
import { toUnavailableError } from '../../src/outage.js'
import { isRestrictive } from '../../src/policy/policy.js'
import type { RequestLike } from '../../src/request/request.js'
import type { VerifiedRequest } from '../../src/verified-request.js'
import type { AnyVerifier, RoutePolicy, VerifyOptions } from '../../src/verifier.js'
import { haveEqualOptions } from '../../src/verifier-source.js'
import { exposedHeaders } from './cross-origin.js'
import { functionOf } from './middleware-name.js'
import { addHeadersIfNotSent, type ResponseHeaderAccess, setHeadersIfNotSent } from './response-headers.js'

/** What the guards of one request share. */
interface GuardedRequest {
  /** The object that identifies the request. A copy of it, or an object that inherits from it, is another request. */
  readonly key: object
  /** The last verification, if the request was accepted. A rejection is not reused: the next guard may require less. */
  accepted: Accepted | undefined
  /** Settles when the guard that was called last has decided. */
  lastDecision: Promise<unknown> | undefined
}

/** A verification that accepted the request. */
interface Accepted {
  readonly verifier: AnyVerifier
  readonly audienceComparison: VerifyOptions['audienceComparison']
  readonly auth: VerifiedRequest | undefined
}

/**
 * The property of the request object for its guards. A WeakMap would keep the values alive until the next full garbage collection,
 * which costs up to a tenth of a verification.
 */
const guarded = Symbol('dpop-guard')

function findGuarded(key: { readonly [guarded]?: GuardedRequest }): GuardedRequest | undefined {
  const found = key[guarded]
  return found?.key === key ? found : undefined
}

function guardedRequestOf(key: object): GuardedRequest {
  const known = findGuarded(key)
  if (known !== undefined) return known
  const created: GuardedRequest = { key, accepted: undefined, lastDecision: undefined }
  Object.assign(key, { [guarded]: created })
  return created
}

/**
 * Verifies a request once, however many guards of one verifier run for it, in sequence or concurrently: a proof can only be consumed
 * once.
 *
 * @param key an object that identifies this request and is not reused for another
 */
export async function protect(
  verifier: AnyVerifier,
  request: RequestLike,
  headers: ResponseHeaderAccess,
  options: VerifyOptions,
  key: object = request
): Promise<VerifiedRequest | undefined> {
  const exposed = exposedHeaders(request, headers)
  try {
    setHeadersIfNotSent(headers, exposed)
    const shared = guardedRequestOf(key)
    const { lastDecision } = shared
    const decide = () => reuseOrVerify(shared, verifier, request, options)
    // The guards of the resolvers of a GraphQL query run concurrently. Each waits only for the one before it: a query may have thousands.
    const deciding = lastDecision === undefined ? decide() : lastDecision.then(decide, decide)
    shared.lastDecision = deciding
    const { auth, isReused } = await deciding
    if (isReused) await enforce(verifier, auth, options, request)
    else if (auth) addHeadersIfNotSent(headers, auth.responseHeaders)
    return auth
  } catch (error) {
    throw withHeaders(error, headers, exposed)
  }
}

async function reuseOrVerify(
  shared: GuardedRequest,
  verifier: AnyVerifier,
  request: RequestLike,
  options: VerifyOptions
): Promise<Pick<Accepted, 'auth'> & { readonly isReused: boolean }> {
  const earlier = shared.accepted
  const { audienceComparison } = options
  if (earlier && (earlier.verifier === verifier || haveEqualOptions(earlier.verifier, verifier))) {
    if (earlier.audienceComparison === 'uri' && audienceComparison !== 'uri') throw looserComparison()
    return { auth: earlier.auth, isReused: true }
  }
  shared.accepted = undefined
  try {
    const auth = await verifier.verifyRequest(request, options)
    shared.accepted = { verifier, audienceComparison, auth }
    return { auth, isReused: false }
  } catch (error) {
    throw explainConflict(error, earlier)
  }
}

/** The error of a second guard with other options and the same replay store, which would otherwise look like a replay. */
function explainConflict(error: unknown, earlier: Accepted | undefined): unknown {
  if (earlier === undefined || !isDPoPError(error) || error.code !== 'ERR_DPOP_PROOF_REPLAYED') return error
  const cause = new TypeError(
    'Two guards with different options and one replay store verified one request: use the same verifier'
  )
  return toUnavailableError(cause)
}

/** A guard that compares the audience exactly cannot reuse the result of one that does not, and the proof is consumed. */
function looserComparison(): DPoPUnavailableError {
  return toUnavailableError(
    new TypeError(
      'A guard with audienceComparison "uri", such as mcpAuth(), ran before one that compares exactly: run it after that'
    )
  )
}

/**
 * Checks the policy of a request that {@link protect} accepted. Throws a `TypeError` if the request was not verified.
 *
 * @param key the object that identifies this request
 */
export async function protectPolicy(
  request: RequestLike,
  headers: ResponseHeaderAccess,
  policy: RoutePolicy,
  key: object = request
): Promise<void> {
  const earlier = findGuarded(key)?.accepted
  if (earlier === undefined) throw new TypeError(`${functionOf(policy)}() must come after dpop(): this request was not verified`)
  try {
    await enforce(earlier.verifier, earlier.auth, policy, request)
  } catch (error) {
    throw withHeaders(error, headers, exposedHeaders(request, headers))
  }
}

async function enforce(
  verifier: AnyVerifier,
  auth: VerifiedRequest | undefined,
  { target: _target, audienceComparison: _comparison, ...policy }: VerifyOptions,
  request: RequestLike
): Promise<void> {
  if (isRestrictive(policy)) await verifier.requirePolicy(auth, policy, request)
}

/** Sets the header fields of an error on the response. The error also has those for CORS, because Koa and Fetch send only its own. */
function withHeaders(error: unknown, headers: ResponseHeaderAccess, exposed: ResponseHeaders): unknown {
  if (!isDPoPError(error) && !isDPoPUnavailableError(error)) return error
  // An error that is frozen remains as it is.
  if (Object.keys(exposed).length > 0) Reflect.set(error, 'headers', { ...error.headers, ...exposed })
  addHeadersIfNotSent(headers, error.headers)
  return error
}
