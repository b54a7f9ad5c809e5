/** Serves a page with a script of its own, on a free loopback port. */

import { createServer } from 'node:http'
import { type BuildOptions, build } from 'esbuild'
import { closeServer, listen } from '../adapters/contract.js'

/** A running page. */
export interface ServedPage {
  readonly origin: string
  close(): Promise<unknown>
}

/** The page at `/`, and at `/sandboxed` the same page in a frame whose origin is opaque: its requests have `Origin: null`. */
export async function servePage(script: BuildOptions): Promise<ServedPage> {
  const options = { ...script, bundle: true, format: 'iife', platform: 'browser', write: false, logLevel: 'error' } as const
  const { outputFiles } = await build(options)
  const documents = new Map([
    ['/', ['text/html', '<!doctype html><title>Page</title><script src="/script.js"></script>']],
    ['/sandboxed', ['text/html', '<!doctype html><title>Frame</title><iframe sandbox="allow-scripts" src="/"></iframe>']],
    ['/script.js', ['text/javascript', outputFiles[0]?.text ?? '']]
  ])
  const server = createServer((request, response) => {
    const [type = 'text/plain', body = ''] = documents.get(request.url ?? '') ?? []
    response.writeHead(documents.has(request.url ?? '') ? 200 : 404, { 'Content-Type': `${type}; charset=utf-8` }).end(body)
  })
  const port = await listen(server)
  return { origin: `http://127.0.0.1:${port}`, close: () => closeServer(server) }
}

/** The path of a script in `page/`. */
export const scriptOf = (name: string): string => new URL(`./page/${name}.ts`, import.meta.url).pathname
