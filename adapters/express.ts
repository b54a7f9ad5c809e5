/** Express 4 and 5: middleware that verifies a request, and middleware that requires scopes. @module */

import type { Request, RequestHandler, Response } from 'express'
import { checkKeys, misconfigured } from '../src/config/option-validation.js'
import type { VerifierOptions } from '../src/options.js'
import { routeScopes } from '../src/policy/scopes.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { toVerifier } from '../src/verify-request.js'
import { type AnyVerifier, protect, protectScopes, type ResponseHeaderAccess } from './shared.js'

export type { AnyVerifier } from './shared.js'

declare global {
  namespace Express {
    interface Request {
      /** The verified request. Undefined on routes without `dpop()`, and for requests without credentials with the option `optional`. */
      dpop: VerifiedRequest
    }
  }
}

/** Settings of the Express middleware. */
export interface DPoPExpressOptions {
  /** The property of the request for the result. @defaultValue 'dpop' */
  readonly property?: string
}

const knownSettings = { property: true } as const satisfies Record<keyof DPoPExpressOptions, true>

/**
 * Middleware that verifies token, proof and binding of a request (RFC 9449 §4.3 and §7) and sets `req.dpop`. Not checked: query, body
 * and other header fields (§11.7), and scopes: see {@link requireScopes}.
 *
 * If the request is rejected, the header fields of the response are set and the error is passed to `next`: a `DPoPError`, or a
 * `DPoPUnavailableError` if keys, the replay store or a hook is unavailable. A request is verified once, even if this middleware
 * runs twice.
 *
 * @param verifierOrOptions defaults to `optionsFromEnv()`
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function dpop(verifierOrOptions?: AnyVerifier | VerifierOptions, settings: DPoPExpressOptions = {}): RequestHandler {
  const verifier = toVerifier(verifierOrOptions)
  const { property = 'dpop' } = checkKeys('', settings, knownSettings)
  if (typeof property !== 'string' || property === '') misconfigured('property', 'be the name of a property')
  // Express 4 does not handle promises, so errors are passed to next.
  return function dpop(req, res, next) {
    protect(verifier, req, headersOf(res), { target: req.originalUrl })
      .then((auth) => void Object.assign(req, { [property]: auth }))
      .then(() => next(), next)
  }
}

/**
 * Middleware that requires all of `scopes` in the access token. Otherwise the response is 403 `insufficient_scope` in the scheme of
 * the request, or 401 for a request without credentials (RFC 6750 §3.1). Must run after {@link dpop}; without it, a `TypeError` is
 * passed to `next`.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function requireScopes(...scopes: string[]): RequestHandler {
  const required = routeScopes(scopes)
  return function requireScopes(req: Request, res: Response, next) {
    try {
      protectScopes(req, headersOf(res), required)
    } catch (error) {
      next(error)
      return
    }
    next()
  }
}

function headersOf(res: Response): ResponseHeaderAccess {
  return { get: (name) => res.getHeader(name), set: (name, value) => void res.setHeader(name, value) }
}
