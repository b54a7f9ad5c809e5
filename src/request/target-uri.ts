/** Derives the URI of a request from the configured base URLs and compares it with the htu of a proof (RFC 9449 §4.3 check 9). @module */

import { refuse } from '../errors.js'
import type { IncomingRequest } from './request.js'

/** A parsed `baseUrl`. */
export interface BaseUrl {
  readonly scheme: Scheme
  /** `https://api.example`, normalized, without a trailing slash. */
  readonly origin: string
  /** `api.example`, with the port unless it is the default of the scheme. */
  readonly host: string
  /** `/v1` or empty: the path prefix that a gateway removes. */
  readonly prefix: string
}

type Scheme = 'http' | 'https'

/** The parts of a URI that are compared: scheme, authority and path. */
interface TargetUri {
  readonly scheme: Scheme
  readonly origin: string
  readonly host: string
  readonly path: string
}

/** Scheme and authority of an absolute-form request target (RFC 9112 §3.2.2). */
interface AbsoluteTarget {
  readonly scheme: Scheme
  readonly authority: string
}

const MAX_URI_LENGTH = 8192
/** RFC 1035 §2.3.4. The bound also limits the cost of IDNA encoding, which grows with the square of the length. */
const MAX_HOST_LENGTH = 255

/** Scheme, authority and path of an absolute http(s) URI. */
const uri = /^(https?):\/\/([^/?#]*)([^?#]*)/i
const plainHost = /^[a-z0-9._-]+$/
/** RFC 3986 §3.2.2: a normalized host. The WHATWG URL parser also accepts quotes and braces, which are invalid here. */
const regNameOrIp = /^(?:[a-z0-9._~!$&'()*+,;=-]+|\[[0-9a-f:.]+\])$/
const visible = /^[!-~]*$/

/** Parses a configured base URL; undefined unless it is an http(s) URL without query and fragment. */
export function parseBaseUrl(url: string): BaseUrl | undefined {
  const parsed = parseUri(url)
  if (parsed === undefined || /[?#]/.test(url)) return undefined
  const { scheme, origin, host, path } = parsed
  return { scheme, origin, host, prefix: path.replace(/\/+$/, '') }
}

/**
 * The normalized URIs that the htu of a proof for this request may have. Scheme and authority come from the configuration. The
 * authority that the client sent only selects among the base URLs; otherwise a proof for another server would be accepted.
 */
export function targetUrisOf({ target, authority }: IncomingRequest, baseUrls: readonly BaseUrl[]): string[] {
  const { path, absolute } = readTarget(target)
  // A single base URL applies whatever the Host: proxies may replace it.
  const isOnly = baseUrls.length === 1 && absolute === undefined
  const selected = isOnly ? baseUrls : baseUrls.filter((base) => isAddressedBy(base, absolute, authority))
  return selected.length === 1 ? urisAt(selected[0] as BaseUrl, path) : selected.flatMap((base) => urisAt(base, path))
}

/** Whether the request addresses this base URL, by the authority of an absolute-form target, else by Host. */
function isAddressedBy(base: BaseUrl, absolute: AbsoluteTarget | undefined, authority: string | undefined): boolean {
  return absolute === undefined ? isAt(base, base.scheme, authority) : isAt(base, absolute.scheme, absolute.authority)
}

/** Whether the authority of a request is that of a base URL. */
export function isAddressedTo(base: BaseUrl, authority: string | undefined): boolean {
  return isAt(base, base.scheme, authority)
}

function urisAt({ origin, prefix }: BaseUrl, path: string): string[] {
  const uri = origin + prefix + path
  // A gateway that removes the prefix sends `/` for both `/v1` and `/v1/`.
  return path === '/' && prefix !== '' ? [uri, origin + prefix] : [uri]
}

function isAt(base: BaseUrl, scheme: Scheme, authority: string | undefined): boolean {
  return authority !== undefined && normalizeAuthority(scheme, authority) === base.host
}

/** The normalized htu if it equals one of the normalized `uris`; otherwise undefined. */
export function matchHtu(htu: string, uris: readonly string[]): string | undefined {
  if (uris.includes(htu)) return htu
  const parsed = parseUri(htu)
  if (parsed === undefined) return undefined
  const normalized = parsed.origin + parsed.path
  return uris.includes(normalized) ? normalized : undefined
}

/**
 * The htu of a WebSocket upgrade with the scheme of its HTTP request: https for wss, http for ws. RFC 6455 §3: both have the same
 * authority, default port and path.
 */
export function toHttpUri(htu: string): string {
  return htu.replace(/^ws(?=s?:\/\/)/i, 'http')
}

/**
 * Parses a request target. Only the absolute form has an authority (RFC 9112 §3.2). Its scheme is not compared, because it may
 * be http behind a proxy that terminates TLS.
 */
function readTarget(target: string): { readonly path: string; readonly absolute: AbsoluteTarget | undefined } {
  if (target.length > MAX_URI_LENGTH)
    refuse('ERR_DPOP_PROOF_HTU', { reason: `the request target is longer than ${MAX_URI_LENGTH} characters` })
  const match = target.startsWith('/') ? null : uri.exec(target)
  const rawPath = match ? match[3] || '/' : withoutQuery(target)
  const path = rawPath.startsWith('/') ? normalizePath(rawPath) : undefined
  // Routers do not resolve dot segments, so a proof for `/public` must not be accepted for `/admin/../public`.
  if (path === undefined) refuse('ERR_DPOP_PROOF_HTU', { reason: 'the request target is malformed' })
  if (path !== removeDotSegments(path)) refuse('ERR_DPOP_PROOF_HTU', { reason: 'the request target has dot segments' })
  return { path, absolute: match ? { scheme: lowerScheme(match[1]), authority: match[2] as string } : undefined }
}

function withoutQuery(target: string): string {
  const end = target.search(/[?#]/)
  return end === -1 ? target : target.slice(0, end)
}

/** Parses and normalizes an absolute http(s) URI (RFC 3986 §6.2.2, §6.2.3); undefined if it is invalid. */
function parseUri(value: string): TargetUri | undefined {
  if (value.length > MAX_URI_LENGTH) return undefined
  const match = uri.exec(value)
  if (match === null) return undefined
  const [start, rawScheme, authority, rawPath] = match as unknown as [string, string, string, string]
  const scheme = lowerScheme(rawScheme)
  const host = normalizeAuthority(scheme, authority)
  const path = normalizePath(rawPath || '/')
  if (host === undefined || path === undefined || !visible.test(value.slice(start.length))) return undefined
  return { scheme, origin: `${scheme}://${host}`, host, path: removeDotSegments(path) }
}

function lowerScheme(scheme: string | undefined): Scheme {
  return scheme?.toLowerCase() as Scheme
}

/** RFC 3986 §6.2.2.1 and §6.2.3: lowercase host, no default port, no empty port. User information is invalid (RFC 9110 §4.2.4). */
function normalizeAuthority(scheme: Scheme, authority: string): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^\s\p{Cc}:@[\]\\/?#]+)(?::([0-9]*))?$/iu.exec(authority)
  if (match === null) return undefined
  const host = normalizeHost(match[1] as string)
  const port = (match[2] ?? '').replace(/^0+(?=.)/, '')
  if (host === undefined || Number(port) > 65535) return undefined
  const isDefault = port === '' || port === (scheme === 'https' ? '443' : '80')
  return isDefault ? host : `${host}:${port}`
}

function normalizeHost(host: string): string | undefined {
  if (host.length > MAX_HOST_LENGTH) return undefined
  const lower = host.toLowerCase()
  if (plainHost.test(lower)) return lower
  try {
    // The URL parser gives IPv6 addresses, percent-encoded and internationalized names their normal form.
    const { hostname } = new URL(`http://${host}`)
    return regNameOrIp.test(hostname) ? hostname : undefined
  } catch {
    return undefined
  }
}

/** Paths that are already normalized: unreserved characters, sub-delims, `:`, `@` and `/`. */
const plainPath = /^[/\w.~!$&'()*+,;=:@-]*$/
/** Characters that a path must percent-encode: control characters, space, quotes, angle brackets, backslash, non-ASCII. */
const invalidInPath = /[^!-~]|["<>\\]|%(?![0-9a-f]{2})/i
const reserved = new Set("/?#[]@!$&'()*+,;=:")

/**
 * RFC 3986 §6.2.2: percent-encoded unreserved characters are decoded, other triplets become uppercase. RFC 9110 §4.2.3: a
 * character that is neither reserved nor unreserved is equivalent to its percent-encoding.
 */
function normalizePath(path: string): string | undefined {
  if (plainPath.test(path)) return path
  if (invalidInPath.test(path)) return undefined
  return path.replace(/%[0-9a-f]{2}|[^%]/gi, (part) => {
    if (part.length === 1) return /[\w.~-]/.test(part) || reserved.has(part) ? part : encodeURIComponent(part)
    const char = String.fromCharCode(Number.parseInt(part.slice(1), 16))
    return /[\w.~-]/.test(char) ? char : part.toUpperCase()
  })
}

/** RFC 3986 §5.2.4, for a path that starts with a slash. */
function removeDotSegments(path: string): string {
  if (!path.includes('/.')) return path
  const kept: string[] = []
  const segments = path.split('/').slice(1)
  segments.forEach((segment, index) => {
    const isLast = index === segments.length - 1
    if (segment === '..') kept.pop()
    if (segment !== '.' && segment !== '..') kept.push(segment)
    else if (isLast) kept.push('')
  })
  return `/${kept.join('/')}`
}
