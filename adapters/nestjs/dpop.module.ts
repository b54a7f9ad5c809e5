/** The module that provides the guard and its verifier. @module */

import { ConfigurableModuleBuilder, type ConfigurableModuleCls, type DynamicModule, Module, type Provider } from '@nestjs/common'
import { APP_GUARD } from '@nestjs/core'
import { check, misconfigured } from '../../src/config/option-validation.js'
import { type AnyVerifier, type VerifierSettings, verifierOf } from '../shared/verifier-source.js'
import { DPoPGuard } from './dpop.guard.js'
import { GuardCheck } from './dpop.guard-check.js'
import { MetadataRoutes } from './dpop.metadata-routes.js'
import { DPOP_OPTIONS, DPOP_VERIFIER } from './dpop.tokens.js'

/** Options of the module: those of a verifier, or an existing one as `verifier`; with neither, those of `optionsFromEnv()`. */
export type DPoPModuleOptions = VerifierSettings

/** Options of the dynamic module itself. */
export interface DPoPModuleExtras {
  /** Whether the providers are available in every module. @defaultValue true */
  isGlobal?: boolean
  /** Whether the guard protects every route of the application, like `{ provide: APP_GUARD, useExisting: DPoPGuard }`. @defaultValue false */
  guardAll?: boolean
}

const ConfigurableModule: ConfigurableModuleCls<DPoPModuleOptions, 'forRoot', 'create', DPoPModuleExtras> =
  new ConfigurableModuleBuilder<DPoPModuleOptions>({ optionsInjectionToken: DPOP_OPTIONS })
    .setClassMethodName('forRoot')
    .setExtras<DPoPModuleExtras>({ isGlobal: true, guardAll: false }, (definition, { isGlobal = true, guardAll }) => ({
      ...definition,
      global: check.flag('isGlobal', isGlobal),
      providers: [
        definition.providers as Provider[],
        check.flag('guardAll', guardAll) ? [{ provide: APP_GUARD, useExisting: DPoPGuard }] : []
      ].flat()
    }))
    .build().ConfigurableModuleClass

/**
 * Provides {@link DPoPGuard} and, under `DPOP_VERIFIER`, the verifier. `forRootAsync` takes `useFactory`, `useClass` (with a
 * method `create`) or `useExisting`. The protected resource metadata of the option `metadata` is served without guards (RFC 9728 §3). The application fails to start with a `TypeError` if an option is missing, unknown or invalid.
 */
@Module({
  providers: [{ provide: DPOP_VERIFIER, useFactory: verifierOf, inject: [DPOP_OPTIONS] }, DPoPGuard, GuardCheck, MetadataRoutes],
  exports: [DPOP_OPTIONS, DPOP_VERIFIER, DPoPGuard]
})
export class DPoPModule extends ConfigurableModule {
  /**
   * The module with these options or an existing verifier; defaults to `optionsFromEnv()`.
   *
   * @throws TypeError if `options` is not an object, such as a function, which `forRootAsync` takes as `useFactory`
   */
  static override forRoot(options: (DPoPModuleOptions & DPoPModuleExtras) | AnyVerifier = {}): DynamicModule {
    // The builder copies the own members of the options, which would lose the methods of a verifier and make a function an empty object.
    if (typeof options !== 'object' || options === null)
      misconfigured('options', 'be an object; forRootAsync() takes a function as "useFactory"')
    const settings = 'verifyRequest' in options ? { verifier: options } : options
    return { ...ConfigurableModule.forRoot(settings), module: DPoPModule }
  }
}
