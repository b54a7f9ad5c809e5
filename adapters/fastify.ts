/** Fastify 5: a plugin that verifies all requests of a scope, or only those of configured routes. @module dpop-guard/fastify */

import type { FastifyContextConfig, FastifyPluginAsync, FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'
import { check, misconfigured } from '../src/config/option-validation.js'
import { type Policy, validateDecision, validatePolicy, withRequest } from '../src/policy/policy.js'
import { validateScopes } from '../src/policy/scopes.js'
import { type AuthenticationRequirement, validateAuthentication } from '../src/policy/step-up.js'
import type { VerifiedRequest } from '../src/verified-request.js'
import { comparePublishedScopes } from '../src/verifier.js'
import { serveMetadata } from './fastify-metadata.js'
import { named } from './shared/middleware-name.js'
import { logOutage } from './shared/outage-log.js'
import { protect, protectPolicy } from './shared/protect.js'
import type { ResponseHeaderAccess } from './shared/response-headers.js'
import { type HasVerifier, type VerifierSettings, verifierOf } from './shared/verifier-source.js'

export type { AnyVerifier, HasVerifier, VerifierSettings } from './shared/verifier-source.js'

declare module 'fastify' {
  interface FastifyRequest {
    /** The verified request. Null before verification, on unprotected routes, and for requests without credentials with `optional`. */
    dpop: VerifiedRequest | null
  }
  interface FastifyInstance {
    /**
     * Verifies a request, as a hook of a route or in `@fastify/auth`; for `global: false`. With nested registrations, it is that of
     * the outer one. Its `verifier` is for `verifier.ready()` and the like.
     */
    verifyDPoP: ((request: FastifyRequest, reply: FastifyReply) => Promise<void>) & HasVerifier
  }
  interface FastifyContextConfig {
    /**
     * `false` leaves a route unprotected. `true`, or an object with the policy of the route, protects it also under
     * `global: false`. The policy is checked before the proof is consumed. Validated when the route is registered, or at its first
     * request if it was registered before the plugin.
     */
    dpop?: boolean | Policy<FastifyRequest>
  }
}

/** The hook that verifies requests. */
export type DPoPHook = 'onRequest' | 'preParsing' | 'preValidation' | 'preHandler'

/** Options of the plugin: those of a verifier, or an existing one as `verifier`; with neither, those of `optionsFromEnv()`. */
export type DPoPPluginOptions = VerifierSettings & {
  /** The hook that verifies requests. With the default, the body is not read before. @defaultValue 'onRequest' */
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
    const policy = withRequest(policyOf(request.routeOptions.config), request)
    const options = { ...policy, target: request.originalUrl, route: request.routeOptions.url }
    const auth = await protect(verifier, request.raw, headersOf(reply), options).catch((error: unknown) => {
      // Fastify logs the error without the codes of its causes.
      logOutage(error, isLogging(request.log) ? (line) => request.log.error(line) : logToConsole)
      throw error
    })
    Object.assign(request, { dpop: auth ?? null })
  }

  if (!app.hasRequestDecorator('dpop')) app.decorateRequest('dpop', null)
  if (!app.hasDecorator('verifyDPoP')) app.decorate('verifyDPoP', Object.assign(verifyDPoP, { verifier }))
  serveMetadata(app, verifier)
  app.addHook('onRoute', ({ config = {} }) => comparePublishedScopes(verifier, policyOf(config)))
  // A hook of the scope instead of each route also covers routes that were registered before the plugin.
  app.addHook(hook as 'onRequest', async (request, reply) => {
    const { dpop = isGlobal } = request.routeOptions.config
    if (dpop !== false) await verifyDPoP(request, reply)
  })
}

/**
 * Plugin that verifies token, proof and binding of every request (RFC 9449 §4.3 and §7) of the scope in which it is registered,
 * and sets `request.dpop`. Routes are configured with `config.dpop`. Not checked: query, body and other header fields (§11.7).
 *
 * If the request is rejected, the header fields of the reply are set and the error is thrown: a `DPoPError`, or a
 * `DPoPUnavailableError` if keys, introspection, the replay store or a hook is unavailable. A request is verified once, even with
 * nested registrations. The protected resource metadata of the option `metadata` is served at the root of the application (RFC 9728 §3).
 * Registration fails with a `TypeError` if an option is missing, unknown or invalid.
 */
export const dpop: FastifyPluginAsync<DPoPPluginOptions> = fp(plugin, { fastify: '5.x', name: 'dpop-guard' })

export default dpop

/** A hook that checks the policy of a route. */
export type PolicyHook = (request: FastifyRequest, reply: FastifyReply) => Promise<void>

/**
 * Hook that requires all of `scopes` in the access token. Otherwise it throws 403 `insufficient_scope` in the scheme of the
 * request, or 401 for a request without credentials (RFC 6750 §3.1). Must run after the hook of the plugin; otherwise a
 * `TypeError` is thrown. `config.dpop.scopes` does the same before the proof is consumed, as do those of the same name for the
 * functions below.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function requireScopes(...scopes: string[]): PolicyHook {
  return policyHook({ scopes: validateScopes(scopes) })
}

/**
 * Hook like {@link requireScopes} that requires at least one of `scopes`.
 *
 * @throws TypeError if a scope is invalid (RFC 6749 §3.3) or none is given
 */
export function requireAnyScope(...scopes: string[]): PolicyHook {
  return policyHook({ anyScope: validateScopes(scopes, 'anyScope') })
}

/**
 * Hook that requires how and when the user authenticated. Otherwise it throws 401 `insufficient_user_authentication`
 * (RFC 9470). Must run after the hook of the plugin.
 *
 * @throws TypeError if the requirement is empty or invalid
 */
export function requireAuthentication(requirement: AuthenticationRequirement): PolicyHook {
  return policyHook({ authentication: validateAuthentication(requirement) })
}

/**
 * Hook that throws 403 unless `predicate` returns true for the verified request (RFC 9110 §15.5.4), and 503 if `predicate`
 * throws. Must run after the hook of the plugin.
 *
 * @throws TypeError if `predicate` is not a function
 */
export function authorize(predicate: (auth: VerifiedRequest, request: FastifyRequest) => boolean | Promise<boolean>): PolicyHook {
  return policyHook({ authorize: validateDecision<FastifyRequest>(predicate) })
}

function policyHook(policy: Policy<FastifyRequest>): PolicyHook {
  return named<PolicyHook>(policy, async (request, reply) => {
    await protectPolicy(request.raw, headersOf(reply), { ...withRequest(policy, request), route: request.routeOptions.url })
  })
}

/** The policy in the configuration of a route; a `TypeError` if it is invalid. */
function policyOf({ dpop }: FastifyContextConfig): Policy<FastifyRequest> {
  if (dpop === undefined || typeof dpop === 'boolean') return noPolicy
  const policy = typeof dpop === 'object' && dpop !== null ? validatePolicy(dpop, 'config.dpop.') : noPolicy
  return Object.keys(policy).length > 0 ? policy : misconfigured('config.dpop', 'be true, false or a policy with a requirement')
}

const noPolicy: Policy<FastifyRequest> = Object.freeze({})

/** Without the option `logger`, every method of the log is the same empty function. An outage must be seen nevertheless. */
function isLogging({ error, trace }: FastifyRequest['log']): boolean {
  return error !== trace
}

function logToConsole(line: string): void {
  // biome-ignore lint/suspicious/noConsole: there is no other log
  console.error(line)
}

function headersOf(reply: FastifyReply): ResponseHeaderAccess {
  return { get: (name) => reply.getHeader(name), set: (name, value) => void reply.header(name, value) }
}
