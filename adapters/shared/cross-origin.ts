/** The header fields that pages of another origin may read (Fetch standard, CORS protocol). @module */

import type { ResponseHeaders } from '../../src/errors.js'
import type { RequestLike } from '../../src/request/request.js'
import type { ResponseHeaderAccess } from './response-headers.js'

const EXPOSE_HEADERS = 'Access-Control-Expose-Headers'
const exposedFields = ['WWW-Authenticate', 'DPoP-Nonce']

/**
 * The `Access-Control-Expose-Headers` of a response: those of CORS middleware that ran before, and the fields that a page needs to
 * read. Empty for a request without `Origin`, which is not cross-origin (Fetch standard).
 */
export function exposedHeaders(request: RequestLike, response: Pick<ResponseHeaderAccess, 'get'>): ResponseHeaders {
  if (!hasOrigin(request)) return {}
  const names = [response.get(EXPOSE_HEADERS) ?? []]
    .flat()
    .join(',')
    .split(',')
    .map((name) => name.trim())
    .filter(Boolean)
  const lower = new Set(names.map((name) => name.toLowerCase()))
  return { [EXPOSE_HEADERS]: [...names, ...exposedFields.filter((name) => !lower.has(name.toLowerCase()))].join(', ') }
}

/** The request may be any object: it is validated later. */
function hasOrigin({ headers }: Partial<RequestLike>): boolean {
  const { get, origin } = (headers ?? {}) as { readonly get?: unknown; readonly origin?: unknown }
  return typeof get === 'function' ? get.call(headers, 'origin') != null : origin !== undefined
}
