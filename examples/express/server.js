/** `npm start`: serves the notes API on PORT (3000). */

import { createApp } from './app.js'

createApp().listen(Number(process.env.PORT ?? 3000))
