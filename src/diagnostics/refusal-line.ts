/** The line of a rejection: its code, the rule, what was expected and received, and a hint. @module */

import { printable } from '../encoding/printable.js'
import type { DPoPErrorCode, RefusalDetail } from '../errors.js'
import { hintOf, sectionOf } from './hints.js'

/** One line. Never a token, proof, nonce or personal claim. */
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
