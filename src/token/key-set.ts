/** The public keys of an issuer (RFC 7517 §5): which of them a signature may be of, each imported when it is first needed. @module */

import { platform } from '#crypto'
import type { MaybePromise, ProofAlgorithm, PublicJwk, VerificationKey } from '../crypto/crypto.js'
import { isMeantFor, isOfType, isPrivate, keyTypes } from '../crypto/key-types.js'
import type { JsonObject } from '../encoding/json.js'

/** RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used". */
const MIN_RSA_OCTETS = 256

/** A key that is ready to verify. */
export interface IssuerKey {
  readonly alg: ProofAlgorithm
  readonly jwk: PublicJwk
  readonly key: VerificationKey
}

/** A key set, as it was published. The same set is the same object: by that one sees whether another was published since. */
export class KeySet {
  readonly #jwks: readonly JsonObject[]
  readonly #imported = new WeakMap<JsonObject, Map<ProofAlgorithm, MaybePromise<IssuerKey>>>()

  constructor(jwks: readonly JsonObject[]) {
    this.#jwks = jwks
  }

  /**
   * The keys that a signature may be of: those of the algorithm's type that are meant for it, and of the `kid` where the
   * signature names one. RFC 7517 §4.5 allows several of one `kid`.
   */
  matching(alg: ProofAlgorithm, kid: string | undefined): readonly JsonObject[] {
    return this.#jwks.filter((jwk) => (kid === undefined || jwk['kid'] === kid) && isOfType(jwk, alg) && isMeantFor(jwk, alg))
  }

  /** Imports a key of this set, once for each algorithm, unless it fails. Throws, or rejects, where it cannot be used. */
  import(jwk: JsonObject, alg: ProofAlgorithm): MaybePromise<IssuerKey> {
    const byAlg = this.#imported.get(jwk) ?? new Map<ProofAlgorithm, MaybePromise<IssuerKey>>()
    this.#imported.set(jwk, byAlg)
    const known = byAlg.get(alg)
    if (known !== undefined) return known
    const imported = importKey(publicJwkOf(jwk, alg), alg)
    byAlg.set(alg, imported)
    // A failure is not kept: what the platform could not do now it may do the next time.
    if (imported instanceof Promise) imported.catch(() => byAlg.delete(alg))
    return imported
  }
}

function importKey(jwk: PublicJwk, alg: ProofAlgorithm): MaybePromise<IssuerKey> {
  const key = platform.importKey(jwk, alg)
  return key instanceof Promise ? key.then((made) => ({ alg, jwk, key: made })) : { alg, jwk, key }
}

/** The public members of a published key. The platform finds out whether they are good; a stranger has no say in them. */
function publicJwkOf(jwk: JsonObject, alg: ProofAlgorithm): PublicJwk {
  if (isPrivate(jwk)) throw new TypeError('A private key was published')
  const { kty, crv } = keyTypes[alg]
  const member = (name: string): string => {
    const value = jwk[name]
    return typeof value === 'string' ? value : fail(`The key has no ${name}`)
  }
  if (kty === 'RSA') return { e: member('e'), kty, n: longModulus(member('n')) }
  const x = member('x')
  return kty === 'EC' ? { crv: crv as string, kty, x, y: member('y') } : { crv: crv as string, kty, x }
}

/** Some issuers put a zero octet in front (RFC 7518 §6.3.1.1 has none); it does not count. */
function longModulus(n: string): string {
  const octets = platform.decodeBase64url(n) ?? fail('The modulus is not base64url')
  const length = octets[0] === 0 ? octets.length - 1 : octets.length
  return length >= MIN_RSA_OCTETS ? n : fail('The RSA key is too short')
}

function fail(reason: string): never {
  throw new TypeError(reason)
}
