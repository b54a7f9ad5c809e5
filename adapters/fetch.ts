/** Handlers of Fetch requests (Next.js, Workers, Deno, Bun, H3): a wrapper that verifies a request and answers refusals. @module */

import { checkKeys } from '../src/config/option-validation.js'
import { isDPoPError, isDPoPUnavailableError, type ResponseHeaders } from '../src/errors.js'
import type { VerifierOptions } from '../src/options.js'
import { routeScopes } from '../src/policy/scopes.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import type { Verifier } from '../src/verifier.js'
import { toVerifier } from '../src/verify-request.js'
import { type AnyVerifier, addHeaders } from './shared.js'

export type { AnyVerifier } from './shared.js'

/** A handler of verified requests; `rest` is what else the runtime gives: environment, context, route parameters. */
export type VerifiedHandler<Auth extends VerifiedRequest | undefined, Rest extends unknown[]> = (
  request: Request,
  auth: Auth,
  ...rest: Rest
) => Response | Promise<Response>

/** What one handler asks for. */
export interface WithDPoPOptions {
  /** Scopes that the access token must have; checked before the proof is used up. */
  readonly scopes?: readonly string[]
}

const knownSettings = { scopes: true } as const satisfies Record<keyof WithDPoPOptions, true>

/**
 * Wraps a handler so that it sees verified requests only (RFC 9449 §4.3 and §7). Not checked: query, body and other header fields
 * (§11.7). A refusal is answered here and now: 400, 401 or 403 with its challenge, and 503 where keys, replay store or a hook of
 * yours is out of order.
 *
 * Fetch joins the lines of a header field, so two challenges share one.
 *
 * @param verifierOrOptions undefined for the options of `optionsFromEnv()`
 * @throws TypeError where an option is missing, unknown or wrong, or a scope is not one (RFC 6749 §3.3)
 */
export function withDPoP<Auth extends VerifiedRequest | undefined, Rest extends unknown[]>(
  verifierOrOptions: Verifier<Auth>,
  handler: VerifiedHandler<Auth, Rest>,
  options?: WithDPoPOptions
): (request: Request, ...rest: Rest) => Promise<Response>
export function withDPoP<Rest extends unknown[]>(
  verifierOrOptions: (VerifierOptions & { readonly optional?: false }) | undefined,
  handler: VerifiedHandler<VerifiedRequest, Rest>,
  options?: WithDPoPOptions
): (request: Request, ...rest: Rest) => Promise<Response>
export function withDPoP<Rest extends unknown[]>(
  verifierOrOptions: VerifierOptions,
  handler: VerifiedHandler<VerifiedRequest | undefined, Rest>,
  options?: WithDPoPOptions
): (request: Request, ...rest: Rest) => Promise<Response>
export function withDPoP<Rest extends unknown[]>(
  verifierOrOptions: AnyVerifier | VerifierOptions | undefined,
  handler: VerifiedHandler<VerifiedRequest, Rest>,
  settings: WithDPoPOptions = {}
): (request: Request, ...rest: Rest) => Promise<Response> {
  const verifier = toVerifier(verifierOrOptions)
  const { scopes } = checkKeys('', settings, knownSettings)
  const needed = scopes === undefined ? undefined : routeScopes(scopes)
  return async function withDPoP(request, ...rest) {
    let auth: VerifiedRequest | undefined
    try {
      auth = await verifier.verifyRequest(request, { scopes: needed })
    } catch (error) {
      if (isDPoPError(error) || isDPoPUnavailableError(error)) return error.getResponse()
      throw error
    }
    return withHeaders(await handler(request, auth as VerifiedRequest, ...rest), auth?.responseHeaders ?? {})
  }
}

function withHeaders(response: Response, headers: ResponseHeaders): Response {
  // An upgrade to WebSocket (101) and an error (0) cannot be copied. The client learns the next nonce from another answer.
  if (Object.keys(headers).length === 0 || response.status < 200) return response
  // A copy, because the headers of a redirect or of another server's response are immutable.
  const answer = new Response(response.body, response)
  addHeaders(
    { get: (name) => answer.headers.get(name), set: (name, value) => answer.headers.set(name, [value].flat().join(', ')) },
    headers
  )
  return answer
}
