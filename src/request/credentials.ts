/** Takes the credentials apart: one Authorization line, its scheme and token, and for DPoP one proof (RFC 9449 §7.1). @module */

import { refuse } from '../errors.js'
import type { IncomingRequest } from './request.js'

/** An access token may have up to this many characters; Node's own limit for a whole header section is the same. */
const MAX_TOKEN_LENGTH = 16_384

/** RFC 9110 §11.2 */
const token68 = /^[A-Za-z0-9._~+/-]+=*$/

/** The scheme that a request used. */
export type Scheme = 'DPoP' | 'Bearer'

/** The credentials of a request, not yet verified. */
export type Credentials =
  | { readonly scheme: 'DPoP'; readonly token: string; readonly proof: string }
  | { readonly scheme: 'Bearer'; readonly token: string }

/** The scheme of the one Authorization line, whatever it is worth: undefined when there is none or it is not ours. */
export function schemeOf({ authorization }: IncomingRequest): Scheme | undefined {
  const [line, second] = authorization
  if (line === undefined || second !== undefined) return undefined
  switch (splitScheme(line)[0].toLowerCase()) {
    case 'dpop':
      return 'DPoP'
    case 'bearer':
      return 'Bearer'
    default:
      return undefined
  }
}

/** Whether the request has no credentials of any kind, neither a token nor a proof nor another scheme's. */
export function isAnonymous({ authorization, dpop }: IncomingRequest): boolean {
  return authorization.length === 0 && dpop.length === 0
}

/** Reads the credentials of the scheme that {@link schemeOf} found. */
export function readCredentials(request: IncomingRequest, scheme: Scheme | undefined, allowBearer: boolean): Credentials {
  // Node keeps the first of two lines silently, so that two parties can read two different tokens.
  if (request.authorization.length > 1) refuse('ERR_DPOP_AUTHORIZATION_MALFORMED')
  if (scheme === undefined) refuse('ERR_DPOP_CREDENTIALS_MISSING')
  const [, token] = splitScheme(request.authorization[0] as string)
  if (token.length > MAX_TOKEN_LENGTH) refuse('ERR_DPOP_TOKEN_INVALID', { reason: 'the access token is too long' })
  // Before the scheme is judged: Fetch joins two lines with a comma, and the first of them may have been Bearer.
  if (!token68.test(token)) refuse('ERR_DPOP_AUTHORIZATION_MALFORMED')
  if (scheme === 'Bearer' && !allowBearer) refuse('ERR_DPOP_SCHEME_NOT_ALLOWED')
  return scheme === 'Bearer' ? { scheme, token } : { scheme, token, proof: readProof(request.dpop) }
}

/** RFC 9449 §4.3 check 1: "There is not more than one DPoP HTTP request header field." */
function readProof(lines: readonly string[]): string {
  if (lines.length > 1) refuse('ERR_DPOP_PROOF_MULTIPLE')
  const proof = trim(lines[0] ?? '')
  if (proof === '') refuse('ERR_DPOP_PROOF_MISSING')
  // Proxies and Fetch join repeated lines with a comma, which a proof never has.
  if (proof.includes(',')) refuse('ERR_DPOP_PROOF_MULTIPLE')
  return proof
}

/** credentials = auth-scheme 1*SP token68; the token is empty where there is none. */
function splitScheme(line: string): [scheme: string, token: string] {
  const text = trim(line)
  let end = 0
  while (end < text.length && !isOws(text.charCodeAt(end))) end++
  let start = end
  while (text.charCodeAt(start) === 0x20) start++
  return [text.slice(0, end), text.slice(start)]
}

/** RFC 9110 §5.5: optional white space around a field value, space and tab, is not part of it. */
function trim(value: string): string {
  let start = 0
  let end = value.length
  while (isOws(value.charCodeAt(start))) start++
  while (end > start && isOws(value.charCodeAt(end - 1))) end--
  return value.slice(start, end)
}

function isOws(code: number): boolean {
  return code === 0x20 || code === 0x09
}
