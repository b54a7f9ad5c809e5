/** Hono 4: middleware that verifies a request, and middleware that asks for scopes. @module */

import type { Context, MiddlewareHandler } from 'hono'
import type { VerifierOptions } from '../src/options.js'
import { routeScopes } from '../src/policy/scopes.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { toVerifier } from '../src/verify-request.js'
import { type AnswerHeaders, type AnyVerifier, protect, protectScopes } from './shared.js'

export type { AnyVerifier } from './shared.js'

/** The variables of {@link dpop}, for `new Hono<{ Variables: DPoPVariables }>()`. */
export interface DPoPVariables {
  /** What was verified. Undefined for an anonymous request under the option `optional`. */
  dpop: VerifiedRequest
}

/**
 * Middleware that verifies token, proof and binding of a request (RFC 9449 §4.3 and §7); `c.get('dpop')` is the result. Not
 * checked: query, body and other header fields (§11.7), and scopes, which are for {@link requireScopes}.
 *
 * A refusal has its header fields set on the response, and is thrown: a `DPoPError`, or a `DPoPUnavailableError` where keys,
 * replay store or a hook of yours is out of order. Hono answers with it, or hands it to your `app.onError`. Run twice for one
 * request, it verifies once.
 *
 * `app.mount` hands over requests without the mount path: there it belongs into `baseUrl`. `app.route` leaves them as they are.
 *
 * @param verifierOrOptions without it, the options are those of `optionsFromEnv()`
 * @throws TypeError where an option is missing, unknown or wrong
 */
export function dpop(verifierOrOptions?: AnyVerifier | VerifierOptions): MiddlewareHandler<{ Variables: DPoPVariables }> {
  const verifier = toVerifier(verifierOrOptions)
  return async function dpop(c, next) {
    // The context stands for this one request; the Request object may be handed in a second time.
    c.set('dpop', (await protect(verifier, c.req.raw, headersOf(c), {}, c)) as VerifiedRequest)
    await next()
  }
}

/**
 * Middleware, after {@link dpop}, that wants all of `scopes` in the access token: else it throws 403 `insufficient_scope` in the
 * scheme that was used, and for an anonymous request 401 (RFC 6750 §3.1). Without `dpop` before it, it throws a `TypeError`.
 *
 * @throws TypeError where a scope is not one (RFC 6749 §3.3), or there is none
 */
export function requireScopes(...scopes: string[]): MiddlewareHandler {
  const needed = routeScopes(scopes)
  return async function requireScopes(c, next) {
    protectScopes(c, headersOf(c), needed)
    await next()
  }
}

function headersOf(c: Context): AnswerHeaders {
  return { get: (name) => c.res.headers.get(name), set: (name, value) => c.header(name, [value].flat().join(', ')) }
}
