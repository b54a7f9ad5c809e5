/** Debug lines on stderr with `NODE_DEBUG=dpop-guard`, one for each rejection and outage. @module */

import { builtinModule } from '../builtin-module.js'
import type { DPoPErrorCode, DPoPUnavailableErrorCode, RefusalDetail } from '../errors.js'
import { outageLine } from './outage-line.js'

const debuglog = builtinModule('node:util')?.debuglog('dpop-guard')

/** Prints a rejection. Nothing is computed while the debug log is disabled. */
export function debugRefusal(code: DPoPErrorCode, detail: RefusalDetail | undefined): void {
  if (debuglog?.enabled) printRefusal(code, detail, debug)
}

/** Prints an outage with the messages of its causes, after the rejections before it. */
export function debugOutage(code: DPoPUnavailableErrorCode, cause: unknown): void {
  if (debuglog?.enabled) print(() => outageLine(code, cause), debug)
}

/** Prints the line of a rejection, shortly after the call. */
export function printRefusal(code: DPoPErrorCode, detail: RefusalDetail | undefined, write: (line: string) => void): void {
  print(({ refusalLine }) => refusalLine(code, detail), write)
}

/** The texts are loaded on demand, because they are for developers. A bundle that lacks them must not fail requests. */
function print(toLine: (texts: typeof import('./refusal-line.js')) => string, write: (line: string) => void): void {
  import('./refusal-line.js').then(
    (texts) => write(toLine(texts)),
    () => write('The texts of dpop-guard could not be loaded')
  )
}

function debug(line: string): void {
  debuglog?.('%s', line)
}
