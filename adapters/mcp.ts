/** Servers of the Model Context Protocol (revision 2026-07-28): guards for Node.js and Fetch hosts that hand over `AuthInfo`. @module */

import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Request as ExpressRequest, Response as ExpressResponse } from 'express'
import { check, checkKeys, misconfigured } from '../src/config/option-validation.js'
import { DPoPError, DPoPUnavailableError, isDPoPError, isDPoPUnavailableError } from '../src/errors.js'
import type { Policy } from '../src/policy/policy.js'
import { routeScopes } from '../src/policy/scopes.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import type { Verifier } from '../src/verifier.js'
import { toVerifier, type VerifierSource } from '../src/verify-request.js'
import { dpop } from './express.js'
import { withDPoP } from './fetch.js'
import type { HasVerifier } from './shared.js'

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

/** Settings of an MCP server, which all its requests must satisfy. */
export interface McpOptions {
  /**
   * The resource identifier of this endpoint: a base URL of the verifier or one of `metadata.resources`.
   * @defaultValue the first base URL
   */
  readonly resource?: string
  /** Scopes that every request requires. A 401 challenge has them as `scope`. @defaultValue none */
  readonly scopes?: readonly string[]
  /**
   * Further scopes by the name of a tool, decided from the header fields `Mcp-Method` and `Mcp-Name` before the body is read. A POST request
   * without `MCP-Protocol-Version` 2026-07-28 or later, or without these fields, is then rejected with 400. That they agree with the body is
   * checked by the transport, as the specification requires of it. @defaultValue none
   */
  readonly toolScopes?: Readonly<Record<string, readonly string[]>>
  /** Accepted values of `Origin`. A request without `Origin` is not from a page of another site and passes. @defaultValue none */
  readonly allowedOrigins?: readonly string[]
}

const knownOptions = { resource: true, scopes: true, toolScopes: true, allowedOrigins: true } as const satisfies Record<
  keyof McpOptions,
  true
>

/** The first revision that requires `Mcp-Method` and `Mcp-Name`, and their agreement with the body. */
const FIRST_REVISION_WITH_NAMES = '2026-07-28'
/** The JSON-RPC error code for header fields that do not agree with the body. */
const HEADER_MISMATCH = -32_020

/** A guard for Express and other hosts with `(req, res, next)`. It sets `req.auth`, which the SDK passes to tools. */
export type McpMiddleware = ((
  req: IncomingMessage & { auth?: McpAuthInfo },
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

/** The validated settings. */
interface McpRules {
  readonly resource: string | undefined
  readonly scopes: readonly string[]
  readonly toolScopes: ReadonlyMap<string, readonly string[]>
  readonly allowedOrigins: ReadonlySet<string>
}

/** Reads a header field; undefined if the request lacks it. */
type ReadHeader = (name: string) => string | undefined

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
 * Middleware for an MCP endpoint: verifies token, proof and binding of each request as `dpop()` does, and sets `req.auth`. Otherwise it
 * responds with 400, 401, 403, 429 or 503. The metadata is served by `resourceMetadata()` of `dpop-guard/express`.
 *
 * @param source a verifier or its options, with the option `metadata`; a function or undefined as for `dpop()`
 * @throws TypeError if an option is missing, unknown or invalid
 */
export function mcpAuth(source: VerifierSource<VerifiedRequest> | undefined, options: McpOptions = {}): McpMiddleware {
  const rules = toRules(options)
  const verifier = toMcpVerifier(source, rules)
  const guards = guardsByTool(rules, (scopes) => dpop(verifier, policyOf(scopes)))
  const middleware: McpMiddleware = Object.assign(
    function mcpAuth(
      req: IncomingMessage & { auth?: McpAuthInfo; dpop?: VerifiedRequest },
      res: ServerResponse,
      next: () => void
    ) {
      const read: ReadHeader = (name) => req.headers[name] as string | undefined
      if (!isOriginAllowed(read, rules)) return respond(res, new DPoPError('ERR_DPOP_ACCESS_DENIED'), next)
      guards.of(read)(req as ExpressRequest, res as ExpressResponse, (error?: unknown) => {
        if (error !== undefined) return respond(res, error, next)
        if (!hasRequiredFields(req.method, read, rules)) return respondJson(res, 400, headerMismatch)
        const authInfo = authInfoOf(req.dpop as VerifiedRequest, verifier, rules)
        if (authInfo instanceof DPoPUnavailableError) return respond(res, authInfo, next)
        req.auth = authInfo
        next()
      })
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
  const guards = guardsByTool(rules, (scopes) => withDPoP<Rest>(verifier, handle, policyOf(scopes)))
  async function withMcpAuth(request: Request, ...rest: Rest): Promise<Response> {
    const read = readerOf(request)
    if (!isOriginAllowed(read, rules)) return new DPoPError('ERR_DPOP_ACCESS_DENIED').getResponse()
    return await guards.of(read)(request, ...rest)
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

/** The policy of a guard. `authorize` requires credentials also of a verifier with the option `optional`. */
function policyOf(scopes: readonly string[]): Policy<unknown> {
  return { ...(scopes.length > 0 && { scopes }), authorize: () => true }
}

function toRules(options: McpOptions): McpRules {
  const { resource, scopes, toolScopes = {}, allowedOrigins } = checkKeys('', options, knownOptions)
  const isObject = typeof toolScopes === 'object' && toolScopes !== null && !Array.isArray(toolScopes)
  if (!isObject) misconfigured('toolScopes', 'be an object of scopes by tool name')
  const byTool = Object.entries(toolScopes).map(([tool, some]) => [tool, checkScopes(`toolScopes.${tool}`, some)] as const)
  return {
    resource,
    scopes: scopes === undefined ? [] : checkScopes('scopes', scopes),
    toolScopes: new Map(byTool),
    allowedOrigins: new Set(allowedOrigins === undefined ? [] : check.strings('allowedOrigins', allowedOrigins).map(checkOrigin))
  }
}

function checkScopes(name: string, scopes: readonly string[]): readonly string[] {
  checkNoOfflineAccess(name, routeScopes(scopes, name))
  return scopes
}

/** Whether a client may have refresh tokens is not a matter of the resource. */
function checkNoOfflineAccess(name: string, scopes: readonly string[]): void {
  if (scopes.includes('offline_access')) misconfigured(name, 'not contain offline_access')
}

function checkOrigin(origin: string): string {
  const isOrigin = URL.canParse(origin) && new URL(origin).origin === origin
  return isOrigin ? origin : misconfigured('allowedOrigins', 'contain only origins, such as https://app.example')
}

/** One guard for each tool with scopes of its own, and one for all other requests. */
function guardsByTool<Guard>(
  { scopes, toolScopes }: McpRules,
  create: (scopes: readonly string[]) => Guard
): { of(read: ReadHeader): Guard } {
  const others = create(scopes)
  const byTool = new Map([...toolScopes].map(([tool, own]) => [tool, create([...new Set([...scopes, ...own])])]))
  return { of: (read) => byTool.get(toolOf(read) ?? '') ?? others }
}

/** The tool that a request calls, by its header fields. */
function toolOf(read: ReadHeader): string | undefined {
  return read('mcp-method') === 'tools/call' ? decodeName(read('mcp-name')) : undefined
}

/** A name that is not ASCII is sent as `=?base64?…?=`. */
function decodeName(value: string | undefined): string | undefined {
  const encoded = /^=\?base64\?(.*)\?=$/.exec(value ?? '')?.[1]
  if (encoded === undefined) return value
  try {
    return new TextDecoder().decode(Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0)))
  } catch {
    return value
  }
}

/** Browsers send `Origin` with requests of other sites, and with every POST. */
function isOriginAllowed(read: ReadHeader, { allowedOrigins }: McpRules): boolean {
  const origin = read('origin')
  return origin === undefined || allowedOrigins.has(origin)
}

/** Without these fields, a request could call a tool whose scopes were not checked. */
function hasRequiredFields(method: string | undefined, read: ReadHeader, { toolScopes }: McpRules): boolean {
  if (toolScopes.size === 0 || method !== 'POST') return true
  const version = read('mcp-protocol-version') ?? ''
  const called = read('mcp-method')
  const isNamed = called !== undefined && (called !== 'tools/call' || read('mcp-name') !== undefined)
  return /^\d{4}-\d{2}-\d{2}$/.test(version) && version >= FIRST_REVISION_WITH_NAMES && isNamed
}

const headerMismatch = {
  jsonrpc: '2.0',
  id: null,
  error: { code: HEADER_MISMATCH, message: 'MCP-Protocol-Version, Mcp-Method or Mcp-Name is missing or too old' }
}

function readerOf({ headers }: Request): ReadHeader {
  return (name) => headers.get(name) ?? undefined
}

/** Responds with an error, whose header fields are already on the response; passes an error of the host on. */
function respond(res: ServerResponse, error: unknown, next: (error: unknown) => void): void {
  if (res.headersSent) return
  if (isDPoPError(error) || isDPoPUnavailableError(error)) respondJson(res, error.status, error)
  else next(error)
}

function respondJson(res: ServerResponse, status: number, body: object): void {
  res.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify(body))
}
