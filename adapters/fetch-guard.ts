/** The guard of Fetch handlers: verifies a request, and responds if it is rejected. @module */

import { isDPoPError, isDPoPUnavailableError, type ResponseHeaders } from '../src/errors.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import type { VerifyOptions } from '../src/verifier.js'
import { exposedHeaders } from './shared/cross-origin.js'
import { logOutage } from './shared/outage-log.js'
import { protect } from './shared/protect.js'
import { addHeaders, type ResponseHeaderAccess } from './shared/response-headers.js'
import type { AnyVerifier } from './shared/verifier-source.js'

/** The response of `handle` with the header fields of the verification, or that of a rejection. Errors of `handle` are thrown. */
export async function respondIfVerified(
  verifier: AnyVerifier,
  request: Request,
  call: VerifyOptions,
  handle: (auth: VerifiedRequest | undefined) => Response | Promise<Response>
): Promise<Response> {
  const key = calling.get(request) ?? {}
  let auth: VerifiedRequest | undefined
  try {
    auth = await protect(verifier, request, noResponse, call, key)
  } catch (error) {
    // biome-ignore lint/suspicious/noConsole: Fetch runtimes have no other log
    logOutage(error, console.error)
    return toErrorResponse(error)
  }
  const responding = callWith(key, request, () => handle(auth))
  return withHeaders(await responding, auth?.responseHeaders ?? {}, request)
}

/** The response of a rejection or an outage. Any other error is thrown. */
export function toErrorResponse(error: unknown): Response {
  if (isDPoPError(error) || isDPoPUnavailableError(error)) return error.getResponse()
  throw error
}

/**
 * The verification of a request while its handler is being called, which a handler that is wrapped again reuses. Removed before
 * anything is awaited: any other call with the same Request, also a concurrent one, is a replay.
 */
const calling = new WeakMap<Request, object>()

function callWith<Result>(key: object, request: Request, handle: () => Result): Result {
  calling.set(request, key)
  try {
    return handle()
  } finally {
    calling.delete(request)
  }
}

/** There is no response before the handler returns. */
const noResponse: ResponseHeaderAccess = { get: () => undefined, set() {} }

function withHeaders(response: Response, verified: ResponseHeaders, request: Request): Response {
  const exposed = exposedHeaders(request, response.headers)
  // A WebSocket upgrade (101) and an error response (0) cannot be copied. The client receives the next nonce with another response.
  if (Object.keys({ ...exposed, ...verified }).length === 0 || response.status < 200) return response
  // A copy, because the headers of redirects and of fetched responses are immutable.
  const copy = new Response(response.body, response)
  for (const [name, value] of Object.entries(exposed)) copy.headers.set(name, value as string)
  addHeaders(
    { get: (name) => copy.headers.get(name), set: (name, value) => copy.headers.set(name, [value].flat().join(', ')) },
    verified
  )
  return copy
}
