/** The one table of everything that can go wrong: code, status, OAuth error, sentence; and the two errors that carry it out. @module */

/** What the answer to a refused request is: HTTP status, the OAuth error code of the challenge (if any), and a constant sentence. */
interface Answer {
  readonly status: 400 | 401 | 403
  readonly error: OAuthErrorCode | undefined
  readonly description: string
}

/** The OAuth error codes of a challenge: RFC 6750 §3.1 and RFC 9449 §7.1. */
export type OAuthErrorCode = 'invalid_request' | 'invalid_token' | 'insufficient_scope' | 'invalid_dpop_proof' | 'use_dpop_nonce'

const badRequest = (description: string): Answer => ({ status: 400, error: 'invalid_request', description })
const badToken = (description: string): Answer => ({ status: 401, error: 'invalid_token', description })
const nonceNeeded = (description: string): Answer => ({ status: 401, error: 'use_dpop_nonce', description })
const badProof = (description: string): Answer => ({ status: 401, error: 'invalid_dpop_proof', description })

// The sentences are constants: frameworks send them to the client, so nothing of a request may ever be woven in.
const refusals = {
  ERR_DPOP_CREDENTIALS_MISSING: { status: 401, error: undefined, description: 'This resource needs a DPoP-bound access token' },
  ERR_DPOP_REQUEST_MALFORMED: badRequest('The request must name one host, the same in every place'),
  ERR_DPOP_AUTHORIZATION_MALFORMED: badRequest('The Authorization field must occur once, as a scheme and one token'),
  ERR_DPOP_SCHEME_NOT_ALLOWED: badToken('This resource does not accept access tokens under the Bearer scheme'),
  ERR_DPOP_PROOF_MISSING: badProof('The DPoP field with the proof is missing'),
  ERR_DPOP_PROOF_MULTIPLE: badProof('The DPoP field must occur once, with one proof'),
  ERR_DPOP_PROOF_MALFORMED: badProof('The proof is not a well-formed JWT in compact serialization'),
  ERR_DPOP_PROOF_TYP: badProof('The typ of the proof must be dpop+jwt'),
  ERR_DPOP_PROOF_ALG: badProof('The alg of the proof is not accepted here'),
  ERR_DPOP_PROOF_JWK: badProof('The jwk of the proof must be one valid public key that fits its alg'),
  ERR_DPOP_PROOF_SIGNATURE: badProof('The signature of the proof does not verify'),
  ERR_DPOP_PROOF_CLAIMS: badProof('The proof lacks a required claim or has one of a wrong type or size'),
  ERR_DPOP_PROOF_HTM: badProof('The htm of the proof is not the method of this request'),
  ERR_DPOP_PROOF_HTU: badProof('The htu of the proof is not the URI of this request'),
  ERR_DPOP_PROOF_IAT: badProof('The proof is outside its time window'),
  ERR_DPOP_PROOF_ATH: badProof('The ath of the proof is not the hash of the access token'),
  ERR_DPOP_PROOF_REPLAYED: badProof('The proof was already used'),
  ERR_DPOP_NONCE_REQUIRED: nonceNeeded('The proof must have the nonce that comes with this answer'),
  ERR_DPOP_NONCE_INVALID: nonceNeeded('The nonce of the proof is not one of late; use the one that comes with this answer'),
  ERR_DPOP_TOKEN_INVALID: badToken('The access token is not valid here'),
  ERR_DPOP_TOKEN_EXPIRED: badToken('The access token has expired'),
  ERR_DPOP_TOKEN_UNBOUND: badToken('The access token is not bound to a DPoP key'),
  ERR_DPOP_TOKEN_BINDING: badToken('The access token is bound to something that this request does not prove'),
  ERR_DPOP_SCOPE_INSUFFICIENT: {
    status: 403,
    error: 'insufficient_scope',
    description: 'The access token does not cover the scope of this resource'
  }
} as const satisfies Record<string, Answer>

const outages = {
  ERR_DPOP_KEYS_UNAVAILABLE: 'The keys of the authorization server are out of reach',
  ERR_DPOP_INTROSPECTION_UNAVAILABLE: 'The introspection of the authorization server is out of reach',
  ERR_DPOP_REPLAY_STORE_UNAVAILABLE: 'The replay store is out of reach',
  ERR_DPOP_VERIFIER_UNAVAILABLE: 'The request could not be verified'
} as const

/** The stable reason codes of {@link DPoPError}. */
export type DPoPErrorCode = keyof typeof refusals
/** The stable reason codes of {@link DPoPUnavailableError}. */
export type DPoPUnavailableErrorCode = keyof typeof outages

/** Response header fields by name; several lines of one field are an array. */
export type ResponseHeaders = Readonly<Record<string, string | string[]>>

/** Seconds after which a client may try again when we could not decide (RFC 9110 §10.2.3). */
const RETRY_AFTER_SECONDS = 1

const isError = Symbol.for('dpop-guard.error')
const isUnavailable = Symbol.for('dpop-guard.unavailable')

/**
 * Why a request is refused, on its way from a check to the verifier, which turns it into a {@link DPoPError} with the
 * challenge that fits. Not an `Error`: it never leaves the verifier, and a stack trace would cost more than the check.
 */
export class Refusal {
  readonly code: DPoPErrorCode
  /** What the operator should know and the client must not, for the diagnostics channel. Never a token, proof or nonce. */
  readonly detail: RefusalDetail | undefined
  constructor(code: DPoPErrorCode, detail?: RefusalDetail) {
    this.code = code
    this.detail = detail
  }
}

/** What the diagnostics channel tells beside the code. */
export interface RefusalDetail {
  /** The htu values that this request would have needed. */
  readonly expectedHtu?: readonly string[]
  /** The htu that the proof had, as sent. */
  readonly receivedHtu?: string
  /** Seconds by which the iat of the proof is behind (negative) or ahead of (positive) our clock. */
  readonly skewSeconds?: number
  /** Why the access token was refused, in constant words. */
  readonly reason?: string
}

/** Ends a check with a refusal. */
export function refuse(code: DPoPErrorCode, detail?: RefusalDetail): never {
  throw new Refusal(code, detail)
}

/**
 * The request is refused: 400, 401 or 403, always the client's to mend.
 *
 * `message` and `description` are constant sentences, `headers` hold the challenge (`WWW-Authenticate`). Hand it to the
 * framework's error path, or answer with {@link DPoPError.getResponse}.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-7.1 | RFC 9449 §7.1}
 */
export class DPoPError extends Error {
  override readonly name = 'DPoPError'
  /** The stable reason, one for each kind of fault. */
  readonly code: DPoPErrorCode
  /** The HTTP status: 400, 401 or 403. */
  readonly status: 400 | 401 | 403
  /** The same as `status`, under the name that some frameworks read. */
  readonly statusCode: 400 | 401 | 403
  /** The OAuth error code of the challenge; undefined where the request had no credentials (RFC 6750 §3.1). */
  readonly error: OAuthErrorCode | undefined
  /** The constant sentence of the challenge's `error_description`. */
  readonly description: string
  /** The header fields that the answer must carry. */
  readonly headers: ResponseHeaders
  /** The message is safe to show to the client. */
  readonly expose = true

  constructor(code: DPoPErrorCode, headers: ResponseHeaders = {}) {
    const { status, error, description } = refusals[code]
    super(description)
    this.code = code
    this.status = status
    this.statusCode = status
    this.error = error
    this.description = description
    this.headers = headers
  }

  /** The body of the answer: the members of RFC 6749 §5.2 that apply. */
  toJSON(): { error?: OAuthErrorCode; error_description: string } {
    return { ...(this.error && { error: this.error }), error_description: this.description }
  }

  /** The answer as a Fetch `Response`. */
  getResponse(): Response {
    return toResponse(this)
  }

  get [isError](): true {
    return true
  }
}

/**
 * We cannot decide: keys, replay store or one of your hooks is out of order. 503 with `Retry-After`, never the client's fault
 * and never a way in. `cause` has what happened.
 */
export class DPoPUnavailableError extends Error {
  override readonly name = 'DPoPUnavailableError'
  /** The stable reason. */
  readonly code: DPoPUnavailableErrorCode
  /** The HTTP status. */
  readonly status = 503
  /** The same as `status`, under the name that some frameworks read. */
  readonly statusCode = 503
  /** The constant sentence. */
  readonly description: string
  /** The header fields that the answer must carry. */
  readonly headers: ResponseHeaders = { 'Retry-After': String(RETRY_AFTER_SECONDS) }
  /** The message is safe to show to the client. */
  readonly expose = true

  constructor(code: DPoPUnavailableErrorCode, cause?: unknown) {
    super(outages[code], { cause })
    this.code = code
    this.description = outages[code]
  }

  /** The body of the answer. */
  toJSON(): { error_description: string } {
    return { error_description: this.description }
  }

  /** The answer as a Fetch `Response`. */
  getResponse(): Response {
    return toResponse(this)
  }

  get [isUnavailable](): true {
    return true
  }
}

function toResponse(error: DPoPError | DPoPUnavailableError): Response {
  const headers = new Headers()
  for (const [name, value] of Object.entries(error.headers)) {
    for (const line of [value].flat()) headers.append(name, line)
  }
  return Response.json(error, { status: error.status, headers })
}

/** The OAuth answer that belongs to a code. */
export function answerTo(code: DPoPErrorCode): Answer {
  return refusals[code]
}

/** Whether `value` is a {@link DPoPError}, also one from another copy of this package. */
export function isDPoPError(value: unknown): value is DPoPError {
  return has(value, isError)
}

/** Whether `value` is a {@link DPoPUnavailableError}, also one from another copy of this package. */
export function isDPoPUnavailableError(value: unknown): value is DPoPUnavailableError {
  return has(value, isUnavailable)
}

function has(value: unknown, brand: symbol): boolean {
  return typeof value === 'object' && value !== null && brand in value
}
