/** NestJS 12; the platforms are in `nest-express.mjs` and `nest-fastify.mjs`. */

import 'reflect-metadata'
import { Controller, Get, Module, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { DPoPGuard, DPoPModule } from 'dpop-guard/nestjs'

/** Decorators are applied by hand, so that no compiler is needed. */
export async function startNest({ raw, verifier }, httpAdapter) {
  class NotesController {
    list() {
      return { notes: [] }
    }
  }
  class RawGuard {
    canActivate(context) {
      raw(context.switchToHttp().getRequest())
      return true
    }
  }
  class AppModule {}

  Get()(NotesController.prototype, 'list', Object.getOwnPropertyDescriptor(NotesController.prototype, 'list'))
  Controller('notes')(NotesController)
  if (raw) UseGuards(RawGuard)(NotesController)
  if (verifier) UseGuards(DPoPGuard)(NotesController)
  Module({ controllers: [NotesController], imports: verifier ? [DPoPModule.forRoot({ verifier })] : [] })(AppModule)

  const app = await NestFactory.create(AppModule, httpAdapter, { logger: false })
  await app.listen(0, '127.0.0.1')
  return app.getHttpServer()
}
