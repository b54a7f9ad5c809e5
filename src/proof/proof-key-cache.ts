/** Caches the headers of verified proofs with the imported key and its thumbprint: the proofs of one client share their header segment. @module */

import { LRUCache } from 'lru-cache'
import { copyString } from '../encoding/copy-string.js'
import type { ProofHeader } from './proof-key.js'

/** Capacity. Each entry holds an imported key: 2 to 5 KB of native memory, which the heap limit does not count. */
const MAX_KEYS = 10_000
/** Enough for the longest accepted key. Longer headers are not cached. */
const MAX_SEGMENT_LENGTH = 2048

/** Validated proof headers by their encoded segment. Only headers of verified proofs may be added. */
export class ProofKeyCache {
  readonly #headers = new LRUCache<string, ProofHeader>({ max: MAX_KEYS })

  get(segment: string): ProofHeader | undefined {
    return this.#headers.get(segment)
  }

  set(segment: string, header: ProofHeader): void {
    if (segment.length <= MAX_SEGMENT_LENGTH) this.#headers.set(copyString(segment), header)
  }
}
