/** Servers of the Model Context Protocol (revision 2026-07-28): guards for Node.js and Fetch hosts that hand over `AuthInfo`. @module dpop-guard/mcp */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request as ExpressRequest, Response as ExpressResponse } from 'express'
import { DPoPUnavailableError, isDPoPError, isDPoPUnavailableError } from '../src/errors.js'
import { provideEnvironment } from '../src/lazy-verifier.js'
import {
  checkNoOfflineAccess,
  findOriginError,
  hasRequiredFields,
  headerMismatch,
  type McpOptions,
  type McpRules,
  type ReadHeader,
  toolOf,
  toRules
} from '../src/policy/mcp-rules.js'
import { routePolicy } from '../src/policy/policy.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { comparePublishedScopes, type Verifier, type VerifyOptions } from '../src/verifier.js'
import { toVerifier, type VerifierSource } from '../src/verify-request.js'
import { verifyExpressRequest } from './express-guard.js'
import { respondIfVerified } from './fetch-guard.js'
import type { HasVerifier } from './shared/verifier-source.js'

export type { McpOptions } from '../src/policy/mcp-rules.js'

/** What the MCP SDKs pass to tools as `authInfo`. Structurally the `AuthInfo` of both major versions. */
export interface McpAuthInfo {
  /** The access token. It must not be sent to other services. */
  token: string
  /** `client_id`, else `azp` or `cid`; empty if the token has none of them. */
  clientId: string
  scopes: string[]
  /** Seconds since the epoch. A stream should end at this time. */
  expiresAt?: number
  /** The resource identifier of this server, as in its metadata. */
  resource?: URL
  extra: {
    /** The thumbprint of the client's key; undefined with `allowBearer` for a token that is not bound to one. */
    jkt: string | undefined
    issuer: string
    /** The subject of the token. */
    sub: string | undefined
  }
}

/**
 * A guard for Express and other hosts with `(req, res, next)`. It sets `req.auth` to an {@link McpAuthInfo}, which both major versions of
 * the SDK pass to tools.
 */
export type McpMiddleware = ((
  req: IncomingMessage & { auth?: unknown },
  res: ServerResponse,
  next: (error?: unknown) => void
) => void) &
  HasVerifier

/** A handler of verified MCP requests, such as `(request, authInfo) => handler.fetch(request, { authInfo })`. */
export type McpHandler<Rest extends unknown[]> = (
  request: Request,
  authInfo: McpAuthInfo,
  ...rest: Rest
) => Response | Promise<Response>

/**
 * The `AuthInfo` of a verified request.
 *
 * @param resource the resource identifier of the server
 */
export function toAuthInfo(auth: VerifiedRequest, resource?: string): McpAuthInfo {
  const { claims, issuer, scopes, token, proof } = auth
  const clientId = [claims.client_id, claims['azp'], claims['cid']].find((id) => typeof id === 'string')
  return {
    token,
    clientId: (clientId as string | undefined) ?? '',
    scopes: [...scopes],
    ...(claims.exp !== undefined && { expiresAt: claims.exp }),
    ...(resource !== undefined && { resource: new URL(resource) }),
    extra: { jkt: proof?.jkt, issuer, sub: claims.sub }
  }
}

/**
 * Middleware for an MCP endpoint: verifies token, proof and binding of each request as `dpop()` does, and sets `req.auth`. Scheme and
 * authority of an audience are compared case-insensitively, as the specification recommends (Canonical Server URI). Otherwise it
 * responds with 400, 401, 403, 429 or 503. The metadata is served by `resourceMetadata()` of `dpop-guard/express`.
 *
 * @param source a verifier or its options, with the option `metadata`; a function or undefined as for `dpop()`
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function mcpAuth(source: VerifierSource<VerifiedRequest> | undefined, options: McpOptions = {}): McpMiddleware {
  const rules = toRules(options)
  const verifier = toMcpVerifier(source, rules)
  const calls = callsByTool(verifier, rules)
  const middleware: McpMiddleware = Object.assign(
    function mcpAuth(req: IncomingMessage & { auth?: unknown }, res: ServerResponse, next: (error?: unknown) => void) {
      const read: ReadHeader = (name) => req.headers[name] as string | undefined
      const originError = findOriginError(read, rules)
      if (originError !== undefined) return respond(res, originError, next)
      verifyExpressRequest(verifier, req as ExpressRequest, res as ExpressResponse, calls.of(read)).then(
        (auth) => {
          if (!hasRequiredFields(req.method, read, rules)) return respondJson(res, 400, headerMismatch)
          const authInfo = authInfoOf(auth as VerifiedRequest, verifier, rules)
          if (authInfo instanceof DPoPUnavailableError) return respond(res, authInfo, next)
          Object.assign(req, { dpop: auth, auth: authInfo })
          next()
        },
        (error: unknown) => respond(res, error, next)
      )
    },
    { verifier }
  )
  return middleware
}

/**
 * Wraps the Fetch handler of an MCP endpoint so that it is called only with verified requests, and with their {@link McpAuthInfo}.
 * Otherwise the response is 400, 401, 403, 429 or 503. The metadata is served by `resourceMetadata()` of `dpop-guard/fetch`.
 *
 * @param source as for {@link mcpAuth}
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function withMcpAuth<Rest extends unknown[]>(
  source: VerifierSource<VerifiedRequest> | undefined,
  handler: McpHandler<Rest>,
  options: McpOptions = {}
): ((request: Request, ...rest: Rest) => Promise<Response>) & HasVerifier {
  const rules = toRules(options)
  const verifier = toMcpVerifier(source, rules)
  function handle(request: Request, auth: VerifiedRequest, ...rest: Rest): Response | Promise<Response> {
    if (!hasRequiredFields(request.method, readerOf(request), rules)) return Response.json(headerMismatch, { status: 400 })
    const authInfo = authInfoOf(auth, verifier, rules)
    return authInfo instanceof DPoPUnavailableError ? authInfo.getResponse() : handler(request, authInfo, ...rest)
  }
  const calls = callsByTool(verifier, rules)
  async function withMcpAuth(request: Request, ...rest: Rest): Promise<Response> {
    provideEnvironment(verifier, rest[0])
    const read = readerOf(request)
    const originError = findOriginError(read, rules)
    if (originError !== undefined) return originError.getResponse()
    return await respondIfVerified(verifier, request, calls.of(read), (auth) => handle(request, auth as VerifiedRequest, ...rest))
  }
  return Object.assign(withMcpAuth, { verifier })
}

/** The specification requires protected resource metadata with an authorization server, which the option `metadata` publishes. */
function toMcpVerifier(source: VerifierSource<VerifiedRequest> | undefined, { resource }: McpRules): Verifier {
  const verifier = toVerifier(source) as Verifier
  // A function is not called before the first request.
  if (source === undefined || typeof source === 'function') return verifier
  const { scopes_supported: published } = verifier.resourceMetadata(resource)
  checkNoOfflineAccess('metadata.scopesSupported', (published ?? []) as readonly string[])
  return verifier
}

/** An error if a verifier that a function returned has no metadata of the resource. */
function authInfoOf(auth: VerifiedRequest, verifier: Verifier, { resource }: McpRules): McpAuthInfo | DPoPUnavailableError {
  try {
    return toAuthInfo(auth, verifier.resourceMetadata(resource)['resource'] as string)
  } catch (cause) {
    return new DPoPUnavailableError('ERR_DPOP_VERIFIER_UNAVAILABLE', cause)
  }
}

/** What is required of the calls of each tool with scopes of its own, and of all other requests. */
function callsByTool(verifier: Verifier, { scopes, toolScopes }: McpRules): { of(read: ReadHeader): VerifyOptions } {
  const others = callOf(verifier, scopes)
  const byTool = new Map([...toolScopes].map(([tool, own]) => [tool, callOf(verifier, [...new Set([...scopes, ...own])])]))
  return { of: (read) => byTool.get(toolOf(read) ?? '') ?? others }
}

/** `authorize` requires credentials also of a verifier with the option `optional`. */
function callOf(verifier: Verifier, scopes: readonly string[]): VerifyOptions {
  const policy = routePolicy({ ...(scopes.length > 0 && { scopes }), authorize: () => true })
  comparePublishedScopes(verifier, policy)
  return { ...policy, audienceComparison: 'uri' }
}

function readerOf({ headers }: Request): ReadHeader {
  return (name) => headers.get(name) ?? undefined
}

/** Responds with an error, whose header fields are already on the response; passes an error of the host on. */
function respond(res: ServerResponse, error: unknown, next: (error: unknown) => void): void {
  if (isDPoPError(error) || isDPoPUnavailableError(error)) respondJson(res, error.status, error)
  else next(error)
}

/** No effect if the host has responded, for example by a timeout. */
function respondJson(res: ServerResponse, status: number, body: object): void {
  if (!res.headersSent) res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}
