/** The module: makes the verifier once, for the guard and for whoever injects it. @module */

import { ConfigurableModuleBuilder, type ConfigurableModuleCls, type DynamicModule, Module } from '@nestjs/common'
import { type AnyVerifier, type VerifierSettings, verifierOf } from '../shared.js'
import { DPoPGuard } from './dpop.guard.js'
import { DPOP_OPTIONS, DPOP_VERIFIER } from './dpop.tokens.js'

/** Options of the module: those of a verifier, or a ready one as `verifier`; without either, those of `optionsFromEnv()`. */
export type DPoPModuleOptions = VerifierSettings

/** What the module itself is told. */
export interface DPoPModuleExtras {
  /** Whether the guard and the verifier are there for every module. @defaultValue true */
  isGlobal?: boolean
}

const ConfigurableModule: ConfigurableModuleCls<DPoPModuleOptions, 'forRoot', 'create', DPoPModuleExtras> =
  new ConfigurableModuleBuilder<DPoPModuleOptions>({ optionsInjectionToken: DPOP_OPTIONS })
    .setClassMethodName('forRoot')
    .setExtras<DPoPModuleExtras>({ isGlobal: true }, (definition, { isGlobal }) => ({ ...definition, global: isGlobal === true }))
    .build().ConfigurableModuleClass

/**
 * Provides {@link DPoPGuard} and, under `DPOP_VERIFIER`, the verifier. `forRootAsync` takes `useFactory`, `useClass` (with a
 * method `create`) or `useExisting`. Starting the application fails with a `TypeError` where an option is missing, unknown or wrong.
 */
@Module({
  providers: [{ provide: DPOP_VERIFIER, useFactory: verifierOf, inject: [DPOP_OPTIONS] }, DPoPGuard],
  exports: [DPOP_OPTIONS, DPOP_VERIFIER, DPoPGuard]
})
export class DPoPModule extends ConfigurableModule {
  /** The module with these options, or with a ready verifier; without either it reads the environment. */
  static override forRoot(options: (DPoPModuleOptions & DPoPModuleExtras) | AnyVerifier = {}): DynamicModule {
    // The builder copies the members of the options, which a ready verifier would not survive.
    const settings = 'verifyRequest' in options ? { verifier: options } : options
    return { ...ConfigurableModule.forRoot(settings), module: DPoPModule }
  }
}
