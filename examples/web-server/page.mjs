/** Serves the page of the demo to its own origin: the files of ../web, and the four resources below /demo. @module */

import { readFileSync } from 'node:fs'
import { readdir } from 'node:fs/promises'
import { extname } from 'node:path'
import { text } from 'node:stream/consumers'
import { policies } from './policies.mjs'

const MAX_BODY_LENGTH = 64 * 1024

const folder = new URL('../web/', import.meta.url)

const mediaTypes = {
  '.html': 'text/html; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.svg': 'image/svg+xml'
}

const files = new Map(
  (await readdir(folder)).map((name) => [
    name === 'index.html' ? '/' : `/${name}`,
    { type: mediaTypes[extname(name)], body: readFileSync(new URL(name, folder)) }
  ])
)

/** @returns {import('node:http').RequestListener} */
export function createPageHandler({ url, issuer, clientId, apis, nonces, interactions }) {
  const policy = contentSecurityPolicy([issuer, ...apis.map((api) => api.url)])

  const resources = {
    'GET /demo/config': () => ({
      issuer,
      clientId,
      redirectUri: `${url}/`,
      apis: apis.map(({ id, name, url }) => ({ id, name, url })),
      noncesRequired: nonces.required
    }),
    'GET /demo/interactions': ({ query }) => interactions.of(query.get('state') ?? ''),
    'PUT /demo/nonces': ({ body }) => {
      nonces.required = body.required === true
      return { required: nonces.required }
    },
    // For this demo only: what a verifier explains is for developers and is never sent to a client.
    'POST /demo/explain': async ({ body: { api, method, target, headers } }) => {
      const { verifier, url } = apis.find(({ id }) => id === api)
      return await verifier.explain({ method, target, headers: { ...headers, host: new URL(url).host } }, policies[method])
    }
  }

  return async (request, response) => {
    try {
      // Another name for this address is a page of another origin (DNS rebinding).
      if (`http://${request.headers.host}` !== url) return sendText(response, 421, `Open ${url}`)
      const { pathname, searchParams: query } = new URL(request.url ?? '/', url)
      const file = files.get(pathname)
      if (file && ['GET', 'HEAD'].includes(request.method)) return sendFile(response, file, policy)
      const resource = resources[`${request.method} ${pathname}`]
      if (resource === undefined) return sendText(response, 404, 'Not found')
      if (!isSameOrigin(request, url)) return sendText(response, 403, 'Only the page of the demo may use this')
      sendJson(response, await resource({ query, body: await readJson(request) }))
    } catch (error) {
      sendText(response, 400, error instanceof SyntaxError || error instanceof TypeError ? 'Bad request' : String(error))
    }
  }
}

/** A GET request of the same origin has no Origin; Fetch Metadata names the site of one of another origin. */
function isSameOrigin({ headers: { origin, 'sec-fetch-site': site } }, url) {
  return origin === undefined ? site === undefined || site === 'same-origin' : origin === url
}

async function readJson(request) {
  if (request.method === 'GET') return undefined
  if (!(Number(request.headers['content-length']) <= MAX_BODY_LENGTH)) throw new TypeError('The body is too long')
  return JSON.parse(await text(request))
}

function contentSecurityPolicy(connections) {
  return [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    `connect-src 'self' ${connections.join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'"
  ].join('; ')
}

function sendFile(response, { type, body }, policy) {
  response.writeHead(200, { ...commonHeaders, 'Content-Type': type, 'Content-Security-Policy': policy }).end(body)
}

function sendJson(response, value) {
  response.writeHead(200, { ...commonHeaders, 'Content-Type': 'application/json' }).end(JSON.stringify(value))
}

function sendText(response, status, message) {
  response.writeHead(status, { ...commonHeaders, 'Content-Type': 'text/plain; charset=utf-8' }).end(message)
}

const commonHeaders = {
  'Cache-Control': 'no-store',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Referrer-Policy': 'no-referrer',
  'X-Content-Type-Options': 'nosniff'
}
