/** The policy of a handler as metadata, with one key for each member so that decorators combine, and the verified request. @module */

import { type ExecutionContext, SetMetadata } from '@nestjs/common'
import type { Reflector } from '@nestjs/core'
import { isRestrictive, type Policy } from '../../src/policy/policy.js'
import type { NodeRequest } from '../../src/request/request.js'
import type { VerifiedRequest } from '../../src/verified-request.js'

/** The request of Express, or of Fastify with the Node request in `raw`. */
export interface PlatformRequest extends NodeRequest {
  /** The Node request, if the platform wraps it. */
  readonly raw?: NodeRequest
  /** The route of Express. */
  readonly route?: { readonly path?: unknown }
  /** The route of Fastify. */
  readonly routeOptions?: { readonly url?: unknown }
}

/** A handler or a controller. */
type Target = Parameters<Reflector['get']>[1]

const publicKey = 'dpop-guard:public'

const policyKeys = {
  scopes: 'dpop-guard:scopes',
  anyScope: 'dpop-guard:any-scope',
  authentication: 'dpop-guard:authentication',
  authorize: 'dpop-guard:authorize'
} as const satisfies Record<keyof Policy, string>

/** Marks a handler or a controller as public. */
export function setPublic(): ClassDecorator & MethodDecorator {
  return SetMetadata(publicKey, true)
}

/** Sets a member of the policy of a handler or a controller. */
export function setPolicy<Member extends keyof Policy>(
  member: Member,
  value: Policy<PlatformRequest>[Member]
): ClassDecorator & MethodDecorator {
  return SetMetadata(policyKeys[member], value)
}

/** The policy of a handler, or `'public'`. What is nearer to the handler overrides; a policy overrides `@Public` beside it. */
export function findPolicy(reflector: Reflector, handler: Target, controller: Target): Policy<PlatformRequest> | 'public' {
  const own = policyAt(reflector, handler)
  if (isRestrictive(own as Policy)) return { ...(isPublic(reflector, controller) ? {} : policyAt(reflector, controller)), ...own }
  if (isPublic(reflector, handler)) return 'public'
  const inherited = policyAt(reflector, controller)
  return isPublic(reflector, controller) && !isRestrictive(inherited as Policy) ? 'public' : inherited
}

function isPublic(reflector: Reflector, target: Target): boolean {
  return reflector.get<true | undefined>(publicKey, target) === true
}

function policyAt(reflector: Reflector, target: Target): Policy<PlatformRequest> {
  const members = Object.entries(policyKeys).map(([member, key]) => [member, reflector.get<unknown>(key, target)] as const)
  return Object.fromEntries(members.filter(([, value]) => value !== undefined))
}

/** The verified request of an HTTP handler, or of a GraphQL resolver whose context has the request as `req`. */
export function authOf(context: ExecutionContext): VerifiedRequest | undefined {
  if (context.getType<string>() === 'graphql') return context.getArgByIndex(2)?.req?.dpop
  return context.switchToHttp().getRequest().dpop
}
