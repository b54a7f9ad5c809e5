/** The same API with two adapters. Proofs for `/nonce/notes` require a nonce. */

import { randomBytes } from 'node:crypto'
import { dpop as expressDpop } from 'dpop-guard/express'
import { dpop as fastifyDpop } from 'dpop-guard/fastify'
import express from 'express'
import createFastify from 'fastify'
import { openPort } from '../../examples/serve.mjs'

const paths = ['/notes', '/nonce/notes']
const adapters = { Express: createExpressApi, Fastify: createFastifyApi }

/** Starts both; `algorithms` are those of proofs. */
export function startApis(issuer, audience, algorithms) {
  return Promise.all(
    Object.entries(adapters).map(async ([name, createHandler]) => {
      const { url, setHandler, close } = await openPort()
      const required = ({ url: target }) => new URL(target, url).pathname.startsWith('/nonce/')
      const nonce = { secrets: [randomBytes(32)], required }
      setHandler(await createHandler({ issuer, audience, baseUrl: url, proof: { algorithms }, nonce }))
      return { name, url, close }
    })
  )
}

function createExpressApi(options) {
  const app = express()
  app.use(expressDpop(options))
  app.all(paths, (request, response) => void response.json({ jkt: request.dpop.jkt }))
  // Express logs every error; the rejections of this test are expected.
  app.use((error, _request, response, _next) => void response.status(error.status ?? 500).json({ code: error.code }))
  return app
}

async function createFastifyApi(options) {
  const app = createFastify()
  await app.register(fastifyDpop, options)
  for (const path of paths) app.all(path, (request) => ({ jkt: request.dpop.jkt }))
  await app.ready()
  return app.routing
}
