/** `npm start`: serves the notes API on PORT (3000). In Workers, Deno and Bun: `export default createApp()`. */

import { serve } from '@hono/node-server'
import { createApp } from './app.js'

serve({ fetch: createApp().fetch, port: Number(process.env.PORT ?? 3000) })
