/** How each JWS algorithm makes keys and signatures with `node:crypto`. */

import { constants, sign } from 'node:crypto'

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
const rsa = { type: 'rsa', keyOptions: { modulusLength: 2048 }, members: ['e', 'kty', 'n'], digest: 'sha256' }
const ec = (namedCurve, digest) => ({
  type: 'ec',
  keyOptions: { namedCurve },
  members: ['crv', 'kty', 'x', 'y'],
  digest,
  isEcdsa: true,
  signatureOptions: { dsaEncoding: 'ieee-p1363' }
})

/** `members` are those of the JWK thumbprint, in its order (RFC 7638 §3.2). */
export const algorithms = {
  ES256: ec('P-256', 'sha256'),
  ES384: ec('P-384', 'sha384'),
  EdDSA: { type: 'ed25519', keyOptions: {}, members: ['crv', 'kty', 'x'], digest: null },
  PS256: { ...rsa, signatureOptions: pss },
  RS256: rsa
}

/** A JWT in compact serialization. */
export function signJwt(header, payload, alg, privateKey) {
  const { digest, signatureOptions } = algorithms[alg]
  const signingInput = `${typeof header === 'string' ? header : encode(header)}.${encode(payload)}`
  const signature = sign(digest, Buffer.from(signingInput), { key: privateKey, ...signatureOptions })
  return flat(`${signingInput}.${signature.toString('base64url')}`)
}

export function encode(value) {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}

/** A flat copy of a string: a concatenated one would be flattened during the measurement. */
export function flat(text) {
  return Buffer.from(text, 'latin1').toString('latin1')
}
