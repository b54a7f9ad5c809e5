/** A strict reader of JWTs in JWS Compact Serialization (RFC 7515 §7.1, RFC 7519 §7.2): one spelling of a JWT, or none. @module */

import { platform } from '#crypto'
import type { JsonObject } from './json.js'

/** The three segments of a compact JWS, not yet decoded. */
export interface CompactJws {
  readonly header: string
  readonly payload: string
  readonly signature: string
  /** What is signed: the first two segments with the dot between them, ASCII. */
  readonly signingInput: string
}

/** Splits a compact JWS; undefined where it does not have exactly three segments, none of them empty. */
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
 * The JSON object that a segment encodes: canonical base64url without padding, UTF-8 without a byte order mark. Of a member
 * that is there twice the last counts (RFC 7515 §4). Undefined for anything else.
 */
export function decodeJsonObject(segment: string): JsonObject | undefined {
  const text = platform.decodeBase64urlText(segment)
  if (text === undefined) return undefined
  try {
    const value: unknown = JSON.parse(text)
    return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as JsonObject) : undefined
  } catch {
    return undefined
  }
}
