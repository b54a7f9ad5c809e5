/** The line of an outage: its code, its causes and a hint. @module */

import type { DPoPUnavailableErrorCode } from '../errors.js'
import { causesOf } from './causes.js'

/** What an error code is about: the section of the rule, and a hint for developers. */
export interface Topic {
  readonly section: string
  readonly hint: string
}

/** The topics of outages. */
export const outageTopics: Readonly<Record<DPoPUnavailableErrorCode, Topic>> = {
  ERR_DPOP_KEYS_UNAVAILABLE: {
    section: 'RFC 8414 §3',
    hint: 'the metadata or the key set of the issuer cannot be fetched or used; check issuer, DNS, TLS and network access'
  },
  ERR_DPOP_INTROSPECTION_UNAVAILABLE: {
    section: 'RFC 7662 §2',
    hint: 'the introspection endpoint cannot be reached or rejected the client credentials'
  },
  ERR_DPOP_REPLAY_STORE_UNAVAILABLE: {
    section: 'RFC 9449 §11.1',
    hint: 'check the replay store: docs/operations.md lists causes'
  },
  ERR_DPOP_VERIFIER_UNAVAILABLE: {
    section: 'internal',
    hint: 'a function in the options threw, or the request object is not supported'
  }
}

/** One line: code, the chain of causes, and a hint. */
export function outageLine(code: DPoPUnavailableErrorCode, cause: unknown): string {
  return `${code}: ${causesOf(cause).join(' <- ') || 'unknown cause'}; ${outageTopics[code].hint}`
}
