/** An issuer, clients, tokens and proofs, all made before anything is measured. */

import { createHash, createPublicKey, generateKeyPair, randomUUID } from 'node:crypto'
import { promisify } from 'node:util'
import { algorithms, encode, flat, signJwt } from './algorithms.mjs'

/** The public URL of the API, whatever port a server has. */
export const api = { origin: 'http://localhost:8000', host: 'localhost:8000', method: 'GET', target: '/notes', audience: 'notes' }
export const url = `${api.origin}${api.target}`

// The keys of a pair must be exported sequentially: exporting a key while others are generated can deadlock Node 20.
const generate = promisify(generateKeyPair)

async function newKeys(alg) {
  const { type, keyOptions, members } = algorithms[alg]
  const { publicKey, privateKey } = await generate(type, { ...keyOptions, publicKeyEncoding: { format: 'jwk' } })
  return { jwk: Object.fromEntries(members.map((name) => [name, publicKey[name]])), privateKey }
}

/** An authorization server: its keys, and its tokens. `issuerUrl` is where it can be reached, if it can. */
export async function newIssuer(issuerUrl = 'http://localhost:8001', alg = 'RS256') {
  const { jwk, privateKey } = await newKeys(alg)
  const kid = randomUUID()
  return {
    issuer: issuerUrl,
    jwks: { keys: [{ ...jwk, kid, alg, use: 'sig' }] },
    publicKey: createPublicKey({ key: jwk, format: 'jwk' }),
    /** A JWT access token (RFC 9068) that Solid also accepts: an audience `solid`, and a WebID. */
    issue(jkt) {
      const iat = Math.floor(Date.now() / 1000)
      const claims = {
        iss: issuerUrl,
        aud: [api.audience, 'solid'],
        sub: 'user',
        client_id: 'client',
        webid: `${issuerUrl}/profile#me`,
        scope: 'notes:read notes:write',
        jti: randomUUID(),
        iat,
        exp: iat + 3600,
        cnf: { jkt }
      }
      return signJwt({ alg, typ: 'at+jwt', kid }, claims, alg, privateKey)
    }
  }
}

/** Clients, each with a key and a token bound to it. */
export async function newClients(issuer, alg, count) {
  const clients = []
  while (clients.length < count) {
    const keys = await Promise.all(Array.from({ length: Math.min(64, count - clients.length) }, () => newKeys(alg)))
    for (const { jwk, privateKey } of keys) {
      const jkt = createHash('sha256').update(JSON.stringify(jwk)).digest('base64url')
      const header = flat(encode({ typ: 'dpop+jwt', alg, jwk }))
      clients.push({ alg, jwk, privateKey, header, token: issuer.issue(jkt) })
    }
  }
  return clients
}

/** A request with an unused proof. Clients alternate; `signers` are the clients unless the tokens are stolen. */
export function newRequests(clients, count, signers = clients) {
  return Array.from({ length: count }, (_, i) => {
    const client = clients[i % clients.length]
    const signer = signers[i % signers.length]
    return {
      token: client.token,
      client: signer,
      proof: newProof(signer, client.token),
      authorization: flat(`DPoP ${client.token}`)
    }
  })
}

const hashes = new Map()

function newProof({ alg, header, privateKey }, token) {
  let ath = hashes.get(token)
  if (ath === undefined) {
    ath = createHash('sha256').update(token).digest('base64url')
    hashes.set(token, ath)
  }
  const claims = { jti: randomUUID(), htm: api.method, htu: url, iat: Math.floor(Date.now() / 1000), ath }
  return signJwt(header, claims, alg, privateKey)
}
