/** NestJS 10, 11 and 12, on Express and on Fastify. @module dpop-guard/nestjs */

export type { AnyVerifier, VerifierSettings } from '../shared/verifier-source.js'
export {
  Authorize,
  DPoPAuth,
  DPoPProtected,
  type PolicyDecorator,
  Public,
  RequireAnyScope,
  RequireAuthentication,
  RequireScopes
} from './dpop.decorators.js'
export { DPoPException } from './dpop.exception.js'
export { DPoPGuard } from './dpop.guard.js'
export type { PlatformRequest } from './dpop.metadata.js'
export { DPoPModule, type DPoPModuleExtras, type DPoPModuleOptions } from './dpop.module.js'
export { DPOP_OPTIONS, DPOP_VERIFIER } from './dpop.tokens.js'
