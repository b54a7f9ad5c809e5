/** A key set of an issuer (RFC 7517 §5). Keys are imported on first use. @module */

import { platform } from '#crypto'
import type { MaybePromise, ProofAlgorithm, PublicJwk, VerificationKey } from '../crypto/crypto.js'
import { isOfType, isPrivate, isUsableFor, keyTypes } from '../crypto/key-types.js'
import type { JsonObject } from '../encoding/json.js'

/** RFC 7518 §3.3: "A key of size 2048 bits or larger MUST be used". */
const MIN_RSA_OCTETS = 256

/** An imported key. */
export interface IssuerKey {
  readonly alg: ProofAlgorithm
  readonly jwk: PublicJwk
  readonly key: VerificationKey
}

/** A published key set. It is compared by identity, so that a rotation is detected. */
export class KeySet {
  readonly #jwks: readonly JsonObject[]
  readonly #imported = new WeakMap<JsonObject, Map<ProofAlgorithm, MaybePromise<IssuerKey>>>()

  constructor(jwks: readonly JsonObject[]) {
    this.#jwks = jwks
  }

  /**
   * The keys whose type, `use`, `key_ops` and `alg` permit verification with `alg`, and whose `kid` is the given one, if any.
   * RFC 7517 §4.5 allows several keys with one `kid`.
   */
  matching(alg: ProofAlgorithm, kid: string | undefined): readonly JsonObject[] {
    return this.#jwks.filter((jwk) => (kid === undefined || jwk['kid'] === kid) && isOfType(jwk, alg) && isUsableFor(jwk, alg))
  }

  /** Imports a key of this set once for each algorithm. Throws or rejects if the key cannot be used; failures are not cached. */
  import(jwk: JsonObject, alg: ProofAlgorithm): MaybePromise<IssuerKey> {
    const byAlg = this.#imported.get(jwk) ?? new Map<ProofAlgorithm, MaybePromise<IssuerKey>>()
    this.#imported.set(jwk, byAlg)
    const known = byAlg.get(alg)
    if (known !== undefined) return known
    const imported = importKey(publicJwkOf(jwk, alg), alg)
    byAlg.set(alg, imported)
    if (imported instanceof Promise) imported.catch(() => byAlg.delete(alg))
    return imported
  }
}

function importKey(jwk: PublicJwk, alg: ProofAlgorithm): MaybePromise<IssuerKey> {
  const key = platform.importKey(jwk, alg)
  return key instanceof Promise ? key.then((made) => ({ alg, jwk, key: made })) : { alg, jwk, key }
}

/** The public members of a published key. The platform validates them on import. */
function publicJwkOf(jwk: JsonObject, alg: ProofAlgorithm): PublicJwk {
  if (isPrivate(jwk)) throw new TypeError('A private key was published')
  const { kty, crv, octets } = keyTypes[alg]
  const member = (name: string): string => {
    const value = jwk[name]
    return typeof value === 'string' ? value : fail(`The key has no ${name}`)
  }
  if (kty === 'RSA') return { e: member('e'), kty, n: checkModulusLength(member('n')) }
  if (kty === 'AKP') return { alg, kty, pub: checkSize(member('pub'), octets) }
  const x = member('x')
  return kty === 'EC' ? { crv: crv as string, kty, x, y: member('y') } : { crv: crv as string, kty, x }
}

/** RFC 9964 §5, §7.3. */
function checkSize(pub: string, octets: number | undefined): string {
  return platform.decodeBase64url(pub)?.length === octets ? pub : fail('pub does not have the size of its alg')
}

/** Some issuers prepend a zero octet, which RFC 7518 §6.3.1.1 forbids. It is not counted. */
function checkModulusLength(n: string): string {
  const octets = platform.decodeBase64url(n) ?? fail('The modulus is not base64url')
  const length = octets[0] === 0 ? octets.length - 1 : octets.length
  return length >= MIN_RSA_OCTETS ? n : fail('The RSA key is too short')
}

function fail(reason: string): never {
  throw new TypeError(reason)
}
