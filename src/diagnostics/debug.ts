/** Debug lines on stderr with `NODE_DEBUG=dpop-guard`, one for each rejection and outage. @module */

import { builtinModule } from '../builtin-module.js'
import type { DPoPErrorCode, DPoPUnavailableErrorCode, RefusalDetail } from '../errors.js'
import { outageLine } from './outage-line.js'

const debuglog = builtinModule('node:util')?.debuglog('dpop-guard')

/** Prints a rejection. Nothing is computed while the debug log is disabled. */
export function debugRefusal(code: DPoPErrorCode, detail: RefusalDetail | undefined): void {
  if (debuglog?.enabled) void printRefusal(code, detail, debug)
}

/** Prints an outage with the messages of its causes, after the rejections before it. */
export function debugOutage(code: DPoPUnavailableErrorCode, cause: unknown): void {
  if (debuglog?.enabled) void loadRefusalLine().then(() => debug(outageLine(code, cause)))
}

/** Prints the line of a rejection. */
export async function printRefusal(
  code: DPoPErrorCode,
  detail: RefusalDetail | undefined,
  print: (line: string) => void
): Promise<void> {
  const { refusalLine } = await loadRefusalLine()
  print(refusalLine(code, detail))
}

/** The texts are loaded on demand, because they are for developers. */
function loadRefusalLine() {
  return import('./refusal-line.js')
}

function debug(line: string): void {
  debuglog?.('%s', line)
}
