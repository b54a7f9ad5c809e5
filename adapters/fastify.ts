/** Fastify 5: a plugin that verifies every request, or the routes that ask for it. @module */

import type { FastifyContextConfig, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { check, checkKeys } from '../src/config/option-validation.js'
import { routeScopes } from '../src/policy/scopes.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { type AnswerHeaders, protect, protectScopes, type VerifierSettings, verifierOf } from './shared.js'

export type { AnyVerifier, VerifierSettings } from './shared.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** What was verified. Null before that, on routes with `dpop: false`, and for an anonymous request under `optional`. */
    dpop: VerifiedRequest
  }
  interface FastifyInstance {
    /**
     * Verifies a request on a route of your choice, as a hook or in `@fastify/auth`; for `global: false`. Of two registrations
     * within each other, it is the outer one's.
     */
    verifyDPoP(request: FastifyRequest, reply: FastifyReply): Promise<void>
  }
  interface FastifyContextConfig {
    /**
     * `false` leaves a route unprotected. `true`, or an object with the `scopes` that the access token must have, protects it also
     * under `global: false`. Validated when the route is registered, or at its first request if it was registered before the plugin.
     */
    dpop?: boolean | { readonly scopes: readonly string[] }
  }
}

/** Where in the life of a request it is verified. */
export type DPoPHook = 'onRequest' | 'preParsing' | 'preValidation' | 'preHandler'

/** Options of the plugin: those of a verifier, or a ready one as `verifier`; without either, those of `optionsFromEnv()`. */
export type DPoPPluginOptions = VerifierSettings & {
  /** The hook that verifies. Before the default none of the body is read. @defaultValue 'onRequest' */
  readonly hook?: DPoPHook
  /**
   * Verify every request of this scope, including those for unknown URLs. `false`: only requests for routes with `config.dpop`, and
   * where `verifyDPoP` is called. @defaultValue true
   */
  readonly global?: boolean
}

const hooks: readonly DPoPHook[] = ['onRequest', 'preParsing', 'preValidation', 'preHandler']

const plugin: FastifyPluginAsync<DPoPPluginOptions> = async (app, options) => {
  const verifier = verifierOf(options, ['hook', 'global'])
  const hook = check.oneOf('hook', options.hook, hooks) ?? 'onRequest'
  const isGlobal = options.global === undefined || check.flag('global', options.global)

  async function verifyDPoP(request: FastifyRequest, reply: FastifyReply): Promise<void> {
    const scopes = scopesOf(request.routeOptions.config)
    const auth = await protect(verifier, request.raw, headersOf(reply), { target: request.originalUrl, scopes })
    Object.assign(request, { dpop: auth ?? null })
  }

  if (!app.hasRequestDecorator('dpop')) app.decorateRequest('dpop', null as unknown as VerifiedRequest)
  if (!app.hasDecorator('verifyDPoP')) app.decorate('verifyDPoP', verifyDPoP)
  app.addHook('onRoute', ({ config = {} }) => void scopesOf(config))
  // A hook of the scope instead of each route also covers routes that were registered before the plugin.
  app.addHook(hook as 'onRequest', async (request, reply) => {
    const { dpop = isGlobal } = request.routeOptions.config
    if (dpop !== false) await verifyDPoP(request, reply)
  })
}

/**
 * Plugin that verifies token, proof and binding of every request (RFC 9449 §4.3 and §7) of the scope where it is registered, and
 * puts the result on `request.dpop`. Routes say more in `config.dpop`. Not checked: query, body and other header fields (§11.7).
 *
 * A refusal has its header fields set on the reply, and is thrown: a `DPoPError`, or a `DPoPUnavailableError` where keys, replay
 * store or a hook of yours is out of order. Run twice for one request, it verifies once. Registering fails with a `TypeError`
 * where an option is missing, unknown or wrong.
 */
export const dpop: FastifyPluginAsync<DPoPPluginOptions> = fp(plugin, { fastify: '5.x', name: 'dpop-guard' })

export default dpop

/**
 * A hook, after the plugin's, that wants all of `scopes` in the access token: else it throws 403 `insufficient_scope` in the
 * scheme that was used, and for an anonymous request 401 (RFC 6750 §3.1). `config.dpop.scopes` does the same before the proof is
 * used up. Where nothing verified the request before, it throws a `TypeError`.
 *
 * @throws TypeError where a scope is not one (RFC 6749 §3.3), or there is none
 */
export function requireScopes(...scopes: string[]): (request: FastifyRequest, reply: FastifyReply) => Promise<void> {
  const needed = routeScopes(scopes)
  return async function requireScopes(request, reply) {
    protectScopes(request.raw, headersOf(reply), needed)
  }
}

const knownRouteOptions = { scopes: true } as const

/** The scopes that the configuration of a route requires; a `TypeError` where the configuration is invalid. */
function scopesOf({ dpop }: FastifyContextConfig): readonly string[] | undefined {
  if (dpop === undefined || typeof dpop === 'boolean') return undefined
  return routeScopes(checkKeys('config.dpop.', dpop, knownRouteOptions).scopes)
}

function headersOf(reply: FastifyReply): AnswerHeaders {
  return { get: (name) => reply.getHeader(name), set: (name, value) => void reply.header(name, value) }
}
