/** The table of vectors. @module */

import { proofSyntax } from './proof-syntax.js'
import { transport } from './transport.js'
import type { VectorGroup } from './vector.js'

export const vectorGroups: readonly VectorGroup[] = [transport, proofSyntax]
