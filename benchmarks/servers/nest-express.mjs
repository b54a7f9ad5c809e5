/** NestJS 12 on Express. */

import { ExpressAdapter } from '@nestjs/platform-express'
import { startNest } from './nest.mjs'

export const start = (guard) => startNest(guard, new ExpressAdapter())
