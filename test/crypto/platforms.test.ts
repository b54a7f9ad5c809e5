import { constants, createHash, generateKeyPairSync, type KeyObject, sign } from 'node:crypto'
import { runInNewContext } from 'node:vm'
import { beforeAll, describe, expect, it, onTestFinished, vi } from 'vitest'
import {
  isPostQuantum,
  type Platform,
  type ProofAlgorithm,
  type PublicJwk,
  postQuantumAlgorithms,
  proofAlgorithms,
  traditionalAlgorithms
} from '../../src/crypto/crypto.js'
import { platform as node } from '../../src/crypto/node.js'
import { platform as web } from '../../src/crypto/web.js'

const platforms: [string, Platform][] = [
  ['node.ts', node],
  ['web.ts', web]
]

describe('digests', () => {
  it.each(['', 'abc', 'é😀', '\ud800', 'x'.repeat(100_000)])('both platforms have the same SHA-256 of %.9j', async (text) => {
    const bytes = new TextEncoder().encode(text)
    const expected = createHash('sha256').update(bytes).digest('base64url')
    for (const [, platform] of platforms) {
      expect(await platform.sha256(text)).toBe(expected)
      expect(await platform.sha256OfBytes(bytes)).toBe(expected)
    }
  })

  it('SHA-256 of "abc" (FIPS 180-4)', async () => {
    for (const [, platform] of platforms) expect(await platform.sha256('abc')).toBe('ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0')
  })

  it('HMAC-SHA-256, test case 2 of RFC 4231 §4.3', async () => {
    const expected = Buffer.from('5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843', 'hex').toString('base64url')
    const secret = new TextEncoder().encode('Jefe')
    for (const [, platform] of platforms) expect(await platform.hmac(secret, 'what do ya want for nothing?')).toBe(expected)
  })
})

describe.each(platforms)(
  'base64url in %s accepts only the canonical encoding (RFC 7515 §2, RFC 4648 §3.5)',
  (_name, platform) => {
    it('accepts every length and every last character whose unused bits are zero, and no other', () => {
      const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
      for (const start of ['', 'AB-_']) {
        for (const a of alphabet) {
          expect(platform.decodeBase64url(start + a)).toBeUndefined()
          for (const rest of [`A${a}`, `AA${a}`, `AAA${a}`]) {
            const text = start + rest
            const bytes = Buffer.from(text, 'base64url')
            const isCanonical = bytes.toString('base64url') === text
            const decoded = platform.decodeBase64url(text)
            expect(decoded && Buffer.from(decoded)).toEqual(isCanonical ? bytes : undefined)
          }
        }
      }
    })

    it('decodes the empty string', () => {
      expect(platform.decodeBase64url('')).toHaveLength(0)
      expect(platform.decodeBase64urlText('')).toBe('')
    })

    it.each([
      'AA==',
      'AAA=',
      'AAAA=',
      'AA+A',
      'AA/A',
      ' AAAA',
      'AAAA ',
      'AA\nAA',
      'AA\tAA',
      'AA.A',
      'AA!A',
      'AAé',
      'AA\u0000A',
      'AAA\ud800',
      '=',
      '=='
    ])('rejects %j', (text) => {
      expect(platform.decodeBase64url(text)).toBeUndefined()
      expect(platform.decodeBase64urlText(text)).toBeUndefined()
    })

    it.each(['a', 'é😀', '\u0000', '\ufeffx', '\ufffd', 'x'.repeat(20_000), 'é'.repeat(20_000)])(
      'decodes strings without change: %.9j',
      (text) => {
        expect(platform.decodeBase64urlText(Buffer.from(text).toString('base64url'))).toBe(text)
      }
    )

    it.each(['ff', 'c3', 'c328', 'eda080', 'c080', 'f4908080', 'efbfbdff', 'e282'])(
      'rejects bytes that are not UTF-8: %s',
      (hex) => {
        expect(platform.decodeBase64urlText(Buffer.from(hex, 'hex').toString('base64url'))).toBeUndefined()
      }
    )

    it('returns bytes that later calls do not change', () => {
      const first = platform.decodeBase64url('AAAA')
      platform.decodeBase64url('____')
      platform.decodeBase64urlText('YWJj')
      expect([...(first as Uint8Array)]).toEqual([0, 0, 0])
    })
  }
)

/** A key pair of an algorithm that signs. */
interface Signer {
  readonly alg: ProofAlgorithm
  readonly jwk: PublicJwk
  sign(input: string, other?: { digest?: string; saltLength?: number }): Uint8Array
}

function createSigner(alg: ProofAlgorithm): Signer {
  const digest = `sha${alg.slice(2)}`
  const curves: Record<string, string> = { ES256: 'P-256', ES384: 'P-384', ES512: 'P-521' }
  let pair: { privateKey: KeyObject; publicKey: KeyObject }
  if (alg.startsWith('ES')) pair = generateKeyPairSync('ec', { namedCurve: curves[alg] as string })
  else if (alg.startsWith('Ed')) pair = generateKeyPairSync('ed25519')
  else if (isPostQuantum(alg)) pair = generateMlDsaKeyPair(alg)
  else pair = generateKeyPairSync('rsa', { modulusLength: 2048 })
  const { privateKey: key, publicKey } = pair
  return {
    alg,
    jwk: publicKey.export({ format: 'jwk' }) as unknown as PublicJwk,
    sign(input, other = {}) {
      const data = Buffer.from(input)
      if (alg.startsWith('Ed') || isPostQuantum(alg)) return sign(null, data, key)
      if (alg.startsWith('ES')) return sign(other.digest ?? digest, data, { key, dsaEncoding: 'ieee-p1363' })
      const { saltLength = Number(alg.slice(2)) / 8 } = other
      const pss = { key, padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
      return sign(other.digest ?? digest, data, alg.startsWith('PS') ? pss : { key })
    }
  }
}

/** The type declarations of Node.js 20 lack these key types. */
function generateMlDsaKeyPair(alg: string): { privateKey: KeyObject; publicKey: KeyObject } {
  return generateKeyPairSync(alg.toLowerCase() as 'ed25519')
}

/** Whether this Node.js generates keys of an algorithm: what `supports` must say. */
function canGenerate(alg: string): boolean {
  try {
    return generateMlDsaKeyPair(alg) !== undefined
  } catch {
    return false
  }
}

// Uses ML-DSA of the runtime if it has it; test/ml-dsa.test.ts uses a JavaScript implementation otherwise.
describe.each([...traditionalAlgorithms, ...postQuantumAlgorithms.filter(canGenerate)])('%s', (alg) => {
  const input = 'eyJhbGciOiJ4In0.eyJhIjoxfQ'
  let signer: Signer
  let attacker: Signer
  beforeAll(() => {
    signer = createSigner(alg)
    attacker = createSigner(alg)
  })

  /** The result of all three implementations, which must be equal. */
  async function verdict(signature: Uint8Array, text = input, { jwk } = signer): Promise<boolean> {
    const [nodeKey, webKey] = [await node.importKey(jwk, alg), await web.importKey(jwk, alg)]
    const verdicts = [
      await node.verify(alg, nodeKey, text, signature),
      await node.verifyInPool?.(alg, nodeKey, text, signature),
      await web.verify(alg, webKey, text, signature)
    ]
    expect(new Set(verdicts).size).toBe(1)
    return verdicts[0] as boolean
  }

  it('verifies valid signatures of many keys, with leading zeros', async () => {
    for (let i = 0; i < 20; i++) expect(await verdict(signer.sign(`${input}${i}`), `${input}${i}`)).toBe(true)
    expect(await verdict(attacker.sign(input), input, attacker)).toBe(true)
  })

  it('verifies signatures over strings of any length', async () => {
    for (const length of [0, 1, 16_384, 16_385])
      expect(await verdict(signer.sign('x'.repeat(length)), 'x'.repeat(length))).toBe(true)
  })

  it('rejects another key, another input and a changed bit', async () => {
    const signature = signer.sign(input)
    expect(await verdict(signature, input, attacker)).toBe(false)
    expect(await verdict(signature, `${input}x`)).toBe(false)
    for (const at of [0, signature.length >> 1, signature.length - 1]) {
      const changed = Uint8Array.from(signature)
      changed[at] = (changed[at] as number) ^ 1
      expect(await verdict(changed)).toBe(false)
    }
  })

  it('rejects signatures of another length: shorter, longer, empty (RFC 7518 §3.4)', async () => {
    const signature = signer.sign(input)
    const lengths = [new Uint8Array(0), signature.subarray(1), signature.subarray(0, -1), new Uint8Array([...signature, 0])]
    for (const other of [...lengths, new Uint8Array([0, ...signature])]) expect(await verdict(other)).toBe(false)
  })

  it('rejects R and S with additional leading zeros', async () => {
    const signature = signer.sign(input)
    const half = signature.length / 2
    const padded = new Uint8Array([0, ...signature.subarray(0, half), 0, ...signature.subarray(half)])
    expect(await verdict(padded)).toBe(false)
  })

  it('rejects a signature whose octets are all 0, 1 or 255', async () => {
    const { length } = signer.sign(input)
    expect(await verdict(new Uint8Array(length))).toBe(false)
    expect(await verdict(new Uint8Array(length).fill(0xff))).toBe(false)
    expect(await verdict(new Uint8Array(length).fill(1))).toBe(false)
  })

  it('returns false for a key of another algorithm instead of throwing', async () => {
    const other = createSigner(alg === 'ES256' ? 'ES384' : 'ES256')
    expect(await node.verify(alg, await node.importKey(other.jwk, other.alg), input, signer.sign(input))).toBe(false)
    expect(await web.verify(alg, await web.importKey(other.jwk, other.alg), input, signer.sign(input))).toBe(false)
  })
})

describe('the parameters of an algorithm are fixed', () => {
  it('PS256 with a salt of another length does not verify (RFC 7518 §3.5)', async () => {
    const signer = createSigner('PS256')
    for (const saltLength of [0, 20, 31, 33, 64]) {
      const signature = signer.sign('x', { saltLength })
      expect(await node.verify('PS256', await node.importKey(signer.jwk, 'PS256'), 'x', signature)).toBe(false)
      expect(await web.verify('PS256', await web.importKey(signer.jwk, 'PS256'), 'x', signature)).toBe(false)
    }
  })

  it('a digest of another size does not verify', async () => {
    for (const [alg, digest] of [
      ['ES256', 'sha384'],
      ['RS256', 'sha512'],
      ['RS384', 'sha256']
    ] as const) {
      const signer = createSigner(alg)
      const signature = signer.sign('x', { digest })
      expect(await node.verify(alg, await node.importKey(signer.jwk, alg), 'x', signature)).toBe(false)
      expect(await web.verify(alg, await web.importKey(signer.jwk, alg), 'x', signature)).toBe(false)
    }
  })
})

it('imports keys as non-extractable with WebCrypto', async () => {
  const { jwk } = createSigner('ES256')
  expect(await web.importKey(jwk, 'ES256')).toMatchObject({ extractable: false, usages: ['verify'] })
})

it('returns false for an object that is not a key', async () => {
  for (const [, platform] of platforms) {
    for (const alg of proofAlgorithms) expect(await platform.verify(alg, {}, 'x', new Uint8Array(64))).toBe(false)
  }
})

it('accepts promises of another realm from WebCrypto, as in the edge runtime of Next.js', async () => {
  const key = { type: 'public' } as CryptoKey
  const foreign = runInNewContext('Promise') as PromiseConstructor
  const importKey = vi.spyOn(crypto.subtle, 'importKey').mockReturnValue(foreign.resolve(key))
  const imported = web.importKey({ crv: 'P-256', kty: 'EC', x: 'x', y: 'y' }, 'ES256')
  importKey.mockRestore()
  expect(imported).toBeInstanceOf(Promise)
  expect(await imported).toBe(key)
})

describe('importKey rejects invalid keys', () => {
  const { jwk } = createSigner('ES256') as { jwk: PublicJwk & { x: string; y: string } }
  it.each<[string, PublicJwk, ProofAlgorithm]>([
    ['a point off the curve', { ...jwk, kty: 'EC', crv: 'P-256', y: jwk.x }, 'ES256'],
    ['the point at infinity', { kty: 'EC', crv: 'P-256', x: 'A'.repeat(43), y: 'A'.repeat(43) }, 'ES256'],
    ['a coordinate above the prime', { kty: 'EC', crv: 'P-256', x: `${'_'.repeat(42)}8`, y: `${'_'.repeat(42)}8` }, 'ES256']
  ])('%s', async (_title, key, alg) => {
    await expect((async () => await node.importKey(key, alg))()).rejects.toThrow()
    await expect((async () => await web.importKey(key, alg))()).rejects.toThrow()
  })

  it('and imports the key with its own point', async () => {
    expect(await node.importKey({ ...jwk, kty: 'EC', crv: 'P-256' }, 'ES256')).toBeDefined()
    expect(await web.importKey({ ...jwk, kty: 'EC', crv: 'P-256' }, 'ES256')).toBeDefined()
  })
})

describe('supports', () => {
  it.each(postQuantumAlgorithms)('of node.ts is true if this Node.js has %s', (alg) => {
    expect(node.supports(alg)).toBe(canGenerate(alg))
  })

  it('of node.ts imports a key of the correct size, so that the result is that of the OpenSSL in use', async () => {
    vi.resetModules()
    const importKey = vi.fn((jwk: PublicJwk): KeyObject => {
      if (jwk.kty === 'AKP' && jwk.alg === 'ML-DSA-65') return { type: 'public' } as KeyObject
      throw new Error('unsupported')
    })
    vi.doMock('../../src/crypto/node-keys.js', () => ({ createKeyImport: () => importKey }))
    onTestFinished(() => void vi.doUnmock('../../src/crypto/node-keys.js'))
    const { platform } = await import('../../src/crypto/node.js')
    expect(postQuantumAlgorithms.filter(platform.supports)).toEqual(['ML-DSA-65'])
    const octets = importKey.mock.calls.map(([jwk]) => Buffer.from((jwk as { pub: string }).pub, 'base64url').length)
    expect(octets).toEqual([1312, 1952, 2592])
  })

  it('of web.ts requires SubtleCrypto.supports() for import and verification', () => {
    const supports = vi.fn((operation: string, alg: string) => alg === 'ML-DSA-44' || operation === 'importKey')
    vi.stubGlobal('SubtleCrypto', { supports })
    onTestFinished(() => void vi.unstubAllGlobals())
    expect(postQuantumAlgorithms.filter(web.supports)).toEqual(['ML-DSA-44'])
    supports.mockReturnValue(true)
    expect(postQuantumAlgorithms.filter(web.supports)).toEqual(postQuantumAlgorithms)
    supports.mockImplementation((operation) => operation === 'verify')
    expect(postQuantumAlgorithms.filter(web.supports)).toEqual([])
  })

  it.each(postQuantumAlgorithms)('importKey of web.ts passes the name %s to SubtleCrypto', async (alg) => {
    const importKey = vi.spyOn(crypto.subtle, 'importKey').mockResolvedValue({} as CryptoKey)
    onTestFinished(() => importKey.mockRestore())
    const jwk: PublicJwk = { alg, kty: 'AKP', pub: 'AA' }
    await web.importKey(jwk, alg)
    expect(importKey).toHaveBeenCalledWith('jwk', jwk, { name: alg }, false, ['verify'])
  })

  it('of web.ts is false on runtimes without SubtleCrypto.supports()', () => {
    onTestFinished(() => void vi.unstubAllGlobals())
    for (const SubtleCrypto of [undefined, class {}]) {
      vi.stubGlobal('SubtleCrypto', SubtleCrypto)
      expect(postQuantumAlgorithms.filter(web.supports)).toEqual([])
    }
  })
})

it.each(postQuantumAlgorithms)(
  '%s: a signature of another size is rejected, even if the key verifies it (RFC 9964 §5)',
  async (alg) => {
    const { jwk, sign: signEd25519 } = createSigner('Ed25519')
    const key = await node.importKey(jwk, 'Ed25519')
    const signature = signEd25519('x')
    expect(node.verify('Ed25519', key, 'x', signature)).toBe(true)
    expect(node.verify(alg, key, 'x', signature)).toBe(false)
    expect(await node.verifyInPool?.(alg, key, 'x', signature)).toBe(false)
    const octets = { 'ML-DSA-44': 2420, 'ML-DSA-65': 3309, 'ML-DSA-87': 4627 }[alg]
    expect(node.verify(alg, key, 'x', new Uint8Array(octets))).toBe(false)
  }
)
