/** Keys in the formats that implementations read: a private JWK, and the same key as PKCS #8. */

import { createECDH, createPrivateKey, generateKeyPairSync } from 'node:crypto'

const curves = { 'P-256': 'prime256v1', 'P-384': 'secp384r1', 'P-521': 'secp521r1', secp256k1: 'secp256k1' }

export function createKey(type, options) {
  return inBothFormats(generateKeyPairSync(type, options).privateKey)
}

/**
 * A key whose x coordinate begins with a zero octet: the encoding of a coordinate has the full size of the curve (RFC 7518 §6.2.1.2), which
 * an implementation that encodes integers pads. `generateKeyPairSync` is not used, since some versions of Node.js hang when it is called
 * hundreds of times.
 */
export function createPaddedKey(crv) {
  const ecdh = createECDH(curves[crv])
  do ecdh.generateKeys()
  while (ecdh.getPublicKey()[1] !== 0)
  const point = ecdh.getPublicKey().subarray(1)
  const octets = point.length / 2
  const coordinates = { x: encode(point.subarray(0, octets)), y: encode(point.subarray(octets)) }
  const integer = ecdh.getPrivateKey()
  const d = encode(Buffer.concat([Buffer.alloc(octets - integer.length), integer]))
  return inBothFormats(createPrivateKey({ key: { kty: 'EC', crv, ...coordinates, d }, format: 'jwk' }))
}

function inBothFormats(privateKey) {
  return { key: privateKey.export({ format: 'jwk' }), pem: privateKey.export({ format: 'pem', type: 'pkcs8' }) }
}

function encode(bytes) {
  return bytes.toString('base64url')
}
