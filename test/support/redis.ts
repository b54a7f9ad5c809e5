/**
 * Real Redis servers for tests: `redis-server` from the path, on free loopback ports, with a folder of its own for each. On Debian
 * as root it is installed where it is missing. Where that cannot be, the suites are skipped with one line that says so; under
 * `CI=true` that is a failure. `REDIS_URL` names a server for the suites that need no more than that one works.
 */

import { type ChildProcess, spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectSocket, createServer, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { describe, it, onTestFinished } from 'vitest'

const canRun = (): boolean => spawnSync('redis-server', ['--version']).status === 0

/** Where a policy says no (101), Debian starts no service of a package that it installs. */
const POLICY = '/usr/sbin/policy-rc.d'

function install(): void {
  const isDebian = existsSync('/etc/debian_version') && process.getuid?.() === 0
  if (!isDebian) return
  const hasPolicy = existsSync(POLICY)
  if (!hasPolicy) writeFileSync(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
    const apt = ['-qq', '-o', 'DPkg::Lock::Timeout=120', '-o', 'APT::Update::Error-Mode=any']
    spawnSync('apt-get', [...apt, 'update'], { env, timeout: 120_000 })
    spawnSync('apt-get', [...apt, 'install', '-y', '--no-install-recommends', 'redis-server'], { env, timeout: 240_000 })
  } finally {
    if (!hasPolicy) rmSync(POLICY, { force: true })
  }
}

function findRedis(): boolean {
  if (!canRun()) install()
  return canRun()
}

const hasServer = findRedis()
const sharedUrl = process.env['REDIS_URL']

/** A suite on servers that it starts, stops and breaks. */
export const describeRedis: (title: string, suite: () => void) => void = suiteThatNeeds(hasServer)
/** A suite for which one working server will do: the one of `REDIS_URL`, else one of our own. */
export const describeSharedRedis: typeof describeRedis = suiteThatNeeds(hasServer || sharedUrl !== undefined)

function suiteThatNeeds(isThere: boolean): typeof describeRedis {
  return (title, suite) => {
    if (isThere) describe(title, suite)
    else if (process.env['CI'] === 'true') it(`${title} (needs redis-server, or a REDIS_URL)`, throwMissing)
    else {
      console.warn(`Skipped without redis-server: ${title}`)
      describe.skip(title, suite)
    }
  }
}

function throwMissing(): never {
  throw new Error('There is no redis-server on the path, and none could be installed')
}

/** A server that a test may break. */
export interface RedisServer {
  readonly port: number
  readonly url: string
  /** One command on a connection of its own; rejects with the text of an error reply. */
  command(...args: string[]): Promise<unknown>
  /** Ends it at once, as a crash does. */
  kill(): Promise<void>
  /** Starts it again, on the same port and in the same folder, with further arguments; resolves once it listens. */
  restart(...more: string[]): Promise<void>
}

/** The URL of a server that works. Its keys are others' too: use a prefix of your own. */
export async function sharedRedis(): Promise<string> {
  return sharedUrl ?? (await startRedis()).url
}

/** Starts a server; at the end of the test it is stopped and its folder removed. */
export async function startRedis(...args: string[]): Promise<RedisServer> {
  const folder = mkdtempSync(join(tmpdir(), 'dpop-guard-redis-'))
  const port = await freePort()
  let server = await spawnRedis(port, folder, args)
  onTestFinished(async () => {
    await end(server)
    rmSync(folder, { recursive: true, force: true })
  })
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    command: (...words) => sendCommand(port, words),
    kill: () => end(server),
    async restart(...more) {
      await end(server)
      server = await spawnRedis(port, folder, [...args, ...more])
    }
  }
}

async function spawnRedis(port: number, folder: string, args: readonly string[]): Promise<ChildProcess> {
  const settings = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder, '--save', '', ...args]
  const server = spawn('redis-server', settings, { stdio: 'ignore' })
  const stop = () => void server.kill('SIGKILL')
  process.once('exit', stop)
  server.once('exit', () => process.off('exit', stop))
  for (let attempt = 0; attempt < 200 && server.exitCode === null; attempt++) {
    const isUp = await sendCommand(port, ['PING']).then(
      () => true,
      (error: Error) => error.message.startsWith('LOADING')
    )
    if (isUp) return server
    await after(25)
  }
  await end(server)
  throw new Error('redis-server did not start')
}

async function end(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill('SIGKILL')
  await once(server, 'exit')
}

/** A port that was free a moment ago. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as { port: number }
  server.close()
  await once(server, 'close')
  return port
}

/** Sends one command as RESP2 and reads one simple reply: a status, an error, an integer, a text or nil. */
async function sendCommand(port: number, words: readonly string[]): Promise<unknown> {
  const socket = connectSocket(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.setTimeout(10_000, () => socket.destroy(new Error('Redis does not answer')))
    socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
    return await readReply(socket)
  } finally {
    socket.destroy()
  }
}

async function readReply(socket: Socket): Promise<unknown> {
  let text = ''
  for await (const chunk of socket.setEncoding('utf8')) {
    text += chunk
    const [head = '', ...rest] = text.split('\r\n')
    if (rest.length === 0) continue
    const [kind, value] = [head[0], head.slice(1)]
    if (kind === '-') throw new Error(value)
    if (kind === '+') return value
    if (kind === ':') return Number(value)
    if (value === '-1') return null
    if (text.length >= head.length + 2 + Number(value) + 2) return text.slice(head.length + 2, head.length + 2 + Number(value))
  }
  throw new Error('Redis closed the connection')
}
