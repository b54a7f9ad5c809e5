/** The guard that verifies requests. @module */

import { type CanActivate, type ExecutionContext, Inject, Injectable, Logger } from '@nestjs/common'
import { HttpAdapterHost, Reflector } from '@nestjs/core'
import { type DPoPError, type DPoPUnavailableError, isDPoPError, isDPoPUnavailableError } from '../../src/errors.js'
import { toUnavailableError } from '../../src/outage.js'
import { withRequest } from '../../src/policy/policy.js'
import { logOutage } from '../shared/outage-log.js'
import { protect } from '../shared/protect.js'
import type { AnyVerifier } from '../shared/verifier-source.js'
import { DPoPException } from './dpop.exception.js'
import { findPolicy, type PlatformRequest } from './dpop.metadata.js'
import { DPOP_VERIFIER } from './dpop.tokens.js'

// Nest does not log an HttpException.
const logger = new Logger('DPoPGuard')

/**
 * Verifies token, proof and binding of a request (RFC 9449 §4.3 and §7) and the policy of the handler, and sets the property `dpop`
 * of the request. Use it with `@UseGuards(DPoPGuard)` or `@DPoPProtected()`, or for all routes with the option `guardAll` of the
 * module. A request is verified once, even with both. Not checked: query, body and other header fields (§11.7).
 *
 * If the request is rejected, the header fields of the response are set and a {@link DPoPException} is thrown. Messages of WebSocket
 * gateways and microservices are rejected, since a proof is bound to one HTTP request; Nest does not run a global guard for them in
 * every version, so they need `@UseGuards(DPoPGuard)` to be rejected. GraphQL requires a subclass that overrides
 * `getRequest` and `getResponse`.
 */
@Injectable()
export class DPoPGuard implements CanActivate {
  constructor(
    /** The verifier of all requests. */
    @Inject(DPOP_VERIFIER) protected readonly verifier: AnyVerifier,
    /** Reads the decorators of a handler. */
    @Inject(Reflector) protected readonly reflector: Reflector,
    /** Sets header fields on the response of the platform. */
    @Inject(HttpAdapterHost) protected readonly adapterHost: HttpAdapterHost
  ) {}

  /** Returns true or throws; never returns false. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const policy = findPolicy(this.reflector, context.getHandler(), context.getClass())
    if (policy === 'public') return true
    const request = this.getRequest(context)
    const response = this.getResponse(context)
    const { httpAdapter } = this.adapterHost
    const headers = {
      get: (name: string) => httpAdapter.getHeader(response, name),
      set: (name: string, value: string | string[]) => httpAdapter.setHeader(response, name, value as string)
    }
    try {
      const options = { ...withRequest(policy, request), target: request.originalUrl, route: routeOf(request) }
      Object.assign(request, { dpop: await protect(this.verifier, request.raw ?? request, headers, options) })
      return true
    } catch (error) {
      logOutage(error, (line) => logger.error(line))
      if (isDPoPError(error) || isDPoPUnavailableError(error)) return this.handleError(error, context)
      throw error
    }
  }

  /** The request of the platform. Override it if the context is not HTTP. */
  protected getRequest(context: ExecutionContext): PlatformRequest {
    if (context.getType() === 'http') return context.switchToHttp().getRequest<PlatformRequest>()
    const cause = new TypeError('DPoPGuard requires an HTTP context: override getRequest and getResponse')
    throw toUnavailableError(cause)
  }

  /** The response of the platform, on which header fields are set. Override it together with `getRequest`. */
  protected getResponse(context: ExecutionContext): object {
    return context.switchToHttp().getResponse<object>()
  }

  /** Throws the exception for the exception filters. Override it to throw another. */
  protected handleError(error: DPoPError | DPoPUnavailableError, _context: ExecutionContext): never {
    throw new DPoPException(error)
  }
}

/** The path template of the route, as Express or Fastify has it. */
function routeOf({ route, routeOptions }: PlatformRequest): string | undefined {
  const path = route?.path ?? routeOptions?.url
  return typeof path === 'string' ? path : undefined
}
