/** The table of vectors. @module */

import { bearer } from './bearer.js'
import { binding } from './binding.js'
import { claims } from './claims.js'
import { fapi } from './fapi.js'
import { htu } from './htu.js'
import { introspection } from './introspection.js'
import { keys } from './keys.js'
import { nonce } from './nonce.js'
import { proofSyntax } from './proof-syntax.js'
import { time } from './time.js'
import { token } from './token.js'
import { transport } from './transport.js'
import type { VectorGroup } from './vector.js'

export const vectorGroups: readonly VectorGroup[] = [
  transport,
  proofSyntax,
  keys,
  claims,
  htu,
  time,
  nonce,
  token,
  introspection,
  binding,
  bearer,
  fapi
]
