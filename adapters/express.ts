/** Express 4 and 5: middleware that verifies a request, and middleware that asks for scopes. @module */

import type { Request, RequestHandler, Response } from 'express'
import { checkKeys, misconfigured } from '../src/config/option-validation.js'
import type { VerifierOptions } from '../src/options.js'
import { routeScopes } from '../src/policy/scopes.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { toVerifier } from '../src/verify-request.js'
import { type AnswerHeaders, type AnyVerifier, protect, protectScopes } from './shared.js'

export type { AnyVerifier } from './shared.js'

declare global {
  namespace Express {
    interface Request {
      /** What `dpop()` verified. Not there on routes without it, nor for an anonymous request under the option `optional`. */
      dpop: VerifiedRequest
    }
  }
}

/** Settings of the Express middleware. */
export interface DPoPExpressOptions {
  /** The property of the request that gets the result. @defaultValue 'dpop' */
  readonly property?: string
}

const knownSettings = { property: true } as const satisfies Record<keyof DPoPExpressOptions, true>

/**
 * Middleware that verifies token, proof and binding of a request (RFC 9449 §4.3 and §7), and puts the result on `req.dpop`. Not
 * checked: query, body and other header fields (§11.7), and scopes, which are for {@link requireScopes}.
 *
 * A refusal has its header fields set on the response, and goes to `next`: a `DPoPError`, or a `DPoPUnavailableError` where keys,
 * replay store or a hook of yours is out of order. Run twice for one request, it verifies once.
 *
 * @param verifierOrOptions without it, the options are those of `optionsFromEnv()`
 * @throws TypeError where an option is missing, unknown or wrong
 */
export function dpop(verifierOrOptions?: AnyVerifier | VerifierOptions, settings: DPoPExpressOptions = {}): RequestHandler {
  const verifier = toVerifier(verifierOrOptions)
  const { property = 'dpop' } = checkKeys('', settings, knownSettings)
  if (typeof property !== 'string' || property === '') misconfigured('property', 'be the name of a property')
  // Express 4 does not wait for promises: whatever comes out goes to next.
  return function dpop(req, res, next) {
    protect(verifier, req, headersOf(res), { target: req.originalUrl })
      .then((auth) => void Object.assign(req, { [property]: auth }))
      .then(() => next(), next)
  }
}

/**
 * Middleware, after {@link dpop}, that wants all of `scopes` in the access token: else 403 `insufficient_scope` in the scheme
 * that was used, and for an anonymous request 401 (RFC 6750 §3.1). Without `dpop` before it, a `TypeError` goes to `next`.
 *
 * @throws TypeError where a scope is not one (RFC 6749 §3.3), or there is none
 */
export function requireScopes(...scopes: string[]): RequestHandler {
  const needed = routeScopes(scopes)
  return function requireScopes(req: Request, res: Response, next) {
    try {
      protectScopes(req, headersOf(res), needed)
    } catch (error) {
      next(error)
      return
    }
    next()
  }
}

function headersOf(res: Response): AnswerHeaders {
  return { get: (name) => res.getHeader(name), set: (name, value) => void res.setHeader(name, value) }
}
