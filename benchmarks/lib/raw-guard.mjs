/** The limit on a server: it takes a proof out of the request, verifies its signature with a key that it has imported before, and nothing else. */

import { createPublicKey } from 'node:crypto'
import { rawArguments, verifyRaw } from './raw.mjs'

/** A function that throws unless the signature of the proof verifies. */
export function rawGuard(ecdsaForm) {
  const keys = new Map()
  return ({ headers: { dpop } }) => {
    const segment = dpop.slice(0, dpop.indexOf('.'))
    let known = keys.get(segment)
    if (known === undefined) {
      const { alg, jwk } = JSON.parse(Buffer.from(segment, 'base64url').toString())
      known = { alg, key: createPublicKey({ key: jwk, format: 'jwk' }) }
      keys.set(segment, known)
    }
    verifyRaw(rawArguments(dpop, known.alg, known.key, ecdsaForm))
  }
}
