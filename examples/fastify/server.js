/** `npm start`: serves the notes API on PORT (3000). */

import { createApp } from './app.js'

const app = await createApp()
await app.listen({ port: Number(process.env.PORT ?? 3000) })
