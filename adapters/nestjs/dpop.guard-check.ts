/** Fails the start of an application if no guard enforces the policy of a handler; warns about scopes that are not published. @module */

import { Inject, Injectable, type OnApplicationBootstrap, type Type } from '@nestjs/common'
import { ApplicationConfig, ModuleRef, ModulesContainer, Reflector } from '@nestjs/core'
import { isRestrictive, type Policy } from '../../src/policy/policy.js'
import { comparePublishedScopes } from '../../src/verifier.js'
import type { AnyVerifier } from '../shared/verifier-source.js'
import { DPoPGuard } from './dpop.guard.js'
import { classChain, findPolicy, ownAccess } from './dpop.metadata.js'
import { DPOP_VERIFIER } from './dpop.tokens.js'

type Handler = (...args: unknown[]) => unknown

/** Metadata that marks a method as a handler, as `@nestjs/common`, `/graphql`, `/websockets` and `/microservices` set it. */
const handlerKeys = ['path', 'graphql:resolver_type', 'graphql:resolve_property', 'message', 'microservices:pattern']

/** Checks all handlers once, before the application accepts requests. */
@Injectable()
export class GuardCheck implements OnApplicationBootstrap {
  constructor(
    @Inject(ModulesContainer) private readonly modules: ModulesContainer,
    @Inject(ApplicationConfig) private readonly config: ApplicationConfig,
    @Inject(Reflector) private readonly reflector: Reflector,
    @Inject(ModuleRef) private readonly moduleRef: ModuleRef,
    @Inject(DPoPGuard) private readonly guard: DPoPGuard,
    @Inject(DPOP_VERIFIER) private readonly verifier: AnyVerifier
  ) {}

  onApplicationBootstrap(): void {
    for (const module of this.modules.values()) {
      for (const { metatype } of [...module.controllers.values(), ...module.providers.values()]) {
        if (typeof metatype === 'function' && metatype.prototype !== undefined) this.#checkClass(metatype as Type)
      }
    }
  }

  #checkClass(type: Type): void {
    for (const [name, handler] of handlersOf(type)) {
      const isHandler = handlerKeys.some((key) => this.reflector.get(key, handler) !== undefined)
      if (!isHandler) continue
      const policy = findPolicy(this.reflector, handler, type)
      if (policy === 'public') this.#checkPublic(name, handler, type)
      if (policy === 'public' || !isRestrictive(policy as Policy)) continue
      comparePublishedScopes(this.verifier, policy as Policy)
      const reason = this.#findGap(handler, type)
      if (reason !== undefined) throw new TypeError(`The policy of ${type.name}.${name} is not enforced: ${reason}`)
    }
  }

  /** A guard that is nearer to the handler than the `@Public` that disables it is a mistake. */
  #checkPublic(name: string, handler: Handler, type: Type): void {
    const targets = [handler, ...classChain(type)] as (Handler | Type)[]
    const nearer = targets.slice(
      0,
      targets.findIndex((target) => ownAccess(target) === 'public')
    )
    if (nearer.some((target) => this.#ownGuardsOf(target).some((guard) => this.#isDPoPGuard(guard))))
      throw new TypeError(
        `${type.name}.${name} is public in spite of @UseGuards(DPoPGuard): use @DPoPProtected(), which overrides @Public()`
      )
  }

  #ownGuardsOf(target: Handler | Type): readonly unknown[] {
    return Reflect.getOwnMetadata('__guards__', target) ?? []
  }

  /** Why the policy of a handler is not enforced; undefined if it is. */
  #findGap(handler: Handler, type: Type): string | undefined {
    if (this.reflector.get('graphql:resolve_property', handler) !== undefined && !this.#guardsFieldResolvers())
      return 'guards do not run for field resolvers without the GraphQL option "fieldResolverEnhancers" with "guards"'
    if ([handler, type].some((target) => this.#guardsOf(target).some((guard) => this.#isDPoPGuard(guard)))) return undefined
    // Nest does not run global guards for gateways (Nest 10 and 11) and microservices of hybrid applications.
    const isMessage = ['message', 'microservices:pattern'].some((key) => this.reflector.get(key, handler) !== undefined)
    if (isMessage) return 'a message handler needs @UseGuards(DPoPGuard), since global guards do not run for it'
    return this.#isGuardedGlobally() ? undefined : 'add @UseGuards(DPoPGuard), @DPoPProtected() or the option "guardAll"'
  }

  #guardsOf(target: Handler | Type): readonly unknown[] {
    return this.reflector.get<unknown[] | undefined>('__guards__', target) ?? []
  }

  #isGuardedGlobally(): boolean {
    const requestScoped = this.config.getGlobalRequestGuards().map(({ metatype }) => metatype as unknown)
    return [...this.config.getGlobalGuards(), ...requestScoped].some((guard) => this.#isDPoPGuard(guard))
  }

  /** A guard is a class, or an instance. A test that overrides the provider of the guard replaces the instance. */
  #isDPoPGuard(guard: unknown): boolean {
    const isSubclass = typeof guard === 'function' && (guard === DPoPGuard || guard.prototype instanceof DPoPGuard)
    return isSubclass || guard instanceof DPoPGuard || guard === this.guard
  }

  #guardsFieldResolvers(): boolean {
    const options = this.#findGraphqlOptions()
    return options?.fieldResolverEnhancers?.includes('guards') === true
  }

  #findGraphqlOptions(): { readonly fieldResolverEnhancers?: readonly string[] } | undefined {
    try {
      return this.moduleRef.get('GqlModuleOptions', { strict: false })
    } catch {
      return undefined
    }
  }
}

/** The methods of a class by name, inherited ones included. */
function handlersOf(type: Type): Map<string, Handler> {
  const handlers = new Map<string, Handler>()
  for (
    let prototype = type.prototype;
    prototype && prototype !== Object.prototype;
    prototype = Object.getPrototypeOf(prototype)
  ) {
    for (const [name, { value }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (typeof value === 'function' && name !== 'constructor' && !handlers.has(name)) handlers.set(name, value as Handler)
    }
  }
  return handlers
}
