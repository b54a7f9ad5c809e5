/** The notes API on NestJS. @module */

import 'reflect-metadata'
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  type ExceptionFilter,
  Get,
  Inject,
  Injectable,
  Module,
  Post,
  UseGuards
} from '@nestjs/common'
import { APP_FILTER, HttpAdapterHost, NestFactory } from '@nestjs/core'
import type { VerifiedRequest, VerifierOptions } from 'dpop-guard'
import { DPoPAuth, DPoPException, DPoPGuard, DPoPModule, Public, RequireScopes } from 'dpop-guard/nestjs'

@Injectable()
class Notes {
  readonly #notes = new Map([['alice', ['Water the plants']]])

  of(owner: string) {
    return this.#notes.get(owner) ?? []
  }

  add(owner: string, text: string) {
    this.#notes.set(owner, [...this.of(owner), text])
  }
}

@UseGuards(DPoPGuard)
@Controller()
class NotesController {
  constructor(@Inject(Notes) private readonly notes: Notes) {}

  @Public()
  @Get('health')
  health() {
    return { status: 'ok' }
  }

  @RequireScopes('notes:read')
  @Get('notes')
  list(@DPoPAuth() auth: VerifiedRequest) {
    const owner = String(auth.claims.sub)
    return { owner, notes: this.notes.of(owner) }
  }

  @RequireScopes('notes:write')
  @Post('notes')
  add(@DPoPAuth() auth: VerifiedRequest, @Body() note: { text: string }) {
    const owner = String(auth.claims.sub)
    this.notes.add(owner, note.text)
    return { owner, notes: this.notes.of(owner) }
  }
}

// The headers are already set: the guard puts the challenge on the response before it throws.
@Catch(DPoPException)
class AnswerRefusal implements ExceptionFilter<DPoPException> {
  constructor(@Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost) {}

  catch({ cause }: DPoPException, host: ArgumentsHost) {
    const body = { ...cause.toJSON(), code: cause.code }
    this.adapterHost.httpAdapter.reply(host.switchToHttp().getResponse(), body, cause.status)
  }
}

export async function createNotesApi(options: VerifierOptions) {
  @Module({
    imports: [DPoPModule.forRoot(options)],
    controllers: [NotesController],
    providers: [Notes, { provide: APP_FILTER, useClass: AnswerRefusal }]
  })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
  await app.init()
  return { handler: app.getHttpAdapter().getInstance(), close: () => app.close() }
}
