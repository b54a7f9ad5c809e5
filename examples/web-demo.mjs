/** `npm run demo:web`: serves the page of the demo, and all that it talks to, on loopback until Ctrl-C. @module */

import { parseArgs } from 'node:util'
import { startWebDemo } from './web-server/start.mjs'

const help = `Usage: npm run demo:web -- [options]

Opens a page on loopback that signs in at a real authorization server, calls the notes API in the framework of
your choice with a DPoP-bound access token, and attacks it. Ctrl-C ends it.

  --port N   the port of the page (default: a free one)
  --help     print this help`

const { values } = parseArgs({ options: { port: { type: 'string', default: '0' }, help: { type: 'boolean' } } })
if (values.help) {
  console.log(help)
  process.exit()
}

const demo = await startWebDemo({ port: toPort(values.port) }).catch((error) => {
  if (error.code !== 'EADDRINUSE') throw error
  console.error(`Port ${values.port} is in use. Choose another with --port.`)
  process.exit(1)
})
for (const signal of ['SIGINT', 'SIGTERM']) {
  process.once(signal, async () => {
    await demo.close()
    process.exit()
  })
}
console.log(`Open ${demo.url} in a browser. Ctrl-C ends the demo.`)

function toPort(text) {
  const port = Number(text)
  if (/^\d{1,5}$/.test(text) && port <= 65_535) return port
  console.error('"--port" must be from 0 to 65535')
  process.exit(1)
}
