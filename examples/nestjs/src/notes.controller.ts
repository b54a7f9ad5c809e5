/** A public route, and two routes for tokens that are bound to a key of the client. */

import { Body, Controller, Get, Post } from '@nestjs/common'
import type { VerifiedRequest } from 'dpop-guard'
import { DPoPAuth, Public, RequireScopes } from 'dpop-guard/nestjs'
import { NotesService } from './notes.service.js'

@Controller()
export class NotesController {
  constructor(private readonly notes: NotesService) {}

  @Public()
  @Get('health')
  health() {
    return { status: 'ok' }
  }

  @RequireScopes('notes:read')
  @Get('notes')
  list(@DPoPAuth() auth: VerifiedRequest) {
    return { notes: this.notes.list(String(auth.claims.sub)) }
  }

  @RequireScopes('notes:write')
  @Post('notes')
  add(@DPoPAuth() auth: VerifiedRequest, @Body() note: { text: string }) {
    return { notes: this.notes.add(String(auth.claims.sub), String(note.text)) }
  }
}
