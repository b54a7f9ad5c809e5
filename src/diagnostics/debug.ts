/** Debug lines on stderr with `NODE_DEBUG=dpop-guard`, one for each rejection and outage. @module */

import { builtinModule } from '../builtin-module.js'
import { printable } from '../encoding/printable.js'
import type { DPoPErrorCode, DPoPUnavailableErrorCode, RefusalDetail } from '../errors.js'
import { causesOf } from './causes.js'
import { hintOf, sectionOf } from './hints.js'

const debuglog = builtinModule('node:util')?.debuglog('dpop-guard')

/** Prints a rejection. Nothing is computed while the debug log is disabled. */
export function debugRefusal(code: DPoPErrorCode, detail: RefusalDetail | undefined): void {
  if (debuglog?.enabled) debuglog('%s', refusalLine(code, detail))
}

/** Prints an outage with the messages of its causes. */
export function debugOutage(code: DPoPUnavailableErrorCode, cause: unknown): void {
  if (debuglog?.enabled) debuglog('%s', outageLine(code, cause))
}

/** One line: code, section, what was expected and received, and a hint. Never a token, proof, nonce or personal claim. */
export function refusalLine(code: DPoPErrorCode, detail: RefusalDetail = {}): string {
  const { reason, expectedHtu, receivedHtu, skewSeconds, jkt } = detail
  const facts = [
    ...(reason === undefined ? [] : [reason]),
    ...(jkt === undefined ? [] : [`the key of the client has the thumbprint ${jkt}`]),
    ...(receivedHtu === undefined || expectedHtu === undefined
      ? []
      : [`htu is ${printable(receivedHtu)}, expected ${expectedHtu.map(printable).join(' or ') || 'none'}`]),
    ...(skewSeconds === undefined ? [] : [`iat differs by ${skewSeconds} seconds`])
  ]
  return `${code} (${sectionOf(code)}): ${[...facts, hintOf(code, detail)].join('; ')}`
}

/** One line: code, the chain of causes, and a hint. */
export function outageLine(code: DPoPUnavailableErrorCode, cause: unknown): string {
  return `${code}: ${causesOf(cause).join(' <- ') || 'unknown cause'}; ${hintOf(code)}`
}
