/** The rules of an MCP endpoint besides its token: allowed origins, and the scopes of tools by the header fields of a request. @module */

import { check, checkKeys, misconfigured } from '../config/option-validation.js'
import { isPlainObject } from '../encoding/json.js'
import { printable } from '../encoding/printable.js'
import type { DPoPError } from '../errors.js'
import { toDPoPError } from '../rejection.js'
import { validateScopes } from './scopes.js'

/** Settings of an MCP server, which all its requests must satisfy. */
export interface McpOptions {
  /** The resource identifier of this endpoint, one of `metadata.resources`. @defaultValue the first of them */
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

/** A name in Base64, and Base64 with padding and without other characters. */
const sentinel = /^=\?base64\?(.*)\?=$/
const canonicalBase64 = /^(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?$/

/** The validated settings. */
export interface McpRules {
  readonly resource: string | undefined
  readonly scopes: readonly string[]
  readonly toolScopes: ReadonlyMap<string, readonly string[]>
  readonly allowedOrigins: ReadonlySet<string>
}

/** Reads a header field; undefined if the request lacks it. */
export type ReadHeader = (name: string) => string | undefined

/**
 * Validates the settings.
 *
 * @throws TypeError that names the setting that is unknown or invalid
 */
export function toRules(options: McpOptions): McpRules {
  const { resource, scopes, toolScopes = {}, allowedOrigins } = checkKeys('', options, knownOptions)
  // The entries of a Map would be overlooked.
  if (!isPlainObject(toolScopes)) misconfigured('toolScopes', 'be an object of scopes by tool name')
  const byTool = Object.entries(toolScopes).map(([tool, some]) => [tool, checkScopes(`toolScopes.${tool}`, some)] as const)
  return {
    resource,
    scopes: scopes === undefined ? [] : checkScopes('scopes', scopes),
    toolScopes: new Map(byTool),
    allowedOrigins: new Set(allowedOrigins === undefined ? [] : check.strings('allowedOrigins', allowedOrigins).map(checkOrigin))
  }
}

function checkScopes(name: string, scopes: readonly string[]): readonly string[] {
  checkNoOfflineAccess(name, validateScopes(scopes, name))
  return scopes
}

/** Refresh tokens are a matter of the authorization server: a resource should not ask for `offline_access`. */
export function checkNoOfflineAccess(name: string, scopes: readonly string[]): void {
  if (scopes.includes('offline_access')) misconfigured(name, 'not contain offline_access')
}

function checkOrigin(origin: string): string {
  const isOrigin = URL.canParse(origin) && new URL(origin).origin === origin
  return isOrigin ? origin : misconfigured('allowedOrigins', 'contain only origins, such as https://app.example')
}

/** The tool that a request calls, by its header fields; undefined for other requests, and if its name is not validly encoded. */
export function toolOf(read: ReadHeader): string | undefined {
  return read('mcp-method') === 'tools/call' ? decodeName(read('mcp-name')) : undefined
}

/**
 * A name that is not ASCII is sent as `=?base64?…?=`. undefined unless that is canonical Base64 of UTF-8: a transport that is less strict
 * would call another tool than the one whose scopes were checked.
 */
function decodeName(value: string | undefined): string | undefined {
  const encoded = sentinel.exec(value ?? '')?.[1]
  if (encoded === undefined) return value
  if (!canonicalBase64.test(encoded)) return undefined
  try {
    const bytes = Uint8Array.from(atob(encoded), (char) => char.charCodeAt(0))
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return undefined
  }
}

/**
 * The error for a request of a page whose `Origin` is not allowed; undefined for any other request. Browsers send `Origin` with every
 * POST, so a request without it is not from a page of another site.
 */
export function findOriginError(read: ReadHeader, { allowedOrigins }: McpRules): DPoPError | undefined {
  const origin = read('origin')
  if (origin === undefined || allowedOrigins.has(origin)) return undefined
  const reason = `Origin is ${printable(origin)}, which is not in allowedOrigins`
  return toDPoPError({ code: 'ERR_DPOP_ACCESS_DENIED', detail: { reason } })
}

/** Without these fields, a request could call a tool whose scopes were not checked. */
export function hasRequiredFields(method: string | undefined, read: ReadHeader, { toolScopes }: McpRules): boolean {
  if (toolScopes.size === 0 || method !== 'POST') return true
  const version = read('mcp-protocol-version') ?? ''
  const called = read('mcp-method')
  const isNamed = called !== undefined && (called !== 'tools/call' || toolOf(read) !== undefined)
  return /^\d{4}-\d{2}-\d{2}$/.test(version) && version >= FIRST_REVISION_WITH_NAMES && isNamed
}

/** The response body for a request without the required header fields. */
export const headerMismatch = {
  jsonrpc: '2.0',
  id: null,
  error: { code: HEADER_MISMATCH, message: 'MCP-Protocol-Version, Mcp-Method or Mcp-Name is missing or too old' }
}
