/**
 * One server, in a process of its own, for `http.mjs`. Its argument is JSON:
 * `framework` (a module of `servers/`), `guard` (`none`, `raw`, `dpop-guard`, `jose`, `peer`), `verifierOptions`, `issuer`,
 * `ecdsaForm` of the raw guard, and `workMicroseconds` that the application spends on each request.
 */

import { once } from 'node:events'
import { monitorEventLoopDelay } from 'node:perf_hooks'
import { createVerifier, memoryReplayStore } from 'dpop-guard'
import { api } from './lib/fixtures.mjs'
import { rawGuard } from './lib/raw-guard.mjs'
import { workFor } from './lib/work.mjs'
import { middleware } from './parties/express-oauth2-jwt-bearer.mjs'
import * as jose from './parties/jose-with-caches.mjs'

const DELAY_RESOLUTION_MS = 5

const settings = JSON.parse(process.argv[2])
const { framework, issuer, workMicroseconds = 0 } = settings
const { start } = await import(`./servers/${framework}.mjs`)
const server = await start(await guardOf(settings), () => workFor(workMicroseconds))
if (!server.listening) await once(server.listen(0, '127.0.0.1'), 'listening')

// Connections wait here while another server is measured.
Object.assign(server, { keepAliveTimeout: 0, headersTimeout: 0, requestTimeout: 0 })

const delay = monitorEventLoopDelay({ resolution: DELAY_RESOLUTION_MS })
delay.enable()
let cpu = process.cpuUsage()

process.on('message', (question) => {
  if (question === 'begin') {
    delay.reset()
    cpu = process.cpuUsage()
    process.send({})
    return
  }
  const { user, system } = process.cpuUsage(cpu)
  const beyond = (nanoseconds) => Math.max(0, nanoseconds / 1e6 - DELAY_RESOLUTION_MS)
  process.send({ cpu: user + system, delayP99: beyond(delay.percentile(99)), delayMax: beyond(delay.max) })
})
process.on('disconnect', () => process.exit())
process.send({ port: server.address().port })

/** Only the requested server is loaded. */
async function guardOf({ guard, verifierOptions, ecdsaForm }) {
  switch (guard) {
    case 'raw':
      return { raw: rawGuard(ecdsaForm) }
    case 'dpop-guard': {
      const { issuer: url, jwks } = issuer
      const options = { issuer: { issuer: url, jwks }, audience: api.audience, baseUrl: api.origin, ...verifierOptions }
      return { verifier: createVerifier(options) }
    }
    case 'jose': {
      const { verify } = await jose.create(issuer, { replay: memoryReplayStore() })
      return {
        verify: (request) => verify({ method: request.method, url: `${api.origin}${request.url}`, headers: request.headers })
      }
    }
    case 'peer':
      return { middleware: await middleware(issuer.issuer) }
    default:
      return {}
  }
}
