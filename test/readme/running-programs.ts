/** Starts compiled programs of documents as processes, beside an issuer that they discover. */

import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { promisify } from 'node:util'
import { createTestIssuer, type TestIssuer } from 'dpop-guard/testing'
import { freePort } from '../support/redis-server.mjs'

/** The environment of a process, in addition to that of the tests. */
type Environment = Readonly<Record<string, string>>

/** A started program. */
export interface StartedProgram {
  readonly origin: string
  readonly port: number
}

/** The programs of a test file. One of them runs at a time. */
export class RunningPrograms {
  readonly fileOf: (name: string) => string
  readonly issuer: TestIssuer
  #child: ChildProcess | undefined

  constructor(fileOf: (name: string) => string, issuer: TestIssuer) {
    this.fileOf = fileOf
    this.issuer = issuer
  }

  /** Starts a program that listens on `PORT`, and waits until it responds. */
  async start(name: string, environment: Environment = {}): Promise<StartedProgram> {
    const port = await freePort()
    const origin = `http://127.0.0.1:${port}`
    const env = { ...process.env, ...this.#environmentOf(origin, port), ...environment }
    const started = spawn(process.execPath, [this.fileOf(name)], { env, stdio: ['ignore', 'ignore', 'pipe'] })
    this.#child = started
    let complaint = ''
    started.stderr.on('data', (chunk) => {
      complaint += chunk
    })
    for (let attempt = 0; attempt < 200; attempt++) {
      if (started.exitCode !== null) {
        this.#child = undefined
        throw new Error(`The program ended: ${complaint}`)
      }
      const response = await fetch(`${origin}/health`).catch(() => undefined)
      if (response !== undefined) return { origin, port }
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
    throw new Error(`The program does not respond: ${complaint}`)
  }

  /** Runs a program to its end and returns what it prints. */
  async run(name: string, args: readonly string[] = [], environment: Environment = {}): Promise<string> {
    const env = { ...process.env, ...environment }
    return (await promisify(execFile)(process.execPath, [this.fileOf(name), ...args], { env })).stdout
  }

  /** Ends the program that {@link start} started. */
  async stop(): Promise<void> {
    if (this.#child === undefined) return
    const ended = once(this.#child, 'exit')
    this.#child.kill()
    await ended
    this.#child = undefined
  }

  #environmentOf(origin: string, port: number): Environment {
    return {
      PORT: String(port),
      ISSUER: this.issuer.issuer,
      BASE_URL: origin,
      DPOP_ISSUER: this.issuer.issuer,
      DPOP_AUDIENCE: 'https://api.example',
      DPOP_BASE_URL: origin,
      TICKET_SECRET: 'a secret of thirty-two characters or more'
    }
  }
}

/** An issuer behind real metadata and a real key set, as `dpop()` without options expects it. Its tokens are for `https://api.example`. */
export async function listeningIssuer(): Promise<TestIssuer> {
  return await (await createTestIssuer({ audience: 'https://api.example' })).listen()
}
