/** The FAPI 2.0 Security Profile: §5.3.4, §5.4.1 and the clock rule of §5.3.2.1. @module */

import { type KeyName, key } from './forge.js'
import { issuer, mix, now, type Recipe } from './recipe.js'
import { invalidProof, invalidToken, type Options, type Vector, type VectorGroup, when } from './vector.js'

/** The profile excludes RS256, so its issuer signs with another key. */
const options = (): Options => ({
  profile: 'fapi2',
  issuer: { issuer, jwks: { keys: [{ ...key('another issuer').jwk, kid: 'key-1', use: 'sig', alg: 'ES256' }] } }
})
const plain: Recipe = { token: { signedBy: 'another issuer' } }

const window: Vector[] = (
  [
    ['now', 0],
    ['eight seconds ahead', 8],
    ['ten seconds ahead', 10],
    ['30 seconds ahead', 30],
    ['ten seconds ago', -10],
    ['60 seconds ago', -60]
  ] satisfies [string, number][]
).map(([what, offset]) => ({
  title: `FAPI 2.0 §5.3.2.1 accepts an iat inside the window of the profile: ${what}`,
  rules: ['F-09', 'AMB-10', 'D-48'],
  options,
  accept: mix(plain, { proof: { claims: { iat: now + offset } } })
}))

const outside: Vector[] = (
  [
    ['61 seconds ahead', 61],
    ['31 seconds ahead', 31],
    ['61 seconds ago', -61]
  ] satisfies [string, number][]
).map(([what, offset]) => ({
  title: `FAPI 2.0 §5.3.2.1 rejects an iat outside the window of the profile: ${what}`,
  rules: ['F-09', 'AMB-10'],
  options,
  control: plain,
  fault: { proof: { claims: { iat: now + offset } } },
  refuse: invalidProof('PROOF_IAT')
}))

const algorithms: Vector[] = (
  [
    ['ES256', 'ES256'],
    ['PS256', 'RSA'],
    ['Ed25519', 'Ed25519'],
    ['EdDSA', 'Ed25519']
  ] satisfies [string, KeyName][]
).map(([alg, name]) => ({
  title: `FAPI 2.0 §5.4.1 accepts the algorithms of the profile: ${alg}`,
  rules: ['F-06', 'F-01', 'F-05', ...when(alg === 'ES256', 'V-01')],
  options,
  accept: mix(plain, { key: name, proof: { header: { alg } } })
}))

const otherAlgorithms: Vector[] = (
  [
    ['RS256', 'RSA'],
    ['PS384', 'RSA'],
    ['ES384', 'ES384'],
    ['ES512', 'ES512']
  ] satisfies [string, KeyName][]
).map(([alg, name]) => ({
  title: `FAPI 2.0 §5.4.1 rejects other algorithms: ${alg}`,
  rules: ['F-06', 'D-22'],
  options,
  control: plain,
  fault: { key: name, proof: { header: { alg } } },
  refuse: invalidProof('PROOF_ALG')
}))

const tokens: Vector[] = [
  {
    title: 'FAPI 2.0 §5.3.4 access tokens must be sender-constrained',
    rules: ['F-05', 'D-34'],
    options,
    control: plain,
    fault: { token: { boundTo: null } },
    refuse: invalidToken('TOKEN_UNBOUND')
  },
  {
    title: 'FAPI 2.0 §5.4.1 an access token signed with RS256 is rejected',
    rules: ['F-06'],
    options: () => ({
      profile: 'fapi2',
      issuer: {
        issuer,
        jwks: {
          keys: [
            { ...key('another issuer').jwk, kid: 'key-1' },
            { ...key('issuer').jwk, kid: 'key-2' }
          ]
        }
      }
    }),
    control: plain,
    fault: { token: { signedBy: 'issuer', header: { kid: 'key-2' } } },
    refuse: invalidToken('TOKEN_INVALID')
  }
]

export const fapi: VectorGroup = {
  subject: 'FAPI 2.0',
  vectors: [...window, ...algorithms, ...outside, ...otherAlgorithms, ...tokens]
}
