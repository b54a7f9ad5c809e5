/** One line on standard error that long commands rewrite while they run. Without a terminal nothing is written. */

import { clearLine, cursorTo } from 'node:readline'

const DEFAULT_COLUMNS = 80

/** A progress line on `stream`. Results are written with `print`, so that they do not end up behind the line. */
export function createProgress(stream = process.stderr, output = process.stdout) {
  let isShown = false

  function clear() {
    if (!isShown) return
    cursorTo(stream, 0)
    clearLine(stream, 0)
    isShown = false
  }

  return {
    /** Replaces the line. It is cut to the width of the terminal, since a wrapped line cannot be rewritten. */
    show(text) {
      if (!stream.isTTY) return
      clear()
      stream.write(text.slice(0, (stream.columns || DEFAULT_COLUMNS) - 1))
      isShown = true
    },
    clear,
    /** Writes a line of results. */
    print(line) {
      clear()
      output.write(`${line}\n`)
    }
  }
}

/** The progress line of this process. It is cleared when the process ends. */
export const progress = createProgress()
process.once('exit', progress.clear)
