/** Serves protected resource metadata beside the routes of the application, without guards (RFC 9728 §3). @module */

import { Inject, Injectable, type OnModuleInit } from '@nestjs/common'
import { HttpAdapterHost } from '@nestjs/core'
import type { RequestHandler } from 'express'
import type { FastifyInstance } from 'fastify'
import { resourceMetadata } from '../express.js'
import { serveMetadata } from '../fastify-metadata.js'
import { hasMetadata } from '../shared/metadata.js'
import type { AnyVerifier } from '../shared/verifier-source.js'
import { DPOP_VERIFIER } from './dpop.tokens.js'

/** Registers the routes on the platform, so that global prefixes and guards do not apply. */
@Injectable()
export class MetadataRoutes implements OnModuleInit {
  constructor(
    @Inject(HttpAdapterHost) private readonly adapterHost: HttpAdapterHost,
    @Inject(DPOP_VERIFIER) private readonly verifier: AnyVerifier
  ) {}

  onModuleInit(): void {
    const { httpAdapter } = this.adapterHost
    // None in an application context without HTTP.
    if (httpAdapter === undefined || !hasMetadata(this.verifier)) return
    if (httpAdapter.getType() === 'fastify') serveMetadata(httpAdapter.getInstance<FastifyInstance>(), this.verifier)
    else httpAdapter.use(resourceMetadata(this.verifier) as RequestHandler)
  }
}
