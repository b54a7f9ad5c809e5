/** Servers of the Model Context Protocol (revision 2026-07-28): guards for Node.js and Fetch hosts that hand over `AuthInfo`. @module dpop-guard/mcp */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request as ExpressRequest, Response as ExpressResponse } from 'express'
import { type DPoPUnavailableError, isDPoPError, isDPoPUnavailableError } from '../src/errors.js'
import { LazyVerifier, provideEnvironment } from '../src/lazy-verifier.js'
import { toUnavailableError } from '../src/outage.js'
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
import { validatePolicy } from '../src/policy/policy.js'
import { clientIdOf } from '../src/token/client-id.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { comparePublishedScopes, type Verifier, type VerifyOptions } from '../src/verifier.js'
import { toVerifier, type VerifierSource } from '../src/verifier-source.js'
import { headersOf, verifyExpressRequest } from './express-guard.js'
import { respondIfVerified } from './fetch-guard.js'
import { logOutage } from './shared/outage-log.js'
import { addHeadersIfNotSent } from './shared/response-headers.js'
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
  return {
    token,
    clientId: clientIdOf(claims) ?? '',
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
 * @param source a verifier or its options, with the option `metadata`, or a function as for `dpop()`: if its options lack it, each
 *   response is 503
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function mcpAuth(source: VerifierSource<VerifiedRequest>, options: McpOptions = {}): McpMiddleware {
  const rules = toRules(options)
  const verifier = toMcpVerifier(source, rules)
  const calls = callsByTool(verifier, rules)
  /** Resolves to false if the response was sent. */
  async function verify(req: IncomingMessage, res: ServerResponse): Promise<boolean> {
    const read: ReadHeader = (name) => req.headers[name] as string | undefined
    const originError = findOriginError(read, rules)
    if (originError !== undefined) throw originError
    const resource = resourceOf(verifier, rules)
    if (typeof resource !== 'string') throw resource
    const auth = await verifyExpressRequest(verifier, req as ExpressRequest, res as ExpressResponse, calls.of(read))
    const hasFields = hasRequiredFields(req.method, read, rules)
    if (hasFields) Object.assign(req, { dpop: auth, auth: toAuthInfo(auth as VerifiedRequest, resource) })
    else respondJson(res, 400, headerMismatch)
    return hasFields
  }
  const middleware: McpMiddleware = Object.assign(
    function mcpAuth(req: IncomingMessage & { auth?: unknown }, res: ServerResponse, next: (error?: unknown) => void) {
      verify(req, res).then(
        (isVerified) => isVerified && next(),
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
  source: VerifierSource<VerifiedRequest>,
  handler: McpHandler<Rest>,
  options: McpOptions = {}
): ((request: Request, ...rest: Rest) => Promise<Response>) & HasVerifier {
  const rules = toRules(options)
  const verifier = toMcpVerifier(source, rules)
  const calls = callsByTool(verifier, rules)
  async function withMcpAuth(request: Request, ...rest: Rest): Promise<Response> {
    provideEnvironment(verifier, rest[0])
    const read = readerOf(request)
    const originError = findOriginError(read, rules)
    if (originError !== undefined) return originError.getResponse()
    const call = calls.of(read)
    const resource = resourceOf(verifier, rules)
    if (typeof resource !== 'string') return resource.getResponse()
    return await respondIfVerified(verifier, request, call, (auth) =>
      hasRequiredFields(request.method, read, rules)
        ? handler(request, toAuthInfo(auth as VerifiedRequest, resource), ...rest)
        : Response.json(headerMismatch, { status: 400 })
    )
  }
  return Object.assign(withMcpAuth, { verifier })
}

/** The specification requires protected resource metadata with an authorization server, which the option `metadata` publishes. */
function toMcpVerifier(source: VerifierSource<VerifiedRequest>, { resource }: McpRules): Verifier {
  const verifier = toVerifier(source) as Verifier
  // A function is not called before the first request.
  if (verifier instanceof LazyVerifier) return verifier
  const { scopes_supported: published } = verifier.resourceMetadata(resource)
  checkNoOfflineAccess('metadata.scopesSupported', (published ?? []) as readonly string[])
  return verifier
}

/** The resource of the endpoint; an error if the verifier that a function returned lacks it, before the proof is consumed. */
function resourceOf(verifier: Verifier, { resource }: McpRules): string | DPoPUnavailableError {
  try {
    return verifier.resourceMetadata(resource)['resource'] as string
  } catch (reason) {
    const error = isDPoPUnavailableError(reason) ? reason : toUnavailableError(reason)
    // biome-ignore lint/suspicious/noConsole: MCP hosts have no other log
    logOutage(error, console.error)
    return error
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
  const policy = validatePolicy({ ...(scopes.length > 0 && { scopes }), authorize: () => true })
  comparePublishedScopes(verifier, policy)
  return { ...policy, audienceComparison: 'uri' }
}

function readerOf({ headers }: Request): ReadHeader {
  return (name) => headers.get(name) ?? undefined
}

/** Responds with an error; passes an error of the host on. */
function respond(res: ServerResponse, error: unknown, next: (error: unknown) => void): void {
  if (isDPoPError(error) || isDPoPUnavailableError(error)) {
    addHeadersIfNotSent(headersOf(res as ExpressResponse), error.headers)
    respondJson(res, error.status, error)
  } else {
    next(error)
  }
}

/** No effect if the host has responded, for example by a timeout. */
function respondJson(res: ServerResponse, status: number, body: object): void {
  if (!res.headersSent) res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}
