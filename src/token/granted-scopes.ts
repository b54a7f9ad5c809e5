/** Reads the scopes that were granted to an access token (RFC 8693 §4.2, RFC 9068 §2.2.3). @module */

import { checkNotPromise } from '../config/option-validation.js'
import type { JsonObject } from '../encoding/json.js'
import type { TokenOptions } from '../options.js'
import type { AccessTokenClaims } from '../verified-request.js'

/** More scopes are ignored: an introspection response may have a megabyte of them, and each required scope is looked up. */
const MAX_SCOPES = 1_000

/**
 * The scopes of verified claims without duplicates, at most 1 000. Values of an unexpected type grant nothing.
 *
 * @throws TypeError if the option `token.scopes` does not return an array or undefined
 */
export function grantedScopes(claims: JsonObject, read: TokenOptions['scopes']): string[] {
  const values = read === undefined ? [...scopesOf(claims['scope']), ...scopesOf(claims['scp'])] : readWith(read, claims)
  const scopes = new Set<string>()
  for (const value of values) {
    if (scopes.size === MAX_SCOPES) break
    if (typeof value === 'string' && value !== '') scopes.add(value)
  }
  return [...scopes]
}

/** `scope` is a space-delimited string. Some servers use an array, and some the claim `scp`. */
function scopesOf(value: unknown): readonly unknown[] {
  if (typeof value === 'string') return value.split(' ')
  return Array.isArray(value) ? value : []
}

function readWith(read: NonNullable<TokenOptions['scopes']>, claims: JsonObject): readonly unknown[] {
  const values: unknown = checkNotPromise('token.scopes', read(claims as AccessTokenClaims))
  if (values === undefined) return []
  return Array.isArray(values) ? values : mustReturnArray()
}

function mustReturnArray(): never {
  throw new TypeError('"token.scopes" must return an array of strings or undefined')
}
