/** The URI that this request was sent to, as configuration knows it, and whether a proof's htu names the same (RFC 9449 §4.3 check 9). @module */

import { refuse } from '../errors.js'
import type { IncomingRequest } from './request.js'

/** A parsed `baseUrl`. */
export interface BaseUrl {
  readonly scheme: Scheme
  /** `https://api.example`, normalised, without a slash at the end. */
  readonly origin: string
  /** `api.example`, with the port if it is not the scheme's own. */
  readonly host: string
  /** `/v1` or empty: the path prefix that a gateway strips. */
  readonly prefix: string
}

type Scheme = 'http' | 'https'

/** The parts of a URI that decide: everything up to the query. */
interface TargetUri {
  readonly scheme: Scheme
  readonly origin: string
  readonly host: string
  readonly path: string
}

/** What an absolute-form target says beside its path. */
interface AbsoluteTarget {
  readonly scheme: Scheme
  readonly authority: string
}

const MAX_URI_LENGTH = 8192
/** RFC 1035 §2.3.4. A longer name is no name, and to encode an international one costs time with the square of its length. */
const MAX_HOST_LENGTH = 255

/** Scheme, authority and path of an absolute http(s) URI. */
const uri = /^(https?):\/\/([^/?#]*)([^?#]*)/i
const plainHost = /^[a-z0-9._-]+$/
/** RFC 3986 §3.2.2: what may be left of a host once it is normalised. The URL parser also lets quotes and braces through. */
const regNameOrIp = /^(?:[a-z0-9._~!$&'()*+,;=-]+|\[[0-9a-f:.]+\])$/
const visible = /^[!-~]*$/

/** Parses a configured base URL; undefined where it is not an http(s) URL of host and path alone. */
export function parseBaseUrl(text: string): BaseUrl | undefined {
  const parsed = parseUri(text)
  if (parsed === undefined || /[?#]/.test(text)) return undefined
  const { scheme, origin, host, path } = parsed
  return { scheme, origin, host, prefix: path.replace(/\/+$/, '') }
}

/**
 * The URIs, normalised, that a proof for this request may name. Scheme and authority come from configuration: what the
 * client says of them only selects among the base URLs, else a proof made for another server would be good here.
 */
export function targetUrisOf({ target, authority }: IncomingRequest, baseUrls: readonly BaseUrl[]): string[] {
  const { path, absolute } = readTarget(target)
  // One base URL is not selected by the Host field: proxies may put their own there.
  const isOnly = baseUrls.length === 1 && absolute === undefined
  const selected = isOnly ? baseUrls : baseUrls.filter((base) => isNamedBy(base, absolute, authority))
  return selected.length === 1 ? urisAt(selected[0] as BaseUrl, path) : selected.flatMap((base) => urisAt(base, path))
}

/** Whether a request addressed this base URL: by the authority of an absolute-form target, else by the Host field. */
function isNamedBy(base: BaseUrl, absolute: AbsoluteTarget | undefined, authority: string | undefined): boolean {
  return absolute === undefined ? isAt(base, base.scheme, authority) : isAt(base, absolute.scheme, absolute.authority)
}

function urisAt({ origin, prefix }: BaseUrl, path: string): string[] {
  const uri = origin + prefix + path
  // A gateway that strips the prefix sends `/` for both `/v1` and `/v1/`.
  return path === '/' && prefix !== '' ? [uri, origin + prefix] : [uri]
}

function isAt(base: BaseUrl, scheme: Scheme, authority: string | undefined): boolean {
  return authority !== undefined && normaliseAuthority(scheme, authority) === base.host
}

/** The normalised htu if it names one of `uris`, which are normalised; undefined if not. */
export function matchHtu(htu: string, uris: readonly string[]): string | undefined {
  if (uris.includes(htu)) return htu
  const parsed = parseUri(htu)
  if (parsed === undefined) return undefined
  const normalised = parsed.origin + parsed.path
  return uris.includes(normalised) ? normalised : undefined
}

/**
 * Takes a request target apart. Only an absolute-form target names an authority (RFC 9112 §3.2); its scheme is not compared,
 * because behind a proxy that ends TLS it may be http.
 */
function readTarget(target: string): { readonly path: string; readonly absolute: AbsoluteTarget | undefined } {
  if (target.length > MAX_URI_LENGTH) refuse('ERR_DPOP_PROOF_HTU')
  const match = target.startsWith('/') ? null : uri.exec(target)
  const rawPath = match ? match[3] || '/' : withoutQuery(target)
  const path = rawPath.startsWith('/') ? normalisePath(rawPath) : undefined
  // A router does not resolve dot segments, and a proof for `/public` must not open `/admin/../public`.
  if (path === undefined || path !== removeDotSegments(path)) refuse('ERR_DPOP_PROOF_HTU')
  return { path, absolute: match ? { scheme: lowerScheme(match[1]), authority: match[2] as string } : undefined }
}

function withoutQuery(target: string): string {
  const end = target.search(/[?#]/)
  return end === -1 ? target : target.slice(0, end)
}

/** Parses and normalises an absolute http(s) URI as RFC 3986 §6.2.2 and §6.2.3 say; undefined where it is not one. */
function parseUri(text: string): TargetUri | undefined {
  if (text.length > MAX_URI_LENGTH) return undefined
  const match = uri.exec(text)
  if (match === null) return undefined
  const [start, rawScheme, authority, rawPath] = match as unknown as [string, string, string, string]
  const scheme = lowerScheme(rawScheme)
  const host = normaliseAuthority(scheme, authority)
  const path = normalisePath(rawPath || '/')
  if (host === undefined || path === undefined || !visible.test(text.slice(start.length))) return undefined
  return { scheme, origin: `${scheme}://${host}`, host, path: removeDotSegments(path) }
}

function lowerScheme(scheme: string | undefined): Scheme {
  return scheme?.toLowerCase() as Scheme
}

/** RFC 3986 §6.2.2.1 and §6.2.3: lower-case host, no default port, no empty port. No user information (RFC 9110 §4.2.4). */
function normaliseAuthority(scheme: Scheme, authority: string): string | undefined {
  const match = /^(\[[0-9a-f:.]+\]|[^\s\p{Cc}:@[\]\\/?#]+)(?::([0-9]*))?$/iu.exec(authority)
  if (match === null) return undefined
  const host = normaliseHost(match[1] as string)
  const port = (match[2] ?? '').replace(/^0+(?=.)/, '')
  if (host === undefined || Number(port) > 65535) return undefined
  const isDefault = port === '' || port === (scheme === 'https' ? '443' : '80')
  return isDefault ? host : `${host}:${port}`
}

function normaliseHost(host: string): string | undefined {
  if (host.length > MAX_HOST_LENGTH) return undefined
  const lower = host.toLowerCase()
  if (plainHost.test(lower)) return lower
  try {
    // IPv6, percent-encoded and internationalised names have one form after the URL parser.
    const { hostname } = new URL(`http://${host}`)
    return regNameOrIp.test(hostname) ? hostname : undefined
  } catch {
    return undefined
  }
}

/** Needs no normalising: unreserved characters, sub-delims, `:`, `@` and `/`. */
const plainPath = /^[/\w.~!$&'()*+,;=:@-]*$/
/** What a path never has raw: control characters, space, quotes, angle brackets, backslash, and whatever is not ASCII. */
const badInPath = /[^!-~]|["<>\\]|%(?![0-9a-f]{2})/i
const reserved = new Set("/?#[]@!$&'()*+,;=:")

/**
 * RFC 3986 §6.2.2: percent-encoded unreserved characters are decoded, the other triplets upper-cased; and as RFC 9110 §4.2.3
 * has it, a character that is neither reserved nor unreserved is the same as its encoding.
 */
function normalisePath(path: string): string | undefined {
  if (plainPath.test(path)) return path
  if (badInPath.test(path)) return undefined
  return path.replace(/%[0-9a-f]{2}|[^%]/gi, (part) => {
    if (part.length === 1) return /[\w.~-]/.test(part) || reserved.has(part) ? part : encodeURIComponent(part)
    const char = String.fromCharCode(Number.parseInt(part.slice(1), 16))
    return /[\w.~-]/.test(char) ? char : part.toUpperCase()
  })
}

/** RFC 3986 §5.2.4, for a path that begins with a slash. */
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
