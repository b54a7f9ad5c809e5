/** The policy of a handler as metadata, with one key for each member so that decorators combine, and the verified request. @module */

import { type ExecutionContext, SetMetadata } from '@nestjs/common'
import type { Reflector } from '@nestjs/core'
import type { Policy } from '../../src/policy/policy.js'
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
const protectedKey = 'dpop-guard:protected'

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

/** Marks a handler or a controller as protected, also if it has no policy. */
export function setProtected(): ClassDecorator & MethodDecorator {
  return SetMetadata(protectedKey, true)
}

/** Sets a member of the policy of a handler or a controller. */
export function setPolicy<Member extends keyof Policy>(
  member: Member,
  value: Policy<PlatformRequest>[Member]
): ClassDecorator & MethodDecorator {
  return SetMetadata(policyKeys[member], value)
}

/**
 * The policy of a handler, or `'public'`. The handler is decided first, then the controller, then the classes that it extends; a policy
 * or `@DPoPProtected` overrides `@Public` beside it. Members of the policies of handler and controller are combined.
 */
export function findPolicy(reflector: Reflector, handler: Target, controller: Target): Policy<PlatformRequest> | 'public' {
  const access = [handler, ...classChain(controller)].map(ownAccess).find((found) => found !== undefined)
  return access === 'public' ? 'public' : { ...policyAt(reflector, controller), ...policyAt(reflector, handler) }
}

/** A class and those that it extends, nearest first. Metadata of a class is inherited. */
export function classChain(controller: Target): readonly Target[] {
  const chain: Target[] = []
  for (
    let type: unknown = controller;
    typeof type === 'function' && type !== Function.prototype;
    type = Object.getPrototypeOf(type)
  )
    chain.push(type as Target)
  return chain
}

/** What the decorators of a handler or a class state, without those of the classes that it extends. */
export function ownAccess(target: Target): 'public' | 'protected' | undefined {
  const has = (key: string): boolean => Reflect.hasOwnMetadata(key, target)
  if (has(protectedKey) || Object.values(policyKeys).some(has)) return 'protected'
  return has(publicKey) ? 'public' : undefined
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
