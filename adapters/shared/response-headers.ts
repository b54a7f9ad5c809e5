/** Access to the header fields of a response, which a framework may have sent already. @module */

import type { ResponseHeaders } from '../../src/errors.js'

/** Access to the header fields of the response. */
export interface ResponseHeaderAccess {
  get(name: string): unknown
  set(name: string, value: string | string[]): void
}

// List-based fields to which other middleware may have added values, which are kept (RFC 9110 §5.3).
const listFields = new Set(['www-authenticate', 'vary', 'access-control-expose-headers'])

/** Sets header fields on a response. Values of list-based fields are appended unless present. */
export function addHeaders(headers: ResponseHeaderAccess, added: ResponseHeaders): void {
  for (const [name, value] of Object.entries(added)) {
    const present = listFields.has(name.toLowerCase()) ? (headers.get(name) ?? []) : []
    const lines = [...new Set([present, value].flat() as string[])]
    headers.set(name, lines.length === 1 ? (lines[0] as string) : lines)
  }
}

/** The same, unless the response was already sent, for example by a timeout. The result of the verification is not affected. */
export function addHeadersIfNotSent(headers: ResponseHeaderAccess, added: ResponseHeaders): void {
  ifNotSent(() => addHeaders(headers, added))
}

/** Replaces header fields, unless the response was already sent. */
export function setHeadersIfNotSent(headers: ResponseHeaderAccess, replaced: ResponseHeaders): void {
  ifNotSent(() => {
    for (const [name, value] of Object.entries(replaced)) headers.set(name, value)
  })
}

/** The codes of Node.js for header fields after the response, with HTTP/1.1 and HTTP/2. */
const sentCodes = new Set<unknown>(['ERR_HTTP_HEADERS_SENT', 'ERR_HTTP2_HEADERS_SENT'])

function ifNotSent(change: () => void): void {
  try {
    change()
  } catch (error) {
    if (!sentCodes.has((error as { code?: unknown }).code)) throw error
  }
}
