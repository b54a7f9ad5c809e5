/** Koa 2 and 3: middleware that verifies a request, and middleware that asks for scopes. @module */

import type { Context, Middleware } from 'koa'
import type { VerifierOptions } from '../src/options.js'
import { routeScopes } from '../src/policy/scopes.js'
import type { NodeRequest } from '../src/request/request.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { toVerifier } from '../src/verify-request.js'
import { type AnswerHeaders, type AnyVerifier, protect, protectScopes } from './shared.js'

export type { AnyVerifier } from './shared.js'

/** What {@link dpop} adds to `ctx.state`. */
export interface DPoPState {
  /** What was verified. Undefined for an anonymous request under the option `optional`. */
  dpop: VerifiedRequest
}

/**
 * Middleware that verifies token, proof and binding of a request (RFC 9449 §4.3 and §7), and puts the result on
 * `ctx.state.dpop`. Not checked: query, body and other header fields (§11.7), and scopes, which are for {@link requireScopes}.
 *
 * A refusal has its header fields set on the response, and is thrown: a `DPoPError`, or a `DPoPUnavailableError` where keys,
 * replay store or a hook of yours is out of order. Run twice for one request, it verifies once.
 *
 * @param verifierOrOptions without it, the options are those of `optionsFromEnv()`
 * @throws TypeError where an option is missing, unknown or wrong
 */
export function dpop(verifierOrOptions?: AnyVerifier | VerifierOptions): Middleware<DPoPState> {
  const verifier = toVerifier(verifierOrOptions)
  return async function dpop(ctx, next) {
    // Mounted in an Express application, Koa itself sees the path without the mount point.
    const { originalUrl = ctx.originalUrl }: NodeRequest = ctx.req
    const auth = await protect(verifier, ctx.req, headersOf(ctx), { target: originalUrl })
    Object.assign(ctx.state, { dpop: auth })
    await next()
  }
}

/**
 * Middleware, after {@link dpop}, that wants all of `scopes` in the access token: else it throws 403 `insufficient_scope` in the
 * scheme that was used, and for an anonymous request 401 (RFC 6750 §3.1). Without `dpop` before it, it throws a `TypeError`.
 *
 * @throws TypeError where a scope is not one (RFC 6749 §3.3), or there is none
 */
export function requireScopes(...scopes: string[]): Middleware {
  const needed = routeScopes(scopes)
  return async function requireScopes(ctx, next) {
    protectScopes(ctx.req, headersOf(ctx), needed)
    await next()
  }
}

function headersOf(ctx: Pick<Context, 'res' | 'set'>): AnswerHeaders {
  return { get: (name) => ctx.res.getHeader(name), set: (name, value) => ctx.set(name, value) }
}
