/** Fastify: the routes of protected resource metadata, which the plugin and the NestJS module register (RFC 9728 §3). @module */

import type { FastifyInstance } from 'fastify'
import type { MetadataResponse } from '../src/response/resource-metadata.js'
import { hasMetadata, metadataResponseOf } from './shared/metadata.js'
import type { AnyVerifier } from './shared/verifier-source.js'

const url = '/.well-known/oauth-protected-resource'
const methods = ['GET', 'HEAD', 'OPTIONS', 'POST', 'PUT', 'PATCH', 'DELETE'] as const

/** The verifiers whose metadata an application serves. */
const verifiersOf = new WeakMap<FastifyInstance, AnyVerifier[]>()

/** Serves the metadata of a verifier at the root of the application, whatever the prefix of `app`, and without a guard. */
export function serveMetadata(app: FastifyInstance, verifier: AnyVerifier): void {
  if (!hasMetadata(verifier)) return
  const root = rootOf(app)
  const served = verifiersOf.get(root)
  if (served !== undefined) {
    served.push(verifier)
    return
  }
  const verifiers = [verifier]
  verifiersOf.set(root, verifiers)
  for (const path of [url, `${url}/*`]) {
    root.route({
      method: [...methods],
      url: path,
      exposeHeadRoute: false,
      config: { dpop: false },
      async handler(request, reply) {
        const response = metadataResponseOf(verifiers, request.raw, { target: request.originalUrl })
        const { status, headers, body } = response as MetadataResponse
        return reply.code(status).headers(headers).send(body)
      }
    })
  }
}

/** The instance that is not encapsulated. Others inherit from their parent. */
function rootOf(app: FastifyInstance): FastifyInstance {
  let root = app
  for (let parent = Object.getPrototypeOf(root); parent !== null && 'register' in parent; parent = Object.getPrototypeOf(parent))
    root = parent as FastifyInstance
  return root
}
