/** Caches the headers of verified proofs with the imported key and its thumbprint: the proofs of one client share their header segment. @module */

import { ClientCache } from '../cache/client-cache.js'
import { isPostQuantum } from '../crypto/crypto.js'
import { copyString } from '../encoding/copy-string.js'
import type { ProofHeader } from './proof-key.js'

/** Enough for the longest accepted key, RSA of 8192 bits. Longer headers are not cached. */
const MAX_SEGMENT_LENGTH = 2048
/** The same for ML-DSA-87, whose `pub` has 3456 characters. */
const MAX_POST_QUANTUM_SEGMENT_LENGTH = 5120

/** Validated proof headers by their encoded segment. Only headers of verified proofs may be added. */
export class ProofKeyCache {
  readonly #headers: ClientCache<ProofHeader>

  constructor(maxClients: number) {
    this.#headers = new ClientCache({ maxClients, clientOf: ({ jkt }) => jkt })
  }

  get(segment: string): ProofHeader | undefined {
    return this.#headers.get(segment)
  }

  set(segment: string, header: ProofHeader): void {
    const maxLength = isPostQuantum(header.alg) ? MAX_POST_QUANTUM_SEGMENT_LENGTH : MAX_SEGMENT_LENGTH
    if (segment.length <= maxLength) this.#headers.set(copyString(segment), header)
  }
}
