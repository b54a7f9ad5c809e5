/** A Worker that runs the vectors. */

import { runVectors } from './vectors.mjs'

export default { fetch: async () => Response.json(await runVectors()) }
