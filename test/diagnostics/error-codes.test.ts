/** docs/debugging.md has an entry for every error code: response, description, rule, meaning, what to look at, fix and hint. */

import { readFile } from 'node:fs/promises'
import { DPoPError, type DPoPErrorCode, DPoPUnavailableError, type DPoPUnavailableErrorCode } from 'dpop-guard'
import { expect, test } from 'vitest'
import { type AnyErrorCode, hintOf, sectionOf } from '../../src/diagnostics/hints.js'

const document = await readFile(new URL('../../docs/debugging.md', import.meta.url), 'utf8')
const entries = document.split(/^### (?=ERR_DPOP_)/m).slice(1)
const format =
  /^(\w+)\n\nResponse: (.+), "(.+)"\. Rule: (.+)\.\n\n\S.+\.\n\n- \*\*Look at:\*\* .+\.\n- \*\*Fix:\*\* .+\.\n- \*\*Hint:\*\* `(.+)`\n*$/
const codeOf = (entry: string) => entry.split('\n', 1)[0]

/** Adding a code without an entry does not compile. */
const codes: Record<AnyErrorCode, true> = {
  ERR_DPOP_CREDENTIALS_MISSING: true,
  ERR_DPOP_REQUEST_MALFORMED: true,
  ERR_DPOP_AUTHORIZATION_MALFORMED: true,
  ERR_DPOP_SCHEME_NOT_ALLOWED: true,
  ERR_DPOP_PROOF_MISSING: true,
  ERR_DPOP_PROOF_MULTIPLE: true,
  ERR_DPOP_PROOF_MALFORMED: true,
  ERR_DPOP_PROOF_TYP: true,
  ERR_DPOP_PROOF_ALG: true,
  ERR_DPOP_PROOF_JWK: true,
  ERR_DPOP_PROOF_SIGNATURE: true,
  ERR_DPOP_PROOF_CLAIMS: true,
  ERR_DPOP_PROOF_HTM: true,
  ERR_DPOP_PROOF_HTU: true,
  ERR_DPOP_PROOF_IAT: true,
  ERR_DPOP_PROOF_ATH: true,
  ERR_DPOP_PROOF_REPLAYED: true,
  ERR_DPOP_NONCE_REQUIRED: true,
  ERR_DPOP_NONCE_INVALID: true,
  ERR_DPOP_TOKEN_INVALID: true,
  ERR_DPOP_TOKEN_EXPIRED: true,
  ERR_DPOP_TOKEN_UNBOUND: true,
  ERR_DPOP_TOKEN_BINDING: true,
  ERR_DPOP_SCOPE_INSUFFICIENT: true,
  ERR_DPOP_AUTHENTICATION_INSUFFICIENT: true,
  ERR_DPOP_TICKET_INVALID: true,
  ERR_DPOP_ACCESS_DENIED: true,
  ERR_DPOP_QUOTA_EXCEEDED: true,
  ERR_DPOP_KEYS_UNAVAILABLE: true,
  ERR_DPOP_INTROSPECTION_UNAVAILABLE: true,
  ERR_DPOP_REPLAY_STORE_UNAVAILABLE: true,
  ERR_DPOP_VERIFIER_UNAVAILABLE: true
}

test('every code has one entry, in the order of the errors', () => {
  expect(entries.map(codeOf)).toEqual(Object.keys(codes))
})

test.each(Object.keys(codes) as AnyErrorCode[])(
  '%s: response, description, rule, meaning, what to look at, fix and hint',
  (code) => {
    const isOutage = code.endsWith('_UNAVAILABLE')
    const error = isOutage ? new DPoPUnavailableError(code as DPoPUnavailableErrorCode) : new DPoPError(code as DPoPErrorCode)
    const { status, description } = error
    const response = 'error' in error && error.error !== undefined ? `${status} \`${error.error}\`` : `${status}`
    const entry = entries.find((text) => codeOf(text) === code)
    expect(entry?.match(format)?.slice(2)).toEqual([response, description, sectionOf(code), hintOf(code)])
  }
)
