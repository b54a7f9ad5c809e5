/** Describes the chain of causes of an outage for operators. @module */

import { printable } from '../encoding/printable.js'

const MAX_CAUSES = 8

/** The messages and error codes of a value, its `cause` chain, and the errors of an AggregateError, at most eight. */
export function causesOf(cause: unknown): string[] {
  const messages: string[] = []
  const pending: unknown[] = [cause]
  while (pending.length > 0 && messages.length < MAX_CAUSES) {
    const next = pending.shift()
    if (!(next instanceof Error)) {
      if (next !== undefined) messages.push(printable(next))
      continue
    }
    const { code } = next as { code?: unknown }
    messages.push([next.name, ...(typeof code === 'string' ? [code] : []), withoutCredentials(next.message)].join(' '))
    if (next instanceof AggregateError) pending.push(...next.errors)
    pending.push(next.cause)
  }
  return messages
}

/** User information of URLs is removed, and the message is limited to one line of printable ASCII. */
function withoutCredentials(message: string): string {
  return printable(message.replace(/\/\/[^/\s@]*@/g, '//'))
}
