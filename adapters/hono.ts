/** Hono 4: middleware that verifies a request, and middleware that requires scopes. @module */

import type { Context, MiddlewareHandler } from 'hono'
import type { VerifierOptions } from '../src/options.js'
import { routeScopes } from '../src/policy/scopes.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { toVerifier } from '../src/verify-request.js'
import { type AnyVerifier, protect, protectScopes, type ResponseHeaderAccess } from './shared.js'

export type { AnyVerifier } from './shared.js'

/** The variables of {@link dpop}, for `new Hono<{ Variables: DPoPVariables }>()`. */
export interface DPoPVariables {
  /** The verified request. Undefined for a request without credentials with the option `optional`. */
  dpop: VerifiedRequest
}

/**
 * Middleware that verifies token, proof and binding of a request (RFC 9449 §4.3 and §7) and sets the variable `dpop`. Not checked:
 * query, body and other header fields (§11.7), and scopes: see {@link requireScopes}.
 *
 * If the request is rejected, the header fields of the response are set and the error is thrown: a `DPoPError`, or a
 * `DPoPUnavailableError` if keys, the replay store or a hook is unavailable. Hono sends it as the response, or passes it to
 * `app.onError`. A request is verified once, even if this middleware runs twice.
 *
 * `app.mount` removes the mount path from requests: add it to `baseUrl`. `app.route` does not.
 *
 * @param verifierOrOptions defaults to `optionsFromEnv()`
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function dpop(verifierOrOptions?: AnyVerifier | VerifierOptions): MiddlewareHandler<{ Variables: DPoPVariables }> {
  const verifier = toVerifier(verifierOrOptions)
  return async function dpop(c, next) {
    // The context identifies the request, because the same Request object may be passed to app.fetch twice.
    c.set('dpop', (await protect(verifier, c.req.raw, headersOf(c), {}, c)) as VerifiedRequest)
    await next()
  }
}

/**
 * Middleware that requires all of `scopes` in the access token. Otherwise it throws 403 `insufficient_scope` in the scheme of the
 * request, or 401 for a request without credentials (RFC 6750 §3.1). Must run after {@link dpop}; without it, it throws a
 * `TypeError`.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function requireScopes(...scopes: string[]): MiddlewareHandler {
  const required = routeScopes(scopes)
  return async function requireScopes(c, next) {
    protectScopes(c, headersOf(c), required)
    await next()
  }
}

function headersOf(c: Context): ResponseHeaderAccess {
  return { get: (name) => c.res.headers.get(name), set: (name, value) => c.header(name, [value].flat().join(', ')) }
}
