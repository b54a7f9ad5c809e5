/** NestJS 12 on Fastify. */

import { FastifyAdapter } from '@nestjs/platform-fastify'
import { startNest } from './nest.mjs'

export const start = (guard) => startNest(guard, new FastifyAdapter())
