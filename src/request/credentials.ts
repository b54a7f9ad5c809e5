/** Parses the credentials: one Authorization field line with its scheme and token, and for DPoP one proof (RFC 9449 §7.1). @module */

import { type RefusalDetail, refuse } from '../errors.js'
import type { IncomingRequest } from './request.js'

/** Maximum length of an access token in characters. Node's default limit of a header section is the same. */
const MAX_TOKEN_LENGTH = 16_384

/** RFC 9110 §11.2 */
const token68 = /^[A-Za-z0-9._~+/-]+=*$/

/** The scheme that a request used. */
export type Scheme = 'DPoP' | 'Bearer'

/** RFC 9110 §11.1: schemes are compared without regard to case. */
const schemes = new Map<string, Scheme>([
  ['dpop', 'DPoP'],
  ['bearer', 'Bearer']
])

/** The parsed Authorization header field. `scheme` is undefined if the field is missing, repeated or of another scheme. */
export interface Authorization {
  readonly scheme: Scheme | undefined
  readonly token: string
}

/** Splits the Authorization field value without validating it: credentials = auth-scheme 1*SP token68 (RFC 9110 §11.4). */
export function parseAuthorization({ authorization }: IncomingRequest): Authorization {
  const [line, second] = authorization
  if (line === undefined || second !== undefined) return { scheme: undefined, token: '' }
  const value = trim(line)
  let end = 0
  while (end < value.length && !isOws(value.charCodeAt(end))) end++
  let start = end
  while (value.charCodeAt(start) === 0x20) start++
  return { scheme: schemes.get(value.slice(0, end).toLowerCase()), token: value.slice(start) }
}

/** Whether the request has neither an Authorization nor a DPoP header field. */
export function isAnonymous({ authorization, dpop }: IncomingRequest): boolean {
  return authorization.length === 0 && dpop.length === 0
}

/** The access token of a request, of bounded length. Its syntax is not validated here: see {@link checkToken68}. */
export function tokenOf({ scheme, token }: Authorization, request: IncomingRequest): string {
  // Node keeps only the first of two field lines, so a proxy and this server could read different tokens.
  if (request.authorization.length > 1) refuse('ERR_DPOP_AUTHORIZATION_MALFORMED')
  if (scheme === undefined) refuse('ERR_DPOP_CREDENTIALS_MISSING', request.method === 'OPTIONS' ? preflight : undefined)
  if (token.length > MAX_TOKEN_LENGTH)
    refuse('ERR_DPOP_TOKEN_INVALID', {
      reason: `the access token has ${token.length} characters, at most ${MAX_TOKEN_LENGTH} are accepted`
    })
  return token
}

/** Rejects a token that is not token68. This includes two field lines that Fetch joined with a comma. */
export function checkToken68(token: string): void {
  if (!token68.test(token)) refuse('ERR_DPOP_AUTHORIZATION_MALFORMED')
}

/** RFC 9449 §4.3 check 1: "There is not more than one DPoP HTTP request header field." */
export function proofOf({ dpop: lines }: IncomingRequest): string {
  if (lines.length > 1) refuse('ERR_DPOP_PROOF_MULTIPLE')
  const proof = trim(lines[0] ?? '')
  if (proof === '') refuse('ERR_DPOP_PROOF_MISSING')
  // Proxies and Fetch join repeated field lines with a comma, which a proof never contains.
  if (proof.includes(',')) refuse('ERR_DPOP_PROOF_MULTIPLE')
  return proof
}

/** Fetch standard: a preflight request has no credentials. The guard does not accept it, since a handler may serve OPTIONS too. */
const preflight: RefusalDetail = {
  reason:
    'an OPTIONS request without credentials is likely a CORS preflight request; register the CORS middleware before the guard'
}

/** RFC 9110 §5.5: optional white space around a field value, space and tab, is not part of it. */
function trim(value: string): string {
  let start = 0
  let end = value.length
  while (isOws(value.charCodeAt(start))) start++
  while (isOws(value.charCodeAt(end - 1))) end--
  return value.slice(start, end)
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09
}
