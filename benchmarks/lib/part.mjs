/** A part of the benchmark: a process of its own, so that no part runs in the heap that another one left behind. */

import { fork } from 'node:child_process'
import { progress as terminal } from '../../test/support/progress.mjs'

/** Shows what is being done, on a terminal only. */
export const progress = terminal.show

/** Writes a line of results. */
export const print = terminal.print

/** Hands the result to `run.mjs`, or prints it where a part is run alone; undefined where it cannot be had on this machine. */
export function deliver(result) {
  if (process.send === undefined) {
    print(JSON.stringify(result, undefined, 2))
    return
  }
  process.send({ result }, () => process.disconnect())
}

/** Runs a part and resolves to its result. */
export function runPart(file) {
  const child = fork(new URL(`../${file}`, import.meta.url), { execArgv: ['--expose-gc'], serialization: 'advanced' })
  return new Promise((resolve, reject) => {
    let message
    child.once('message', (received) => {
      message = received
    })
    child.once('error', reject)
    child.once('exit', (code) => {
      if (code === 0 && message !== undefined) resolve(message.result)
      else reject(new Error(`${file} ended with code ${code}`))
    })
  })
}
