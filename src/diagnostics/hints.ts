/** What each error code is about: the rule, its section, and a hint for developers. @module */

import { printable } from '../encoding/printable.js'
import type { DPoPErrorCode, DPoPUnavailableErrorCode, RefusalDetail } from '../errors.js'
import { toHttpUri } from '../request/target-uri.js'
import { outageTopics, type Topic } from './outage-line.js'

/** All error codes. */
export type AnyErrorCode = DPoPErrorCode | DPoPUnavailableErrorCode

const topics: Readonly<Record<AnyErrorCode, Topic>> = {
  ERR_DPOP_CREDENTIALS_MISSING: {
    section: 'RFC 9449 §7.1',
    hint: 'send "Authorization: DPoP <access token>" and a DPoP header field; a proxy or a redirect may have removed them'
  },
  ERR_DPOP_REQUEST_MALFORMED: { section: 'RFC 9113 §8.3.1', hint: 'a proxy may have added a second Host' },
  ERR_DPOP_AUTHORIZATION_MALFORMED: {
    section: 'RFC 9449 §7.1',
    hint: 'send one Authorization header field with one token; a proxy may have added another'
  },
  ERR_DPOP_SCHEME_NOT_ALLOWED: {
    section: 'RFC 9449 §7.1',
    hint: 'the client sent a Bearer token; send "Authorization: DPoP", or accept unbound tokens with allowBearer'
  },
  ERR_DPOP_PROOF_MISSING: { section: 'RFC 9449 §4.3 #1', hint: 'the DPoP header field is missing; a proxy may have removed it' },
  ERR_DPOP_PROOF_MULTIPLE: { section: 'RFC 9449 §4.3 #1', hint: 'send one DPoP header field with one proof' },
  ERR_DPOP_PROOF_MALFORMED: { section: 'RFC 9449 §4.3 #2', hint: 'the DPoP header field must be one compact JWT' },
  ERR_DPOP_PROOF_TYP: { section: 'RFC 9449 §4.3 #4', hint: 'the header of a proof has typ "dpop+jwt"' },
  ERR_DPOP_PROOF_ALG: {
    section: 'RFC 9449 §4.3 #5',
    hint: 'use one of the algorithms in algs of the challenge, or accept it with proof.algorithms'
  },
  ERR_DPOP_PROOF_JWK: {
    section: 'RFC 9449 §4.3 #7',
    hint: 'jwk must be a public key of the type of alg, with canonical base64url and no private members'
  },
  ERR_DPOP_PROOF_SIGNATURE: { section: 'RFC 9449 §4.3 #6', hint: 'sign the proof with the private key of its jwk' },
  ERR_DPOP_PROOF_CLAIMS: {
    section: 'RFC 9449 §4.3 #3',
    hint: 'a proof for a resource has jti, htm, htu, iat and ath; a proof for the token endpoint has no ath'
  },
  ERR_DPOP_PROOF_HTM: {
    section: 'RFC 9449 §4.3 #8',
    hint: 'create the proof for the method that is sent, in capital letters; method-override middleware must run after the guard'
  },
  ERR_DPOP_PROOF_HTU: { section: 'RFC 9449 §4.3 #9', hint: 'set baseUrl to the public URL of the API' },
  ERR_DPOP_PROOF_IAT: {
    section: 'RFC 9449 §4.3 #11',
    hint: 'the clock of the client or of this server is wrong, or the proof was created too early'
  },
  ERR_DPOP_PROOF_ATH: {
    section: 'RFC 9449 §4.3 #12',
    hint: 'the proof was created for another access token, such as one before a refresh'
  },
  ERR_DPOP_PROOF_REPLAYED: {
    section: 'RFC 9449 §11.1',
    hint: 'create a new proof for every request, also for a retry; two different guards with one replay store also cause this'
  },
  ERR_DPOP_NONCE_REQUIRED: {
    section: 'RFC 9449 §9',
    hint: 'expected for the first request of a client, which repeats it with the DPoP-Nonce of the response; if it repeats forever, the response header field is not readable (CORS) or is removed by a proxy'
  },
  ERR_DPOP_NONCE_INVALID: {
    section: 'RFC 9449 §9',
    hint: 'expected when a nonce expires; if it repeats forever, instances have different nonce.secrets'
  },
  ERR_DPOP_TOKEN_INVALID: {
    section: 'RFC 9068 §4',
    hint: 'see docs/identity-providers.md for the options of identity providers'
  },
  ERR_DPOP_TOKEN_EXPIRED: { section: 'RFC 9068 §4', hint: 'refresh the access token' },
  ERR_DPOP_TOKEN_UNBOUND: {
    section: 'RFC 9449 §6.1',
    hint: 'enable DPoP for the client at the authorization server, and send a proof in the token request'
  },
  ERR_DPOP_TOKEN_BINDING: {
    section: 'RFC 9449 §4.3 #12',
    hint: 'sign proofs with the key that was used in the token request'
  },
  ERR_DPOP_SCOPE_INSUFFICIENT: { section: 'RFC 6750 §3.1', hint: 'request the scopes at the authorization server' },
  ERR_DPOP_AUTHENTICATION_INSUFFICIENT: {
    section: 'RFC 9470 §3',
    hint: 'start a new authorization request with acr_values and max_age of the challenge'
  },
  ERR_DPOP_TICKET_INVALID: {
    section: 'RFC 9110 §15.5.4',
    hint: 'request a new ticket for every connection, with the path of the endpoint without its query; all instances need the same secrets'
  },
  ERR_DPOP_ACCESS_DENIED: { section: 'RFC 9110 §15.5.4', hint: 'the function authorize did not return true' },
  ERR_DPOP_QUOTA_EXCEEDED: {
    section: 'RFC 6585 §4',
    hint: 'the client has consumed as many proofs as its limit in the replay store allows; raise maxEntries, or find out why it sends so many requests'
  },
  ...outageTopics
}

/** The section of the rule that a code is about. */
export function sectionOf(code: AnyErrorCode): string {
  return topics[code].section
}

/** A hint for developers. It may have parts of the htu, never a token, proof, nonce or other claim. */
export function hintOf(code: AnyErrorCode, detail: RefusalDetail = {}): string {
  if (detail.receivedHtu !== undefined && detail.expectedHtu !== undefined) return htuHint(detail.receivedHtu, detail.expectedHtu)
  if (detail.skewSeconds !== undefined) return timeHint(detail.skewSeconds)
  if (code === 'ERR_DPOP_ACCESS_DENIED' && detail.reason !== undefined) return originHint
  return topics[code].hint
}

/** The reason of a request that was denied is its Origin; without a reason, it is the decision of the application. */
const originHint = 'add the origin to allowedOrigins if its pages may call the server'

const MILLISECONDS_FROM = 1e11

function timeHint(skewSeconds: number): string {
  if (skewSeconds > MILLISECONDS_FROM) return 'iat is in milliseconds; it must be in seconds'
  const direction =
    skewSeconds < 0
      ? 'in the past: the clock of the client is behind, or the proof was reused or delayed'
      : 'in the future: the clock of the client is ahead, or that of this server is behind'
  return `iat is ${Math.abs(skewSeconds)} seconds ${direction}`
}

/** Names the first part of the URI that differs. */
function htuHint(received: string, [expected]: readonly string[]): string {
  if (expected === undefined) return 'no baseUrl matches the request: check the Host header field and baseUrl'
  if (!URL.canParse(received)) return 'htu is not an absolute URL'
  const [got, want] = [new URL(toHttpUri(received)), new URL(expected)]
  if (got.href === want.href) return 'only a GET request with "Upgrade: websocket" may have an htu with wss or ws'
  if (got.protocol !== want.protocol)
    return `scheme differs (${got.protocol}// instead of ${want.protocol}//): if TLS is terminated by a proxy, set baseUrl to the public URL`
  if (got.hostname !== want.hostname)
    return `host differs (${printable(got.hostname)} instead of ${printable(want.hostname)}): set baseUrl to the host that clients use`
  if (got.port !== want.port)
    return `port differs (${got.port || 'default'} instead of ${want.port || 'default'}): set baseUrl to the port that clients use`
  return pathHint(got.pathname, want.pathname)
}

function pathHint(got: string, want: string): string {
  if (got.replace(/\/$/, '') === want.replace(/\/$/, '')) return 'path differs by a trailing slash, which is significant'
  if (got.endsWith(want))
    return `path has the prefix ${printable(got.slice(0, -want.length))}: if a gateway removes it, add it to baseUrl`
  if (want.endsWith(got))
    return `path lacks the prefix ${printable(want.slice(0, -got.length))}: create the proof for the URL that is sent; if clients do not use the prefix, or the gateway does not remove it, remove it from baseUrl`
  return `path differs (${printable(got)} instead of ${printable(want)})`
}
