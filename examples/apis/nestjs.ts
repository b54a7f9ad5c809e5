/** The notes API on NestJS. @module */

import 'reflect-metadata'
import {
  type ArgumentsHost,
  Body,
  Catch,
  Controller,
  Delete,
  type ExceptionFilter,
  Get,
  Inject,
  Injectable,
  Module,
  Post,
  UseGuards
} from '@nestjs/common'
import { APP_FILTER, HttpAdapterHost, NestFactory } from '@nestjs/core'
import type { VerifiedRequest, Verifier, VerifierOptions } from 'dpop-guard'
import { DPoPAuth, DPoPException, DPoPGuard, DPoPModule, Public, RequireAuthentication, RequireScopes } from 'dpop-guard/nestjs'

@Injectable()
class Notes {
  readonly #notes = new Map([['alice', ['Water the plants']]])

  of(owner: string) {
    return this.#notes.get(owner) ?? []
  }

  add(owner: string, text: string) {
    this.#notes.set(owner, [...this.of(owner), text])
  }

  clear(owner: string) {
    this.#notes.delete(owner)
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

  @RequireScopes('notes:write')
  @RequireAuthentication({ acrValues: ['urn:example:two-factor'] })
  @Delete('notes')
  clear(@DPoPAuth() auth: VerifiedRequest) {
    const owner = String(auth.claims.sub)
    this.notes.clear(owner)
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

/** @param pageOrigin the origin of a page that calls the API */
export async function createNotesApi(options: VerifierOptions | Verifier, { pageOrigin }: { pageOrigin?: string } = {}) {
  @Module({
    imports: [DPoPModule.forRoot(options)],
    controllers: [NotesController],
    providers: [Notes, { provide: APP_FILTER, useClass: AnswerRefusal }]
  })
  class AppModule {}

  const app = await NestFactory.create(AppModule, { logger: ['error', 'warn'] })
  // Before the guard: a preflight request has no credentials.
  if (pageOrigin) app.enableCors({ origin: pageOrigin, allowedHeaders: ['Authorization', 'DPoP', 'Content-Type'] })
  await app.init()
  return { handler: app.getHttpAdapter().getInstance(), close: () => app.close() }
}
