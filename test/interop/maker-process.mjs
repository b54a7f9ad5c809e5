/**
 * A maker is a program that writes its algorithms as one line of JSON, and then one proof for each line of its standard input. Such a
 * line has `method`, `url`, `alg`, `key` (a private JWK), `pem` (the same key as PKCS #8), and may have `token` and `nonce`.
 */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { text } from 'node:stream/consumers'

const TIMEOUT_MS = 120_000

/** Starts a maker; resolves when it has written its algorithms. */
export async function startMaker([file, ...args]) {
  const child = spawn(file, args, { timeout: TIMEOUT_MS })
  await once(child, 'spawn')
  const errors = text(child.stderr)
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
  // What the program did not read when it ended; its standard error has the cause.
  child.stdin.on('error', () => {})

  async function nextLine() {
    const { value, done } = await lines.next()
    if (done) throw new Error(`the program ended: ${(await errors).slice(-2000)}`)
    return value
  }

  return {
    algorithms: JSON.parse(await nextLine()),
    makeProof(request) {
      child.stdin.write(`${JSON.stringify(request)}\n`)
      return nextLine()
    },
    async stop() {
      if (child.exitCode !== null || child.signalCode !== null) return
      const ended = once(child, 'exit')
      child.stdin.end()
      await ended
    }
  }
}
