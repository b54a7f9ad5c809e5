/** The guard of Express: verifies a request, and logs outages. @module */

import type { Request, Response } from 'express'
import type { VerifiedRequest } from '../src/verified-request.js'
import type { VerifyOptions } from '../src/verifier.js'
import { logOutage } from './shared/outage-log.js'
import { protect } from './shared/protect.js'
import type { ResponseHeaderAccess } from './shared/response-headers.js'
import type { AnyVerifier } from './shared/verifier-source.js'

/** Verifies a request once, with its target and route. If it is rejected, the header fields of the response are set. */
export async function verifyExpressRequest(
  verifier: AnyVerifier,
  req: Request,
  res: Response,
  call: VerifyOptions
): Promise<VerifiedRequest | undefined> {
  try {
    return await protect(verifier, req, headersOf(res), { ...call, target: req.originalUrl, route: routeOf(req) })
  } catch (error) {
    // Express logs the error without its cause.
    // biome-ignore lint/suspicious/noConsole: the log of Express
    if (req.app?.get('env') !== 'test') logOutage(error, console.error)
    throw error
  }
}

/** The path template of the route. It is known in middleware of the route, not in that of the application. */
export function routeOf({ baseUrl, route }: Request): string | undefined {
  const path: unknown = route?.path
  return typeof path === 'string' ? `${baseUrl}${path}` : undefined
}

/** The header fields of the response of Express. */
export function headersOf(res: Response): ResponseHeaderAccess {
  return { get: (name) => res.getHeader(name), set: (name, value) => void res.setHeader(name, value) }
}
