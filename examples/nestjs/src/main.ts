/** `npm start`: serves the notes API on PORT (3000). */

import 'reflect-metadata'
import { NestFactory } from '@nestjs/core'
import { AppModule } from './app.module.js'

const app = await NestFactory.create(AppModule.register())
await app.listen(Number(process.env.PORT ?? 3000))
