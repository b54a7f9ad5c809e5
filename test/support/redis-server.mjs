/** Redis servers that tests stop, kill and restart: `redis-server` from the path, on free loopback ports. Types are in redis-server.d.mts. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { hasProgram } from './debian-packages.mjs'

/** Whether there is a `redis-server`; on Debian as root it is installed where it is missing. */
export function hasRedisServer() {
  return hasProgram('redis-server')
}

/** Starts a server with a folder of its own, which `stop` removes. */
export async function startRedisServer(...args) {
  const folder = mkdtempSync(join(tmpdir(), 'dpop-guard-redis-'))
  const { port, server: first } = await launchOnFreePort(folder, args)
  let server = first
  return {
    port,
    url: `redis://127.0.0.1:${port}`,
    command: (...words) => sendCommand(port, words),
    freeze: () => void server.kill('SIGSTOP'),
    thaw: () => void server.kill('SIGCONT'),
    kill: () => end(server),
    async restart(...more) {
      await end(server)
      server = await launch(port, folder, [...args, ...more])
    },
    async stop() {
      await end(server)
      rmSync(folder, { recursive: true, force: true })
    }
  }
}

/** Starts a Sentinel that watches a server under the name `notes`, and promotes its replica half a second after it failed. */
export async function startSentinel(masterPort) {
  const sentinel = await startRedisServer('--sentinel')
  await sentinel.command('SENTINEL', 'MONITOR', 'notes', '127.0.0.1', String(masterPort), '1')
  await sentinel.command('SENTINEL', 'SET', 'notes', 'down-after-milliseconds', '500', 'failover-timeout', '2000')
  return sentinel
}

/** Another process may take the port before the server listens: tries again with another one. */
async function launchOnFreePort(folder, args, attempts = 3) {
  const port = await freePort()
  try {
    return { port, server: await launch(port, folder, args) }
  } catch (error) {
    if (attempts === 1) throw error
    return await launchOnFreePort(folder, args, attempts - 1)
  }
}

async function launch(port, folder, args) {
  const place = ['--port', String(port), '--bind', '127.0.0.1', '--dir', folder]
  const settings = args.includes('--sentinel') ? [sentinelFile(folder), ...place, ...args] : [...place, '--save', '', ...args]
  const server = spawn('redis-server', settings, { stdio: 'ignore' })
  const stop = () => void server.kill('SIGKILL')
  process.once('exit', stop)
  server.once('exit', () => process.off('exit', stop))
  for (let attempt = 0; attempt < 400 && server.exitCode === null; attempt++) {
    const isUp = await sendCommand(port, ['PING']).then(
      () => true,
      (error) => error.message.startsWith('LOADING')
    )
    if (isUp) return server
    await after(25)
  }
  await end(server)
  throw new Error('redis-server did not start')
}

/** A Sentinel keeps its state in a file. */
function sentinelFile(folder) {
  const file = join(folder, 'sentinel.conf')
  writeFileSync(file, '', { flag: 'a' })
  return file
}

async function end(server) {
  if (server.exitCode !== null || server.signalCode !== null) return
  server.kill('SIGKILL')
  await once(server, 'exit')
}

/** A port that was free a moment ago. */
export async function freePort() {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address()
  server.close()
  await once(server, 'close')
  return port
}

/** Sends one command as RESP2 and reads one simple reply: a status, an error, an integer, a string or nil. */
async function sendCommand(port, words) {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    socket.setTimeout(10_000, () => socket.destroy(new Error('Redis does not reply')))
    socket.write(`*${words.length}\r\n${words.map((word) => `$${Buffer.byteLength(word)}\r\n${word}\r\n`).join('')}`)
    return await readReply(socket)
  } finally {
    socket.destroy()
  }
}

async function readReply(socket) {
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
    const [begin, length] = [head.length + 2, Number(value)]
    if (text.length >= begin + length + 2) return text.slice(begin, begin + length)
  }
  throw new Error('Redis closed the connection')
}
