/** Apart from the others, because the declarations of Hono need a newer TypeScript. */

import type { VerifierOptions } from 'dpop-guard'
import { type DPoPVariables, dpop } from 'dpop-guard/hono'
import { Hono } from 'hono'

const options: VerifierOptions = { issuer: 'https://issuer.example', baseUrl: 'https://api.example' }
export const app = new Hono<{ Variables: DPoPVariables }>().use(dpop(options))
