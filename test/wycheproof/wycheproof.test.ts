/**
 * The vectors of Project Wycheproof: key validation, import and verification on both platforms, and for JWS files also the parser of the
 * compact serialization. They are read from a folder beside the checkout; without it the tests are skipped.
 */

import { Buffer } from 'node:buffer'
import { createPublicKey } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { type Platform, type ProofAlgorithm, proofAlgorithms } from '../../src/crypto/crypto.js'
import { platform as node } from '../../src/crypto/node.js'
import { platform as web } from '../../src/crypto/web.js'
import { decodeJsonObject, splitCompactJws } from '../../src/encoding/compact-jws.js'
import type { JsonObject } from '../../src/encoding/json.js'
import { readProofJwk } from '../../src/proof/proof-key.js'

const folder = fileURLToPath(new URL('../../../shared/wycheproof/', import.meta.url))
const isHere = existsSync(folder)
const platforms: Readonly<Record<string, Platform>> = { 'node:crypto': node, WebCrypto: web }

if (!isHere && process.env['CI'] === 'true') {
  test('the vectors are available', () => expect.unreachable(`nothing in ${folder}`))
} else if (!isHere) {
  console.log(`Wycheproof: skipped, no vectors in ${folder}`)
  test.skip('the vectors are available')
}

interface Case {
  readonly tcId: number
  readonly comment: string
  readonly flags: readonly string[]
  readonly result: 'valid' | 'invalid' | 'acceptable'
}

interface SignatureGroup {
  readonly publicKeyJwk?: JsonObject
  readonly keyJwk?: JsonObject
  readonly publicKeyPem: string
  readonly tests: readonly (Case & { readonly msg: string; readonly sig: string })[]
}

interface JwsGroup {
  readonly comment: string
  readonly public?: JsonObject & { readonly keys?: readonly JsonObject[] }
  readonly private?: JsonObject & { readonly keys?: readonly JsonObject[] }
  readonly tests: readonly (Case & { readonly jws: unknown })[]
}

/** Results that differ from those of the file, and the reason why they are correct for a proof. */
type Differences = Readonly<Record<string, readonly number[]>>

const NULL_MISSING = 'without the NULL of its DigestInfo a signature may be refused'
const MAC = 'a MAC is no signature'
const EMPTY = 'a JWT has a payload'
const OTHER_ALG = 'the key is meant for another algorithm'
const ROCA = 'the prime factors of a key are its own client\u2019s concern (accepted)'
/** The signing input is passed to WebCrypto as a string. */
const NOT_ASCII = 'a signing input is ASCII'

const signatureFiles: readonly (readonly [file: string, alg: ProofAlgorithm])[] = [
  ['ecdsa_secp256r1_sha256_p1363', 'ES256'],
  ['ecdsa_secp384r1_sha384_p1363', 'ES384'],
  ['ecdsa_secp521r1_sha512_p1363', 'ES512'],
  ['ed25519', 'Ed25519'],
  ['rsa_pss_2048_sha256_mgf1_32', 'PS256'],
  ['rsa_pss_2048_sha384_mgf1_48', 'PS384'],
  ['rsa_pss_4096_sha512_mgf1_64', 'PS512'],
  ['rsa_signature_2048_sha256', 'RS256'],
  ['rsa_signature_2048_sha384', 'RS384'],
  ['rsa_signature_2048_sha512', 'RS512']
]

const jwsFiles: readonly (readonly [file: string, Differences])[] = [
  [
    'json_web_signature',
    {
      [MAC]: [1, 348, 352, 357, 358, 359, 372, 373, 376, 377],
      [EMPTY]: [259, 264, 268, 272, 320, 325],
      [OTHER_ALG]: [346, 347, 350, 351]
    }
  ],
  ['json_web_key', { [MAC]: [2, 13, 14, 15], [ROCA]: [7] }]
]

for (const [name, platform] of isHere ? Object.entries(platforms) : []) {
  describe(name, () => {
    test.for(signatureFiles)('%s', async ([file, alg], { task }) => {
      const tally = new Tally()
      for (const { publicKeyJwk, keyJwk, publicKeyPem, tests } of read<SignatureGroup>(file)) {
        const jwk = publicKeyJwk ?? keyJwk ?? (createPublicKey(publicKeyPem).export({ format: 'jwk' }) as JsonObject)
        for (const one of tests) {
          const message = Buffer.from(one.msg, 'hex')
          if (platform === web && message.some((byte) => byte > 0x7f)) tally.leaveOut(NOT_ASCII)
          else tally.add(one, await verify(platform, jwk, alg, message.toString('latin1'), Buffer.from(one.sig, 'hex')))
        }
      }
      expect(tally.surprises).toEqual([])
      report(task, file, name, tally, tally.acceptable > 0 ? { [NULL_MISSING]: tally.acceptable } : {})
    })

    test.for(jwsFiles)('%s', async ([file, differences], { task }) => {
      const tally = new Tally()
      for (const group of read<JwsGroup>(file)) {
        for (const one of group.tests) tally.add(one, await verifyJws(platform, one.jws, group.public ?? group.private ?? {}))
      }
      expect(tally.surprises).toEqual(
        Object.values(differences)
          .flat()
          .sort((a, b) => a - b)
      )
      const counts = Object.entries(differences).map(([why, { length }]) => [why, length])
      report(task, file, name, tally, Object.fromEntries(counts))
    })
  })
}

/** The results of the vectors of one file. */
class Tally {
  run = 0
  acceptable = 0
  readonly leftOut: Record<string, number> = {}
  /** Vectors whose result differs from that of the file. Those that are only acceptable must be rejected. */
  readonly surprises: number[] = []

  add({ tcId, result }: Case, isAccepted: boolean): void {
    this.run++
    if (result === 'acceptable') this.acceptable++
    if (isAccepted !== (result === 'valid')) this.surprises.push(tcId)
  }

  leaveOut(why: string): void {
    this.leftOut[why] = (this.leftOut[why] ?? 0) + 1
  }
}

/** Prints the counts, and stores them for the conformance report. */
function report(
  task: { readonly meta: object },
  file: string,
  platform: string,
  { run, leftOut }: Tally,
  differences: Readonly<Record<string, number>>
): void {
  const others = Object.values(differences).reduce((sum, count) => sum + count, 0)
  const reasons = Object.entries({ ...differences, ...leftOut }).map(([why, count]) => `${count}: ${why}`)
  const total = run + Object.values(leftOut).reduce((sum, count) => sum + count, 0)
  console.log(
    `Wycheproof ${file}, ${platform}: ${total} vectors, ${run - others} as expected${reasons.map((one) => `; ${one}`).join('')}`
  )
  const cells = [`\`${file}\``, platform, total, run - others, reasons.join('; ')]
  Object.assign(task.meta, { counts: [`| ${cells.join(' | ')} |`] })
}

/** A JWS under the rules for proofs: canonical encoding, no extensions, one key with that kid, usable for the algorithm. */
async function verifyJws(
  platform: Platform,
  jws: unknown,
  key: JsonObject & { readonly keys?: readonly JsonObject[] }
): Promise<boolean> {
  if (typeof jws !== 'string') return false
  const parts = splitCompactJws(jws)
  const header = parts && decodeJsonObject(parts.header)
  if (parts === undefined || header === undefined) return false
  const signature = platform.decodeBase64url(parts.signature)
  if (signature === undefined || platform.decodeBase64url(parts.payload) === undefined) return false
  if (header['crit'] !== undefined || header['b64'] !== undefined) return false
  const alg = proofAlgorithms.find((known) => known === header['alg'])
  if (alg === undefined) return false
  const keys = (key.keys ?? [key]).filter(({ kid }) => kid === header['kid'])
  if (keys.length !== 1) return false
  return verify(platform, keys[0] as JsonObject, alg, parts.signingInput, signature)
}

async function verify(
  platform: Platform,
  jwk: JsonObject,
  alg: ProofAlgorithm,
  input: string,
  signature: Uint8Array
): Promise<boolean> {
  let key: object
  try {
    key = await platform.importKey(readProofJwk(jwk, alg), alg)
  } catch {
    return false
  }
  return await platform.verify(alg, key, input, signature)
}

function read<Group>(file: string): readonly Group[] {
  const { testGroups } = JSON.parse(readFileSync(`${folder}${file}_test.json`, 'utf8')) as { testGroups: readonly Group[] }
  return testGroups
}
