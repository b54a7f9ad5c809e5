/** The Redis that instances share: the one of `REDIS_URL`, else a `redis-server` from the path, for as long as the demo runs. @module */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as after } from 'node:timers/promises'
import { openPort } from './serve.mjs'

/** @returns {Promise<{ url: string, close(): unknown }>} */
export async function openRedis() {
  if (process.env['REDIS_URL']) return { url: process.env['REDIS_URL'], close() {} }
  const { url, close: free } = await openPort()
  free()
  const { port } = new URL(url)
  const folder = await mkdtemp(join(tmpdir(), 'dpop-guard-demo-'))
  const settings = ['--port', port, '--bind', '127.0.0.1', '--dir', folder, '--save', '']
  const server = spawn('redis-server', settings, { stdio: 'ignore' })
  const stop = () => void server.kill()
  process.once('exit', stop)
  const gone = once(server, 'exit').then(() => Promise.reject(new Error('redis-server did not start')))
  const missing = new Error('there is neither a REDIS_URL nor a redis-server on the path')
  await Promise.race([listens(Number(port)), gone]).catch((error) => Promise.reject(error.code === 'ENOENT' ? missing : error))
  return {
    url: `redis://127.0.0.1:${port}`,
    async close() {
      process.off('exit', stop)
      stop()
      await gone.catch(() => {})
      await rm(folder, { recursive: true, force: true })
    }
  }
}

async function listens(port) {
  for (let attempt = 0; attempt < 200; attempt++) {
    const socket = connect(port, '127.0.0.1')
    const isThere = await once(socket, 'connect').then(
      () => true,
      () => false
    )
    socket.destroy()
    if (isThere) return
    await after(25)
  }
  throw new Error('redis-server does not listen')
}
