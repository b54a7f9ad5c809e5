/** Parses JWTs in JWS Compact Serialization (RFC 7515 §7.1, RFC 7519 §7.2) and accepts only the canonical encoding. @module */

import { platform } from '#crypto'
import type { JsonObject } from './json.js'

/** The three segments of a compact JWS, not yet decoded. */
export interface CompactJws {
  readonly header: string
  readonly payload: string
  readonly signature: string
  /** The JWS Signing Input: the first two segments joined by a dot, ASCII. */
  readonly signingInput: string
}

/** Splits a compact JWS; undefined unless it has exactly three non-empty segments. */
export function splitCompactJws(jws: string): CompactJws | undefined {
  const first = jws.indexOf('.')
  const second = jws.indexOf('.', first + 1)
  if (first < 1 || second < first + 2 || second === jws.length - 1 || jws.includes('.', second + 1)) return undefined
  return {
    header: jws.slice(0, first),
    payload: jws.slice(first + 1, second),
    signature: jws.slice(second + 1),
    signingInput: jws.slice(0, second)
  }
}

/**
 * The JSON object that a segment encodes: canonical base64url without padding, UTF-8 without a byte order mark. The last of
 * duplicate member names is used (RFC 7515 §4). Undefined if the segment is invalid.
 */
export function decodeJsonObject(segment: string): JsonObject | undefined {
  const json = platform.decodeBase64urlText(segment)
  if (json === undefined) return undefined
  try {
    const value: unknown = JSON.parse(json)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
  } catch {
    return undefined
  }
}
