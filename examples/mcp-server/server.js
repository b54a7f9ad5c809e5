/** `npm start`: serves the tools on PORT (3000), for the tokens of DPOP_ISSUER. */

import { createApp } from './app.js'

const port = Number(process.env.PORT ?? 3000)
const baseUrl = process.env.DPOP_BASE_URL ?? `http://127.0.0.1:${port}`
createApp({ issuer: process.env.DPOP_ISSUER, baseUrl }).listen(port)
