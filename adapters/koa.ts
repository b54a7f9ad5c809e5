/** Koa 2 and 3: middleware that verifies a request, and middleware that requires scopes. @module */

import type { Context, Middleware } from 'koa'
import type { VerifierOptions } from '../src/options.js'
import { routeScopes } from '../src/policy/scopes.js'
import type { NodeRequest } from '../src/request/request.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { toVerifier } from '../src/verify-request.js'
import { type AnyVerifier, protect, protectScopes, type ResponseHeaderAccess } from './shared.js'

export type { AnyVerifier } from './shared.js'

/** What {@link dpop} adds to `ctx.state`. */
export interface DPoPState {
  /** The verified request. Undefined for a request without credentials with the option `optional`. */
  dpop: VerifiedRequest
}

/**
 * Middleware that verifies token, proof and binding of a request (RFC 9449 §4.3 and §7) and sets `ctx.state.dpop`. Not checked: query,
 * body and other header fields (§11.7), and scopes: see {@link requireScopes}.
 *
 * If the request is rejected, the header fields of the response are set and the error is thrown: a `DPoPError`, or a
 * `DPoPUnavailableError` if keys, the replay store or a hook is unavailable. A request is verified once, even if this middleware
 * runs twice.
 *
 * @param verifierOrOptions defaults to `optionsFromEnv()`
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function dpop(verifierOrOptions?: AnyVerifier | VerifierOptions): Middleware<DPoPState> {
  const verifier = toVerifier(verifierOrOptions)
  return async function dpop(ctx, next) {
    // If Koa is mounted in an Express application, its own path lacks the mount path.
    const { originalUrl = ctx.originalUrl }: NodeRequest = ctx.req
    const auth = await protect(verifier, ctx.req, headersOf(ctx), { target: originalUrl })
    Object.assign(ctx.state, { dpop: auth })
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
export function requireScopes(...scopes: string[]): Middleware {
  const required = routeScopes(scopes)
  return async function requireScopes(ctx, next) {
    protectScopes(ctx.req, headersOf(ctx), required)
    await next()
  }
}

function headersOf(ctx: Pick<Context, 'res' | 'set'>): ResponseHeaderAccess {
  return { get: (name) => ctx.res.getHeader(name), set: (name, value) => ctx.set(name, value) }
}
