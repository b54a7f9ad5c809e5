/** The demo with one broken API: `node broken-demo.mjs <name>`. @module */

import { text } from 'node:stream/consumers'
import { createVerifier } from 'dpop-guard'
import { createNotesApi } from '../../examples/apis/express.mjs'
import { runDemo } from '../../examples/run-demo.mjs'

const withOptions = (more) => (options) => createNotesApi({ ...options, ...more })

const brokenApis = {
  unguarded: () => ({ handler: acceptAll, close() {} }),
  'does not store proofs': withOptions({ replay: false }),
  'accepts old proofs': withOptions({ proof: { maxAgeSeconds: 3600, dangerouslyAllowWideWindow: true } }),
  'rejects for another reason': withOptions({ allowBearer: true }),
  'acts before it rejects': (options) => ({ handler: actFirst(createVerifier(options)), close() {} }),
  'blocks the client after nine rejections': (options) => lockOut(createNotesApi(options)),
  'never starts': () => new Promise(() => {})
}

function acceptAll(request, response) {
  const status = request.method === 'POST' ? 201 : 200
  response.writeHead(status, { 'Content-Type': 'application/json' }).end(JSON.stringify({ owner: 'alice', notes: [] }))
}

function actFirst(verifier) {
  const notes = []
  return async (request, response) => {
    if (request.url === '/health') return response.end()
    try {
      if (request.method === 'POST') notes.push(JSON.parse(await text(request)).text)
      await verifier.verifyRequest(request)
      response.end(JSON.stringify({ owner: 'alice', notes }))
    } catch (error) {
      response.writeHead(error.status, error.headers).end(JSON.stringify({ code: error.code }))
    }
  }
}

function lockOut({ handler, close }) {
  let refusals = 0
  return {
    close,
    handler(request, response) {
      if (refusals === 9) return response.writeHead(401).end()
      response.on('finish', () => {
        if (response.statusCode === 401) refusals += 1
      })
      handler(request, response)
    }
  }
}

const name = process.argv[2]
const broken = { name, load: async () => ({ createNotesApi: brokenApis[name] }) }
process.exitCode = (await runDemo({ apis: [broken], timeoutSeconds: name === 'never starts' ? 1 : 20 })) ? 0 : 1
