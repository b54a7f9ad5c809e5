/** The reasons for operators of a rejected proof: the rule, what was found and what was expected. They never contain a value of a claim. */

import { expect, it } from 'vitest'
import type { VerifierConfig } from '../../src/config/config.js'
import type { JsonObject } from '../../src/encoding/json.js'
import type { Refusal } from '../../src/errors.js'
import { checkAth, checkTyp, decodeHeader, type ProofClaims, readAlg, readClaims, splitProof } from '../../src/proof/proof.js'

const rules = { algorithms: ['ES256', 'EdDSA'], maxBytes: 20 } as unknown as VerifierConfig['proof']

const encode = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url')

/** A payload with one member replaced, or removed by undefined. */
function payloadWith(changed: JsonObject): string {
  return encode({ jti: 'a', htm: 'GET', htu: 'https://api.example/', iat: 1, ath: 'b', ...changed })
}

function refusalOf(check: () => unknown): Refusal {
  try {
    check()
  } catch (reason) {
    return reason as Refusal
  }
  throw new Error('The check passed')
}

it.each<[code: string, reason: string, check: () => unknown]>([
  ['PROOF_MALFORMED', 'the proof is longer than proof.maxBytes (20)', () => splitProof('a'.repeat(21), rules)],
  ['PROOF_MALFORMED', 'the proof is not a compact JWS', () => splitProof('a.b', rules)],
  ['PROOF_MALFORMED', 'the header is not base64url of a JSON object', () => decodeHeader('!')],
  ['PROOF_TYP', 'typ is "JWT"', () => checkTyp({ typ: 'JWT' })],
  ['PROOF_ALG', 'alg is "none", proof.algorithms are ES256, EdDSA', () => readAlg({ alg: 'none' }, rules)],
  ['PROOF_MALFORMED', 'the header has crit or b64', () => readAlg({ alg: 'ES256', crit: [] }, rules)],
  ['PROOF_MALFORMED', 'the header has crit or b64', () => readAlg({ alg: 'ES256', b64: true }, rules)],
  ['PROOF_MALFORMED', 'the payload is not base64url of a JSON object', () => readClaims(encode([]))],
  ['PROOF_ATH', 'ath is the hash of another access token', () => checkAth({ ath: 'a' } as ProofClaims, 'b')]
])('ERR_DPOP_%s: %s', (code, reason, check) => {
  expect(refusalOf(check)).toMatchObject({ code: `ERR_DPOP_${code}`, detail: { reason } })
})

it.each<[JsonObject, reason: string]>([
  [{ jti: undefined }, 'jti is missing, expected a string of 1 to 256 characters'],
  [{ jti: '' }, 'jti is a string of 0 characters, expected a string of 1 to 256 characters'],
  [{ jti: 'a'.repeat(257) }, 'jti is a string of 257 characters, expected a string of 1 to 256 characters'],
  [{ htm: 1 }, 'htm is a number, expected a string'],
  [{ htu: null }, 'htu is null, expected a string'],
  [{ ath: ['b'] }, 'ath is an array, expected a string'],
  [{ ath: {} }, 'ath is an object, expected a string'],
  [{ iat: '1' }, 'iat is a string of 1 characters, expected a NumericDate'],
  [{ exp: true }, 'exp is a boolean, expected a NumericDate'],
  [{ nbf: null }, 'nbf is null, expected a NumericDate']
])('a payload with %j: %s', (changed, reason) => {
  expect(refusalOf(() => readClaims(payloadWith(changed)))).toMatchObject({ code: 'ERR_DPOP_PROOF_CLAIMS', detail: { reason } })
})
