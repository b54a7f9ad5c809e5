/** The limit: one bare `crypto.verify` of the proof, its key imported and its bytes laid out beforehand. */

import { constants, createPublicKey, verify } from 'node:crypto'
import { algorithms } from './algorithms.mjs'
import { median } from './stats.mjs'

/** Both are correct; which one costs less depends on the release of Node. */
const ecdsaForms = ['ieee-p1363', 'der']

const keys = new WeakMap()

/** The key of a client, imported once. */
export function importedKey(client) {
  let key = keys.get(client)
  if (key === undefined) {
    key = createPublicKey({ key: client.jwk, format: 'jwk' })
    keys.set(client, key)
  }
  return key
}

/** What `crypto.verify` takes, for one JWT. */
export function rawArguments(jwt, alg, key, ecdsaForm) {
  const dot = jwt.lastIndexOf('.')
  const { digest, isEcdsa } = algorithms[alg]
  const data = Buffer.from(jwt.slice(0, dot), 'latin1')
  const signature = Buffer.from(jwt.slice(dot + 1), 'base64url')
  if (alg === 'PS256') return { digest, data, key: { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }, signature }
  if (!isEcdsa) return { digest, data, key, signature }
  return ecdsaForm === 'der'
    ? { digest, data, key, signature: toDer(signature) }
    : { digest, data, key: { key, dsaEncoding: 'ieee-p1363' }, signature }
}

export function verifyRaw({ digest, data, key, signature }) {
  if (!verify(digest, data, key, signature)) throw new Error('The signature does not verify')
}

/** The same in the thread pool. */
export function verifyRawInPool({ digest, data, key, signature }) {
  return new Promise((resolve, reject) => {
    verify(digest, data, key, signature, (error, isVerified) => {
      if (isVerified) resolve()
      else reject(error ?? new Error('The signature does not verify'))
    })
  })
}

/** The form of ECDSA signatures that costs less on this release of Node: each is timed in turn. */
export function cheapestEcdsaForm(requests) {
  const times = new Map(ecdsaForms.map((form) => [form, []]))
  for (const { proof, client } of requests) {
    for (const form of ecdsaForms) {
      const input = rawArguments(proof, client.alg, importedKey(client), form)
      const begin = process.hrtime.bigint()
      verifyRaw(input)
      times.get(form).push(Number(process.hrtime.bigint() - begin))
    }
  }
  const [p1363, der] = ecdsaForms.map((form) => median(times.get(form)))
  return der < p1363 ? 'der' : 'ieee-p1363'
}

/** Converts R‖S to a DER sequence of two integers. */
export function toDer(raw) {
  const half = raw.length / 2
  const integers = Buffer.concat([derInteger(raw.subarray(0, half)), derInteger(raw.subarray(half))])
  return Buffer.concat([Buffer.from([0x30, integers.length]), integers])
}

function derInteger(bytes) {
  let first = 0
  while (first < bytes.length - 1 && bytes[first] === 0) first++
  const sign = bytes[first] > 0x7f ? [0] : []
  return Buffer.from([0x02, bytes.length - first + sign.length, ...sign, ...bytes.subarray(first)])
}
