/** Fastify: the routes of protected resource metadata, which the plugin and the NestJS module register (RFC 9728 §3). @module */

import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import type { MetadataResponse } from '../src/response/resource-metadata.js'
import { hasMetadata, metadataResponseOf } from './shared/metadata.js'
import type { AnyVerifier } from './shared/verifier-source.js'

const url = '/.well-known/oauth-protected-resource'

/** For a path that the router decoded: paths are compared as they are (RFC 9728 §6). */
const notFound: MetadataResponse = { status: 404, headers: {}, body: '' }

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
  const respond = async (request: FastifyRequest, reply: FastifyReply) => {
    const { status, headers, body } = metadataResponseOf(verifiers, request.raw, { target: request.originalUrl }) ?? notFound
    return reply.code(status).headers(headers).send(body)
  }
  // The hook responds before the body is parsed, which may fail.
  const options = { exposeHeadRoute: false, config: { dpop: false }, onRequest: respond }
  for (const path of [url, `${url}/*`]) root.all(path, options, respond)
}

/** The instance that is not encapsulated. Others inherit from their parent. */
function rootOf(app: FastifyInstance): FastifyInstance {
  let root = app
  for (let parent = Object.getPrototypeOf(root); parent !== null && 'register' in parent; parent = Object.getPrototypeOf(parent))
    root = parent as FastifyInstance
  return root
}
