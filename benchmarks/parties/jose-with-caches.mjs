/** A verifier built with jose: verified tokens and imported keys are cached, and consumed proofs are stored. */

import { createHash } from 'node:crypto'
import { api, url } from '../lib/fixtures.mjs'
import { importPeer } from '../lib/peers.mjs'

const MAX_AGE_SECONDS = 300
const proofAlgorithms = ['ES256', 'ES384', 'EdDSA', 'PS256']

export const facts = { package: 'jose', name: 'jose with the same caches', detectsReplays: true }

export async function create({ issuer, jwks }, { replay }) {
  const { calculateJwkThumbprint, createLocalJWKSet, decodeProtectedHeader, importJWK, jwtVerify } = await importPeer('jose')
  const { LRUCache } = await importPeer('lru-cache')
  const tokens = new LRUCache({ max: 10_000 })
  const keys = new LRUCache({ max: 10_000 })
  const issuerKeys = createLocalJWKSet(jwks)

  async function claimsOf(token, tokenHash) {
    const known = tokens.get(tokenHash)
    if (known !== undefined && known.exp > Date.now() / 1000) return known
    const { payload } = await jwtVerify(token, issuerKeys, {
      issuer,
      audience: api.audience,
      typ: 'at+jwt',
      requiredClaims: ['exp']
    })
    tokens.set(tokenHash, payload)
    return payload
  }

  async function keyOf(proof) {
    const segment = proof.slice(0, proof.indexOf('.'))
    const known = keys.get(segment)
    if (known !== undefined) return known
    const { alg, jwk } = decodeProtectedHeader(proof)
    if (!proofAlgorithms.includes(alg) || jwk.d !== undefined) throw new Error('key')
    const imported = { key: await importJWK(jwk, alg), jkt: await calculateJwkThumbprint(jwk) }
    keys.set(segment, imported)
    return imported
  }

  return {
    prepare: ({ authorization, proof }) => ({ method: api.method, url, headers: { authorization, dpop: proof } }),
    async verify({ method, url: target, headers }) {
      const [scheme, token] = headers.authorization.split(' ')
      if (scheme !== 'DPoP') throw new Error('scheme')
      const tokenHash = sha256(token)
      const claims = await claimsOf(token, tokenHash)
      const { key, jkt } = await keyOf(headers.dpop)
      if (claims.cnf?.jkt !== jkt) throw new Error('binding')
      const { payload } = await jwtVerify(headers.dpop, key, {
        typ: 'dpop+jwt',
        algorithms: proofAlgorithms,
        maxTokenAge: MAX_AGE_SECONDS,
        clockTolerance: 30
      })
      const { htm, htu, ath, jti, iat } = payload
      if (htm !== method || htu !== target || ath !== tokenHash || typeof jti !== 'string') throw new Error('claims')
      const isFirst = replay.reserve(sha256(`${jkt} ${htu} ${jti}`), (iat + MAX_AGE_SECONDS + 30) * 1000)
      if (!(await isFirst)) throw new Error('replayed')
      return claims
    }
  }
}

function sha256(text) {
  return createHash('sha256').update(text).digest('base64url')
}
