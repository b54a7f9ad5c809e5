/** The time to verify the signature of one proof, by algorithm: only the operation, with an imported key. */

import { constants, generateKeyPairSync, sign, verify } from 'node:crypto'

const BATCHES = 7
const PER_BATCH = 400
const input = Buffer.alloc(500, 'a')

const pss = { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: 32 }
const algorithms = {
  ES256: ['ec', { namedCurve: 'P-256' }, 'sha256', {}],
  ES384: ['ec', { namedCurve: 'P-384' }, 'sha384', {}],
  ES512: ['ec', { namedCurve: 'P-521' }, 'sha512', {}],
  EdDSA: ['ed25519', {}, null, {}],
  'PS256, 2048 bits': ['rsa', { modulusLength: 2048 }, 'sha256', pss],
  'RS256, 2048 bits': ['rsa', { modulusLength: 2048 }, 'sha256', {}],
  'RS256, 4096 bits': ['rsa', { modulusLength: 4096 }, 'sha256', {}]
}

/** Node.js has them from 24.7. */
const postQuantum = ['ML-DSA-44', 'ML-DSA-65', 'ML-DSA-87'].filter((alg) => globalThis.SubtleCrypto.supports?.('verify', alg))
for (const alg of postQuantum) algorithms[alg] = [alg.toLowerCase(), {}, null, {}]

/** Microseconds of CPU for one verification, the median of some batches, by name. */
export function timeSignatures() {
  return Object.entries(algorithms).map(([name, [type, options, hash, extra]]) => {
    const { privateKey, publicKey } = generateKeyPairSync(type, options)
    const signature = sign(hash, input, { key: privateKey, ...extra })
    const batch = () => {
      const before = process.cpuUsage()
      for (let i = 0; i < PER_BATCH; i++) {
        if (!verify(hash, input, { key: publicKey, ...extra }, signature)) throw new Error('A good signature was refused')
      }
      const { user, system } = process.cpuUsage(before)
      return (user + system) / PER_BATCH
    }
    batch()
    const times = Array.from({ length: BATCHES }, batch).sort((a, b) => a - b)
    return [name, times[(BATCHES - 1) / 2]]
  })
}
