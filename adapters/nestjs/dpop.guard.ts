/** The guard: verifies the request of a route unless the route is public. @module */

import { type CanActivate, type ExecutionContext, Inject, Injectable } from '@nestjs/common'
import { HttpAdapterHost, Reflector } from '@nestjs/core'
import { type DPoPError, DPoPUnavailableError, isDPoPError, isDPoPUnavailableError } from '../../src/errors.js'
import type { NodeRequest } from '../../src/request/request.js'
import { type AnyVerifier, protect } from '../shared.js'
import { ROUTE_POLICY, type RoutePolicy } from './dpop.decorators.js'
import { DPoPException } from './dpop.exception.js'
import { DPOP_VERIFIER } from './dpop.tokens.js'

/** The request of Express, or of Fastify with the one of Node in `raw`. */
export interface PlatformRequest extends NodeRequest {
  /** The request of Node, where the platform has one of its own. */
  readonly raw?: NodeRequest
}

/**
 * Verifies token, proof and binding of a request (RFC 9449 §4.3 and §7) and the scopes of `RequireScopes`; the result is the
 * property `dpop` of the request. For `@UseGuards(DPoPGuard)`, or for all routes as `{ provide: APP_GUARD, useExisting: DPoPGuard }`:
 * both together verify once. Not checked: query, body and other header fields (§11.7).
 *
 * A refusal has its header fields set on the response, and is thrown as a {@link DPoPException}. WebSocket messages and
 * microservices are denied, since a proof is for one HTTP request; GraphQL needs a subclass with `getRequest` and `getResponse`.
 */
@Injectable()
export class DPoPGuard implements CanActivate {
  constructor(
    /** Verifies every request. */
    @Inject(DPOP_VERIFIER) protected readonly verifier: AnyVerifier,
    /** Reads the decorators of a route. */
    @Inject(Reflector) protected readonly reflector: Reflector,
    /** Sets header fields, whatever the platform. */
    @Inject(HttpAdapterHost) protected readonly adapterHost: HttpAdapterHost
  ) {}

  /** True, or an exception: never false. */
  async canActivate(context: ExecutionContext): Promise<boolean> {
    const places = [context.getHandler(), context.getClass()]
    const policy = this.reflector.getAllAndOverride<RoutePolicy | undefined>(ROUTE_POLICY, places)
    if (policy === 'public') return true
    const request = this.getRequest(context)
    const response = this.getResponse(context)
    const { httpAdapter } = this.adapterHost
    const answer = {
      get: (name: string) => httpAdapter.getHeader(response, name),
      set: (name: string, value: string | string[]) => httpAdapter.setHeader(response, name, value as string)
    }
    try {
      const options = { target: request.originalUrl, scopes: policy }
      Object.assign(request, { dpop: await protect(this.verifier, request.raw ?? request, answer, options) })
      return true
    } catch (error) {
      if (isDPoPError(error) || isDPoPUnavailableError(error)) return this.handleError(error, context)
      throw error
    }
  }

  /** The request of the platform. Override it where the context is not HTTP. */
  protected getRequest(context: ExecutionContext): PlatformRequest {
    if (context.getType() === 'http') return context.switchToHttp().getRequest<PlatformRequest>()
    const cause = new TypeError('DPoPGuard has no HTTP request here: override getRequest and getResponse')
    throw new DPoPUnavailableError('ERR_DPOP_VERIFIER_UNAVAILABLE', cause)
  }

  /** The response of the platform, which gets the header fields. Override it together with `getRequest`. */
  protected getResponse(context: ExecutionContext): object {
    return context.switchToHttp().getResponse<object>()
  }

  /** Throws what the exception filters get. Override it to throw something else. */
  protected handleError(error: DPoPError | DPoPUnavailableError, _context: ExecutionContext): never {
    throw new DPoPException(error)
  }
}
