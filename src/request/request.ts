/** Reads a Fetch `Request`, a Node request or a plain object into one form that keeps every header field line. @module */

import { refuse } from '../errors.js'

/** Header fields by case-insensitive name. Repeated field lines are an array. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>

/** What the verifier reads of Node's `http.IncomingMessage` and `http2.Http2ServerRequest`. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** The request target before a router removed the mount path, as Express sets it. */
  readonly originalUrl?: string | undefined
  /** Alternating names and values of all header field lines as received. */
  readonly rawHeaders: readonly string[]
  /** Used only if `rawHeaders` is empty, as with emulated requests. */
  readonly headers: HeaderRecord
}

/** What the verifier reads of a Fetch `Request`. */
export interface FetchRequest {
  readonly method: string
  readonly url: string
  readonly headers: {
    /** The field lines joined with commas; null if there are none. */
    get(name: string): string | null
  }
}

/** A request in a form independent of the runtime. */
export interface PlainRequest {
  /** The method as the client sent it. */
  readonly method: string
  /** The request target as the client sent it: `/path?query`, or an absolute URI. */
  readonly target: string
  /** Header fields as a record, or as an iterable of pairs such as a Fetch `Headers` or a `Map`. */
  readonly headers: HeaderRecord | Iterable<readonly [string, string]>
}

/** The request types that `verifyRequest` accepts. */
export type RequestLike = FetchRequest | NodeRequest | PlainRequest

/** The parts of a request that verification needs. */
export interface IncomingRequest {
  readonly method: string
  /** The request target as sent, neither resolved nor normalized. */
  readonly target: string
  /** The authority of the request: `:authority`, else `Host`; undefined if there is neither. */
  readonly authority: string | undefined
  /** The field lines of `Authorization`. */
  readonly authorization: readonly string[]
  /** The field lines of `DPoP`. */
  readonly dpop: readonly string[]
  /** Whether this is the opening handshake of a WebSocket connection (RFC 6455 §4.2.1). */
  readonly isWebSocketUpgrade: boolean
}

/** Reads a request. `target` overrides that of the request object, for frameworks that rewrite it. */
export function readRequest(request: RequestLike, target?: string): IncomingRequest {
  const lines = new HeaderLines()
  let sentTarget: string | undefined
  if ('rawHeaders' in request) {
    if (request.rawHeaders.length > 0) lines.addRaw(request.rawHeaders)
    else lines.addRecord(request.headers)
    sentTarget = request.originalUrl ?? request.url
  } else if ('target' in request) {
    if (Symbol.iterator in request.headers) lines.addPairs(request.headers)
    else lines.addRecord(request.headers)
    sentTarget = request.target
  } else if ('url' in request) {
    sentTarget = lines.addFetch(request)
  } else {
    throw new TypeError('The request must be a Fetch Request, a Node IncomingMessage, or { method, target, headers }')
  }
  return lines.toRequest(request.method, target ?? sentTarget)
}

type Lines = readonly string[]

const none: Lines = Object.freeze([])

/** Collects the field lines of the header fields that verification reads. */
class HeaderLines {
  #authorization = none
  #dpop = none
  #host = none
  #pseudoAuthority = none
  #upgrade = none

  addRaw(raw: readonly string[]): void {
    for (let i = 0; i < raw.length; i += 2) this.#add(raw[i] as string, raw[i + 1])
  }

  addRecord(record: HeaderRecord): void {
    // A Headers object has no own entries, so it would be read as a request without credentials.
    if (typeof record['get'] === 'function') throw new TypeError('The headers of the request must be a record, or iterable')
    for (const [name, value] of Object.entries(record)) {
      if (Array.isArray(value)) for (const line of value) this.#add(name, line)
      else if (value !== undefined) this.#add(name, value)
    }
  }

  addPairs(pairs: Iterable<readonly [string, string]>): void {
    for (const pair of pairs) {
      // A flat list of names and values would be read as a request without credentials.
      if (typeof pair === 'string') throw new TypeError('The header lines of the request must be pairs of name and value')
      this.#add(pair[0], pair[1])
    }
  }

  /**
   * Fetch joins field lines with commas, and no accepted value contains one. The authority of the URL comes from the Host
   * header field, so it is treated like Host and not as part of the request target.
   */
  addFetch({ url, headers }: FetchRequest): string {
    const { host, pathname, search } = new URL(url)
    this.#add('host', host)
    for (const name of ['authorization', 'dpop', 'upgrade']) {
      const value = headers.get(name)
      if (value !== null) this.#add(name, value)
    }
    return pathname + search
  }

  toRequest(method: unknown, target: unknown): IncomingRequest {
    if (typeof method !== 'string' || typeof target !== 'string') {
      throw new TypeError('The method and the target of the request must be strings')
    }
    return {
      method,
      target,
      authority: this.#oneAuthority(),
      authorization: this.#authorization,
      dpop: this.#dpop,
      isWebSocketUpgrade: method === 'GET' && this.#upgrade.some(hasWebSocket)
    }
  }

  // Called for every field line of every request: the length excludes most names before any comparison.
  #add(name: string, value: unknown): void {
    switch (name.length) {
      case 4: {
        const lower = name.toLowerCase()
        if (lower === 'dpop') this.#dpop = append(this.#dpop, value)
        else if (lower === 'host') this.#host = append(this.#host, value)
        break
      }
      case 7:
        if (name.toLowerCase() === 'upgrade') this.#upgrade = append(this.#upgrade, value)
        break
      case 10:
        if (name === ':authority') this.#pseudoAuthority = append(this.#pseudoAuthority, value)
        break
      case 13:
        if (name.toLowerCase() === 'authorization') this.#authorization = append(this.#authorization, value)
    }
  }

  /** RFC 9113 §8.3.1: `:authority` takes precedence, and a different `Host` is malformed. RFC 9112 §3.2: only one `Host` is allowed. */
  #oneAuthority(): string | undefined {
    const [pseudo, host] = [this.#pseudoAuthority, this.#host]
    if (pseudo.length > 1 || host.length > 1) refuse('ERR_DPOP_REQUEST_MALFORMED')
    if (pseudo[0] === undefined) return host[0]
    if (host[0] !== undefined && host[0].toLowerCase() !== pseudo[0].toLowerCase()) refuse('ERR_DPOP_REQUEST_MALFORMED')
    return pseudo[0]
  }
}

/** RFC 9110 §7.8: a list of protocols, in the order of preference. */
function hasWebSocket(upgrade: string): boolean {
  return upgrade.split(',').some((protocol) => protocol.trim().toLowerCase() === 'websocket')
}

/** The common case allocates an array of exactly one. More are added in place: a copy for each would cost the square of their number. */
function append(lines: Lines, value: unknown): Lines {
  if (typeof value !== 'string') throw new TypeError('The header lines of the request must be strings')
  if (lines === none) return [value]
  const created = lines as string[]
  created.push(value)
  return created
}
