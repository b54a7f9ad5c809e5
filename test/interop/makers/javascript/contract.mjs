/** The contract of a maker: it writes its algorithms, then one proof for each line of standard input. */

import { createInterface } from 'node:readline'
import { importJWK } from 'jose'

/** `makeProof` receives `{ method, url, alg, key, pem, token, nonce }`; `token` and `nonce` may be absent. */
export async function serveProofs(algorithms, makeProof) {
  console.log(JSON.stringify(algorithms))
  for await (const line of createInterface({ input: process.stdin })) console.log(await makeProof(JSON.parse(line)))
}

/** The key of a request for WebCrypto. */
export async function importKeyPair({ alg, key }) {
  const { d, p, q, dp, dq, qi, ...publicJwk } = key
  const [privateKey, publicKey] = await Promise.all([importJWK(key, alg), importJWK(publicJwk, alg, { extractable: true })])
  return { privateKey, publicKey, publicJwk }
}
