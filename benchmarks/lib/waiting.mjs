/** How long this thread was ready to run and another had the core: on a busy machine that looks like a pause of our own. */

import { openSync, readSync } from 'node:fs'

const statistics = open()
const buffer = Buffer.alloc(64)

/** Milliseconds since the thread began; Linux only, 0 elsewhere. */
export function waitedMilliseconds() {
  if (statistics === undefined) return 0
  const length = readSync(statistics, buffer, 0, buffer.length, 0)
  return Number(buffer.toString('latin1', 0, length).split(' ')[1]) / 1e6
}

function open() {
  try {
    return openSync('/proc/thread-self/schedstat')
  } catch {
    return undefined
  }
}
