/**
 * What every request needs at the least: two hashes, the JSON of the proof, its key and its token out of a Map, the signature, and
 * the same replay memory. It does not validate its input and is not a verifier: it shows the lower bound of the ratio.
 */

import { createPublicKey, hash, verify } from 'node:crypto'
import { memoryReplayStore } from 'dpop-guard'
import { api, url } from '../lib/fixtures.mjs'
import { toDer } from '../lib/raw.mjs'

export const facts = { name: 'the least work' }

export function create() {
  const keys = new Map()
  const tokens = new Map()
  const replay = memoryReplayStore()
  return {
    prepare: ({ authorization, proof }) => ({ authorization, proof }),
    async verify({ authorization, proof }) {
      const token = authorization.slice(5)
      const ath = hash('sha256', token, 'base64url')
      const { cnf, exp } = tokens.get(ath) ?? cache(tokens, ath, payloadOf(token))
      const segment = proof.slice(0, proof.indexOf('.'))
      const { key, jkt } = keys.get(segment) ?? cache(keys, segment, importedFrom(segment))
      const claims = payloadOf(proof)
      const nowMs = Date.now()
      const isFor = claims.htm === api.method && claims.htu === url && claims.ath === ath && cnf.jkt === jkt
      const isInTime = exp * 1000 > nowMs && Math.abs(claims.iat * 1000 - nowMs) < 300_000
      const dot = proof.lastIndexOf('.')
      const signature = toDer(Buffer.from(proof.slice(dot + 1), 'base64url'))
      const isSigned = verify('sha256', Buffer.from(proof.slice(0, dot), 'latin1'), key, signature)
      const used = hash('sha256', `${jkt}\n${url}\n${claims.jti}`, 'base64url').slice(0, 22)
      const isNew = replay.reserve(used, claims.iat * 1000 + 306_000, { nowMs, jkt })
      if (!isFor || !isInTime || !isSigned || !isNew) throw new Error('The request is not good')
      return { jkt, claims }
    }
  }
}

function cache(map, name, value) {
  map.set(name, value)
  return value
}

function payloadOf(jwt) {
  const start = jwt.indexOf('.') + 1
  return JSON.parse(Buffer.from(jwt.slice(start, jwt.indexOf('.', start)), 'base64url').toString())
}

function importedFrom(segment) {
  const { jwk } = JSON.parse(Buffer.from(segment, 'base64url').toString())
  const { crv, kty, x, y } = jwk
  return {
    key: createPublicKey({ key: jwk, format: 'jwk' }),
    jkt: hash('sha256', JSON.stringify({ crv, kty, x, y }), 'base64url')
  }
}
