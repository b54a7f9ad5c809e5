/** Reads what the checks need out of a Fetch `Request`, a Node request or a plain object, every header line counted. @module */

import { refuse } from '../errors.js'

/** Header fields by name, in any case; repeated lines of one field are an array. */
export type HeaderRecord = Readonly<Record<string, string | readonly string[] | undefined>>

/** What the verifier reads of Node's `http.IncomingMessage` and `http2.Http2ServerRequest`. */
export interface NodeRequest {
  readonly method?: string | undefined
  readonly url?: string | undefined
  /** The target before a router cut a mount path off, as Express keeps it. */
  readonly originalUrl?: string | undefined
  /** Names and values in turn, every line as it was received. */
  readonly rawHeaders: readonly string[]
  /** Read only where an emulated request has no `rawHeaders`. */
  readonly headers: HeaderRecord
}

/** What the verifier reads of a Fetch `Request`. */
export interface FetchRequest {
  readonly method: string
  readonly url: string
  readonly headers: {
    /** The lines of a field, joined with commas; null where there is none. */
    get(name: string): string | null
  }
}

/** A request from anywhere else. */
export interface PlainRequest {
  /** The method as the client sent it. */
  readonly method: string
  /** The request target as the client sent it: `/path?query`, or an absolute URI. */
  readonly target: string
  /** Header fields, as a record, or as pairs such as a Fetch `Headers` or a `Map` gives. */
  readonly headers: HeaderRecord | Iterable<readonly [string, string]>
}

/** Every shape of request that `verifyRequest` takes. */
export type RequestLike = FetchRequest | NodeRequest | PlainRequest

/** One request, reduced to what DPoP is about. */
export interface IncomingRequest {
  readonly method: string
  /** The request target as sent, not resolved, not normalised. */
  readonly target: string
  /** The authority that the client addressed (`:authority`, else `Host`), if it named one. */
  readonly authority: string | undefined
  /** The lines of the `Authorization` field. */
  readonly authorization: readonly string[]
  /** The lines of the `DPoP` field. */
  readonly dpop: readonly string[]
}

/** Reads a request. `target` overrides the one that the request object has, for frameworks that rewrite it. */
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

/** The lines of the few header fields that DPoP is about. */
class HeaderLines {
  #authorization = none
  #dpop = none
  #host = none
  #pseudoAuthority = none

  addRaw(raw: readonly string[]): void {
    for (let i = 0; i < raw.length; i += 2) this.#add(raw[i] as string, raw[i + 1])
  }

  addRecord(record: HeaderRecord): void {
    // The same of an object that has its lines behind a method.
    if (typeof record['get'] === 'function') throw new TypeError('The headers of the request must be a record, or iterable')
    for (const [name, value] of Object.entries(record)) {
      if (Array.isArray(value)) for (const line of value) this.#add(name, line)
      else if (value !== undefined) this.#add(name, value)
    }
  }

  addPairs(pairs: Iterable<readonly [string, string]>): void {
    for (const pair of pairs) {
      // A flat list of names and values has none, and would look like a request without any.
      if (typeof pair === 'string') throw new TypeError('The header lines of the request must be pairs of name and value')
      this.#add(pair[0], pair[1])
    }
  }

  /**
   * Fetch joins the lines of a field with commas, and no value that we accept has one. The authority in the URL is what the
   * Host field said, whatever proxies made of it, so that it selects as Host does and is no part of the target.
   */
  addFetch({ url, headers }: FetchRequest): string {
    const { host, pathname, search } = new URL(url)
    this.#add('host', host)
    for (const name of ['authorization', 'dpop']) {
      const value = headers.get(name)
      if (value !== null) this.#add(name, value)
    }
    return pathname + search
  }

  toRequest(method: unknown, target: unknown): IncomingRequest {
    if (typeof method !== 'string' || typeof target !== 'string') {
      throw new TypeError('The method and the target of the request must be strings')
    }
    return { method, target, authority: this.#oneAuthority(), authorization: this.#authorization, dpop: this.#dpop }
  }

  // Runs for every header line of every request: the length rules most names out before any text is compared.
  #add(name: string, value: unknown): void {
    switch (name.length) {
      case 4: {
        const lower = name.toLowerCase()
        if (lower === 'dpop') this.#dpop = append(this.#dpop, value)
        else if (lower === 'host') this.#host = append(this.#host, value)
        break
      }
      case 10:
        if (name === ':authority') this.#pseudoAuthority = append(this.#pseudoAuthority, value)
        break
      case 13:
        if (name.toLowerCase() === 'authorization') this.#authorization = append(this.#authorization, value)
    }
  }

  /** RFC 9113 §8.3.1: `:authority` rules, and a `Host` that differs from it is malformed. RFC 9112 §3.2: there is one `Host`. */
  #oneAuthority(): string | undefined {
    const [pseudo, host] = [this.#pseudoAuthority, this.#host]
    if (pseudo.length > 1 || host.length > 1) refuse('ERR_DPOP_REQUEST_MALFORMED')
    if (pseudo[0] === undefined) return host[0]
    if (host[0] !== undefined && host[0].toLowerCase() !== pseudo[0].toLowerCase()) refuse('ERR_DPOP_REQUEST_MALFORMED')
    return pseudo[0]
  }
}

/** A field has one line or is refused: a list that grows would keep room for many. */
function append(lines: Lines, value: unknown): Lines {
  if (typeof value !== 'string') throw new TypeError('The header lines of the request must be strings')
  return lines === none ? [value] : [...lines, value]
}
