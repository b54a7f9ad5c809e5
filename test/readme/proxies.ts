/** Starts a reverse proxy with the configuration of docs/proxy.md, on loopback and without TLS. */

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, onTestFinished, test } from 'vitest'
import { hasProgram } from '../support/debian-packages.mjs'
import { freePort } from '../support/redis-server.mjs'

/** The proxies whose configuration the page has. */
export type Proxy = 'nginx' | 'caddy'

/** A suite that requires a proxy. It is skipped if there is none and none can be installed; under `CI=true` that is a failure. */
export function describeProxy(program: Proxy, suite: () => void): void {
  if (hasProgram(program, program, program === 'nginx' ? '-v' : 'version')) describe(program, suite)
  else if (process.env['CI'] === 'true')
    test(program, () => Promise.reject(new Error(`There is no ${program}, and it could not be installed`)))
  else describe.skip(`${program} is missing`, suite)
}

/** Starts a proxy before the API at `port` and returns its origin. It is stopped at the end of the test. */
export async function startProxy(program: Proxy, language: string, port: number): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'dpop-guard-proxy-'))
  const listening = await freePort()
  const configuration = (await configurationOf(language)).replace('127.0.0.1:3000', `127.0.0.1:${port}`)
  const file = join(folder, 'configuration')
  await writeFile(file, program === 'nginx' ? toNginx(configuration, listening, folder) : toCaddy(configuration, listening))
  const args =
    program === 'nginx' ? ['-p', folder, '-c', file, '-e', 'error.log'] : ['run', '--adapter', 'caddyfile', '--config', file]
  const child = spawn(program, args, {
    stdio: 'ignore',
    env: { ...process.env, HOME: folder, XDG_DATA_HOME: folder, XDG_CONFIG_HOME: folder }
  })
  onTestFinished(async () => {
    await end(child)
    await rm(folder, { recursive: true, force: true })
  })
  await respond(child, `http://127.0.0.1:${listening}`)
  return `http://127.0.0.1:${listening}`
}

/** The code block of the page in a language. */
async function configurationOf(language: string): Promise<string> {
  const page = await readFile('docs/proxy.md', 'utf8')
  const block = page.match(new RegExp(`^\`\`\`${language}\\n(.*?)^\`\`\`$`, 'ms'))?.[1]
  if (block === undefined) throw new Error(`docs/proxy.md has no ${language}`)
  return block
}

function toNginx(server: string, port: number, folder: string): string {
  const plain = server.replace('listen 443 ssl;', `listen 127.0.0.1:${port};`).replace(/^ *ssl_.*$/gm, '')
  const temporary = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map((name) => `${name}_temp_path ${folder};`).join(' ')
  return `daemon off; pid ${folder}/pid; events {} http { access_log off; ${temporary} ${plain} }`
}

function toCaddy(site: string, port: number): string {
  return `{\n  admin off\n}\n${site.replace('api.example {', `http://:${port} {\n  bind 127.0.0.1`)}`
}

async function respond(child: ChildProcess, origin: string): Promise<void> {
  for (let attempt = 0; attempt < 200 && child.exitCode === null; attempt++) {
    if ((await fetch(origin).catch(() => undefined)) !== undefined) return
    await new Promise((resolve) => setTimeout(resolve, 50))
  }
  throw new Error('The proxy does not respond')
}

async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const ended = once(child, 'exit')
  child.kill()
  await ended
}
