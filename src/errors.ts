/** The table of all errors (code, status, OAuth error, description) and the two error classes. @module */

/** The HTTP status of a rejected request. */
export type RejectionStatus = 400 | 401 | 403 | 429

/** The response to a rejected request: HTTP status, OAuth error code of the challenge (if any), and a constant description. */
interface ErrorResponse {
  readonly status: RejectionStatus
  readonly error: OAuthErrorCode | undefined
  readonly description: string
}

/** The OAuth error codes of a challenge: RFC 6750 §3.1, RFC 9449 §7.1 and RFC 9470 §3. */
export type OAuthErrorCode =
  | 'invalid_request'
  | 'invalid_token'
  | 'insufficient_scope'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'insufficient_user_authentication'

const invalidRequest = (description: string): ErrorResponse => ({ status: 400, error: 'invalid_request', description })
const invalidToken = (description: string): ErrorResponse => ({ status: 401, error: 'invalid_token', description })
const nonceRequired = (description: string): ErrorResponse => ({ status: 401, error: 'use_dpop_nonce', description })
const invalidProof = (description: string): ErrorResponse => ({ status: 401, error: 'invalid_dpop_proof', description })

// Descriptions are constants: frameworks send them to the client, so no part of a request may be interpolated.
const refusals = {
  ERR_DPOP_CREDENTIALS_MISSING: { status: 401, error: undefined, description: 'A DPoP-bound access token is required' },
  ERR_DPOP_REQUEST_MALFORMED: invalidRequest('The request must have one Host that matches its :authority'),
  ERR_DPOP_AUTHORIZATION_MALFORMED: invalidRequest('The Authorization header field must occur once with one token'),
  ERR_DPOP_SCHEME_NOT_ALLOWED: invalidToken('The Bearer scheme is not accepted; use the DPoP scheme'),
  ERR_DPOP_PROOF_MISSING: invalidProof('The DPoP header field is missing'),
  ERR_DPOP_PROOF_MULTIPLE: invalidProof('The DPoP header field must occur once with one proof'),
  ERR_DPOP_PROOF_MALFORMED: invalidProof('The DPoP proof is not a well-formed JWT'),
  ERR_DPOP_PROOF_TYP: invalidProof('The DPoP proof typ must be dpop+jwt'),
  ERR_DPOP_PROOF_ALG: invalidProof('The DPoP proof alg is not accepted; see algs'),
  ERR_DPOP_PROOF_JWK: invalidProof('The DPoP proof jwk must be a valid public key for its alg'),
  ERR_DPOP_PROOF_SIGNATURE: invalidProof('The DPoP proof signature is invalid'),
  ERR_DPOP_PROOF_CLAIMS: invalidProof('A DPoP proof claim is missing or has an invalid value'),
  ERR_DPOP_PROOF_HTM: invalidProof('The DPoP proof htm does not match the request method'),
  ERR_DPOP_PROOF_HTU: invalidProof('The DPoP proof htu does not match the request URI'),
  ERR_DPOP_PROOF_IAT: invalidProof('The DPoP proof iat is outside the accepted time window'),
  ERR_DPOP_PROOF_ATH: invalidProof('The DPoP proof ath does not match the access token'),
  ERR_DPOP_PROOF_REPLAYED: invalidProof('The DPoP proof has already been used'),
  ERR_DPOP_NONCE_REQUIRED: nonceRequired('A DPoP nonce is required; use the DPoP-Nonce of this response'),
  ERR_DPOP_NONCE_INVALID: nonceRequired('The DPoP nonce has expired; use the DPoP-Nonce of this response'),
  ERR_DPOP_TOKEN_INVALID: invalidToken('The access token is invalid'),
  ERR_DPOP_TOKEN_EXPIRED: invalidToken('The access token has expired'),
  ERR_DPOP_TOKEN_UNBOUND: invalidToken('The access token is not bound to a DPoP key'),
  ERR_DPOP_TOKEN_BINDING: invalidToken('The access token is bound to a different key or certificate'),
  ERR_DPOP_SCOPE_INSUFFICIENT: {
    status: 403,
    error: 'insufficient_scope',
    description: 'The access token lacks a required scope'
  },
  ERR_DPOP_AUTHENTICATION_INSUFFICIENT: {
    status: 401,
    error: 'insufficient_user_authentication',
    description: 'A stronger or more recent user authentication is required'
  },
  ERR_DPOP_TICKET_INVALID: {
    status: 403,
    error: undefined,
    description: 'The ticket is invalid, has expired or was already used'
  },
  ERR_DPOP_ACCESS_DENIED: { status: 403, error: undefined, description: 'Access to this resource is denied' },
  ERR_DPOP_QUOTA_EXCEEDED: { status: 429, error: undefined, description: 'The client has sent too many requests; retry later' }
} as const satisfies Record<string, ErrorResponse>

const outages = {
  ERR_DPOP_KEYS_UNAVAILABLE: 'The keys of the authorization server are unavailable',
  ERR_DPOP_INTROSPECTION_UNAVAILABLE: 'The introspection endpoint of the authorization server is unavailable',
  ERR_DPOP_REPLAY_STORE_UNAVAILABLE: 'The replay store is unavailable',
  ERR_DPOP_VERIFIER_UNAVAILABLE: 'The request could not be verified'
} as const

/** The error codes of {@link DPoPError}. */
export type DPoPErrorCode = keyof typeof refusals
/** The error codes of {@link DPoPUnavailableError}. */
export type DPoPUnavailableErrorCode = keyof typeof outages

/** Response header fields by name; a field that occurs more than once has an array of values. */
export type ResponseHeaders = Readonly<Record<string, string | string[]>>

/** The `Retry-After` of a 503 response, in seconds (RFC 9110 §10.2.3). */
const RETRY_AFTER_SECONDS = 1

const isError = Symbol.for('dpop-guard.error')
const isUnavailable = Symbol.for('dpop-guard.unavailable')
const inspect = Symbol.for('nodejs.util.inspect.custom')

/**
 * Thrown by a check to reject a request. The verifier converts it into a {@link DPoPError} with its challenge. It is not an
 * `Error`, because it never leaves the verifier and a stack trace would cost more than the check.
 */
export class Refusal {
  readonly code: DPoPErrorCode
  /** Details for the diagnostics channel. The client receives only `retryAfterSeconds`. Never a token, proof or nonce. */
  readonly detail: RefusalDetail | undefined
  /** Further parameters of the challenge by name. Values must need no quoting. */
  readonly params: ChallengeParams
  constructor(code: DPoPErrorCode, detail?: RefusalDetail, params: ChallengeParams = {}) {
    this.code = code
    this.detail = detail
    this.params = params
  }
}

/** Parameters of a challenge by name, such as `scope`. */
export type ChallengeParams = Readonly<Record<string, string>>

/** Details of a rejection that the diagnostics channel publishes. */
export interface RefusalDetail {
  /** The htu values that would have been accepted. */
  readonly expectedHtu?: readonly string[]
  /** The htu of the proof, as sent but without query and fragment. */
  readonly receivedHtu?: string
  /** Seconds by which the iat of the proof is behind (negative) or ahead of (positive) the clock of the verifier. */
  readonly skewSeconds?: number
  /** Of a client above its quota: the thumbprint of its key. */
  readonly jkt?: string
  /** Of a client above its quota: after how many seconds it may succeed. */
  readonly retryAfterSeconds?: number
  /** Why the access token was rejected: the rule, what was found and the option that changes it. Never a personal claim. */
  readonly reason?: string
}

/** Rejects the request. */
export function refuse(code: DPoPErrorCode, detail?: RefusalDetail, params?: ChallengeParams): never {
  throw new Refusal(code, detail, params)
}

/**
 * A rejected request: status 400, 401, 403 or 429.
 *
 * `message` and `description` are constant, `headers` holds the challenge (`WWW-Authenticate`). Pass it to the error handler of
 * the framework, or respond with {@link DPoPError.getResponse}.
 *
 * @see {@link https://www.rfc-editor.org/rfc/rfc9449#section-7.1 | RFC 9449 §7.1}
 */
export class DPoPError extends Error {
  override readonly name = 'DPoPError'
  /** The stable error code. */
  readonly code: DPoPErrorCode
  /** The HTTP status. */
  readonly status: RejectionStatus
  /** The same as `status`, for frameworks that read `statusCode`. */
  readonly statusCode: RejectionStatus
  /** The OAuth error code of the challenge; undefined where the request had no credentials (RFC 6750 §3.1) or no code applies. */
  readonly error: OAuthErrorCode | undefined
  /** The `error_description` of the challenge, a constant. */
  readonly description: string
  /** Header fields that the response must have. */
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
    // One line: the error of a client has no cause in the code, and frameworks log the stack of every error.
    const stack = `${this.name}: ${description} (${code})`
    Object.defineProperty(this, 'stack', { value: stack, writable: true, configurable: true })
  }

  /** The response body: the members of RFC 6749 §5.2 that apply. */
  toJSON(): { error?: OAuthErrorCode; error_description: string } {
    return { ...(this.error && { error: this.error }), error_description: this.description }
  }

  /** The response as a Fetch `Response`. */
  getResponse(): Response {
    return toResponse(this)
  }

  /** What `console.error` prints: one line, because frameworks log each error, and any client can cause one. */
  [inspect](): string {
    return this.stack as string
  }

  get [isError](): true {
    return true
  }
}

/**
 * The verifier cannot decide, because keys, introspection, the replay store or a hook is unavailable. Status 503 with
 * `Retry-After`. `cause` is the underlying error.
 */
export class DPoPUnavailableError extends Error {
  override readonly name = 'DPoPUnavailableError'
  /** The stable error code. */
  readonly code: DPoPUnavailableErrorCode
  /** The HTTP status. */
  readonly status = 503
  /** The same as `status`, for frameworks that read `statusCode`. */
  readonly statusCode = 503
  /** The description, a constant. */
  readonly description: string
  /** Header fields that the response must have. */
  readonly headers: ResponseHeaders
  /** The message is safe to show to the client. */
  readonly expose = true

  constructor(code: DPoPUnavailableErrorCode, cause?: unknown, headers: ResponseHeaders = {}) {
    super(outages[code], { cause })
    this.code = code
    this.headers = { 'Retry-After': String(RETRY_AFTER_SECONDS), ...headers }
    this.description = outages[code]
  }

  /** The response body. */
  toJSON(): { error_description: string } {
    return { error_description: this.description }
  }

  /** The response as a Fetch `Response`. */
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

/** The response for an error code. */
export function responseFor(code: DPoPErrorCode): ErrorResponse {
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
