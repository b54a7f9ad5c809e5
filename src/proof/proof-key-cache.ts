/** Remembers the headers of verified proofs: one client's proofs begin with the same bytes every time, and with them come key and thumbprint. @module */

import { LRUCache } from 'lru-cache'
import { unpinned } from '../encoding/text.js'
import type { ProofHeader } from './proof-key.js'

/** Each entry holds an imported key: 2 to 5 KB of native memory that the heap limit does not see. */
const MAX_KEYS = 10_000
/** Enough for the longest key that is accepted. A header that carries more beside it is read anew each time. */
const MAX_SEGMENT_LENGTH = 2048

/** Checked proof headers by their raw segment. Only headers of verified proofs may go in. */
export class ProofKeyCache {
  readonly #headers = new LRUCache<string, ProofHeader>({ max: MAX_KEYS })

  get(segment: string): ProofHeader | undefined {
    return this.#headers.get(segment)
  }

  set(segment: string, header: ProofHeader): void {
    if (segment.length <= MAX_SEGMENT_LENGTH) this.#headers.set(unpinned(segment), header)
  }
}
