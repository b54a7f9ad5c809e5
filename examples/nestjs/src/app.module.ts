/** The notes API. Every route is guarded, except those that are `@Public()`. */

import { type DynamicModule, Module } from '@nestjs/common'
import type { VerifierOptions } from 'dpop-guard'
import { DPoPModule } from 'dpop-guard/nestjs'
import { NotesController } from './notes.controller.js'
import { NotesService } from './notes.service.js'

@Module({ controllers: [NotesController], providers: [NotesService] })
export class AppModule {
  /** Without options, `DPoPModule` reads the environment variables DPOP_ISSUER, DPOP_BASE_URL and DPOP_AUDIENCE. */
  static register(options?: VerifierOptions): DynamicModule {
    const guard =
      options === undefined ? DPoPModule.forRoot({ guardAll: true }) : DPoPModule.forRoot({ ...options, guardAll: true })
    return { module: AppModule, imports: [guard] }
  }
}
