import { createVerifier, type ProofAlgorithm, type SignatureThreads } from 'dpop-guard'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { exportJWK, generateKeyPair } from 'jose'
import { afterEach, beforeEach, describe, expect, type MockInstance, onTestFinished, test, vi } from 'vitest'
import { platform } from '#crypto'
import { type LoopTurn, observeLoopTurn, verifySignature } from '../../src/crypto/signature-threads.js'

const url = 'https://api.example/r'
const issuer = await createTestIssuer()

let inline: MockInstance
let pooled: MockInstance

beforeEach(() => {
  inline = vi.spyOn(platform, 'verify')
  pooled = vi.spyOn(platform, 'verifyInPool' as 'verify')
})

afterEach(async () => {
  vi.restoreAllMocks()
  await nextTurn()
})

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(() => setImmediate(resolve)))
}

/** How many signatures were verified on the event loop, and how many in the pool. */
function counts(): { inline: number; pooled: number } {
  return { inline: inline.mock.calls.length, pooled: pooled.mock.calls.length }
}

/** Requests of one client, each with its own proof, to a verifier that has cached the client. */
async function requests(count: number, threads?: SignatureThreads, alg: ProofAlgorithm = 'ES256') {
  const client = await createTestClient({ alg })
  const token = await issuer.issue({ jkt: client.jkt })
  const verifier = createVerifier({
    issuer: issuer.options,
    baseUrl: 'https://api.example',
    proof: { algorithms: [alg] },
    ...(threads && { signatureThreads: threads })
  })
  const made = await Promise.all(
    Array.from({ length: count + 1 }, async () => {
      const request = { method: 'GET', target: '/r', headers: await client.headers({ url, token }) }
      return () => verifier.verifyRequest(request)
    })
  )
  await made.pop()?.()
  await nextTurn()
  inline.mockClear()
  pooled.mockClear()
  return made
}

/** Verifies an invalid signature in the event-loop turn of a request. */
async function signature(threads: SignatureThreads) {
  const { publicKey } = await generateKeyPair('ES256', { extractable: true })
  const { x, y } = await exportJWK(publicKey)
  const jwk = { crv: 'P-256', kty: 'EC', x: x as string, y: y as string } as const
  const key = await platform.importKey(jwk, 'ES256')
  return (turn: LoopTurn, length = 64) =>
    verifySignature({ alg: 'ES256', jwk }, key, 'a.b', new Uint8Array(length).fill(1), threads, turn)
}

describe('signatureThreads: auto', () => {
  test('sequential requests are verified on the event loop', async () => {
    for (const verify of await requests(5)) await verify()
    expect(counts()).toEqual({ inline: 5, pooled: 0 })
  })

  test('of concurrent requests the first is verified on the event loop and the rest in the pool', async () => {
    const made = await requests(16)
    expect((await Promise.all(made.map((verify) => verify()))).every((auth) => auth.scheme === 'DPoP')).toBe(true)
    expect(counts()).toEqual({ inline: 1, pooled: 15 })
  })

  test('of requests in several callbacks of one event-loop turn the first two are verified on the event loop', async () => {
    const made = await requests(6)
    const inOneTurn = (some: typeof made) =>
      Promise.all(some.map((verify) => new Promise((resolve) => setImmediate(() => resolve(verify())))))
    await inOneTurn(made.slice(0, 3))
    expect(counts()).toEqual({ inline: 2, pooled: 1 })
    await nextTurn()
    await inOneTurn(made.slice(3))
    expect(counts()).toEqual({ inline: 4, pooled: 2 })
  })

  test('a request of a new client, whose token and proof are both verified, counts as one request', async () => {
    const es256 = await createTestIssuer({ alg: 'ES256' })
    const verifier = createVerifier({ issuer: es256.options, baseUrl: 'https://api.example' })
    const clients = await Promise.all([1, 2, 3, 4].map(() => createTestClient()))
    const made = await Promise.all(
      clients.map(async (client) => await client.headers({ url, token: await es256.issue({ jkt: client.jkt }) }))
    )
    const verify = (headers: { Authorization: string; DPoP: string }) =>
      verifier.verifyRequest({ method: 'GET', target: '/r', headers })
    // The key of the issuer is cached from here on.
    await verify(made.pop() as (typeof made)[number])
    await nextTurn()
    inline.mockClear()
    pooled.mockClear()
    await Promise.all(made.map((headers) => new Promise((resolve) => setImmediate(() => resolve(verify(headers))))))
    const signedBy = (jws: string) => jws.slice(jws.lastIndexOf(' ') + 1, jws.lastIndexOf('.'))
    const signed = made.flatMap(({ Authorization, DPoP }) => [signedBy(Authorization), signedBy(DPoP)])
    const [ranInline, ranInPool] = [inline, pooled].map(({ mock }) => mock.calls.map(([, , signingInput]) => signingInput))
    expect(ranInline?.slice(0, 4)).toEqual(signed.slice(0, 4))
    // The turn may have ended when the pool responds, so the signature of the proof may be verified in either.
    expect(ranInPool?.[0]).toBe(signed[4])
  })

  test.each(['ES384', 'ES512'] as const)('%s, which is slow, is always verified in the pool', async (alg) => {
    for (const verify of await requests(2, 'auto', alg)) await verify()
    expect(counts()).toEqual({ inline: 0, pooled: 2 })
  })

  test.each([
    [4096, { inline: 1, pooled: 0 }],
    [4104, { inline: 0, pooled: 1 }]
  ])('a signature with an RSA key of %i bits is verified where its length permits: %o', async (bits, expected) => {
    const { publicKey } = await generateKeyPair('PS256', { extractable: true })
    const { e, n } = await exportJWK(publicKey)
    const key = await platform.importKey({ e: e as string, kty: 'RSA', n: n as string }, 'PS256')
    // Only the length of the modulus matters; the imported key is shorter.
    const jwk = { e: e as string, kty: 'RSA', n: Buffer.alloc(bits / 8, 0xff).toString('base64url') } as const
    await verifySignature({ alg: 'PS256', jwk }, key, 'a.b', new Uint8Array(256), 'auto', observeLoopTurn())
    expect(counts()).toEqual(expected)
  })

  test('a request that waited is not part of a burst, even if others were verified in the meantime', async () => {
    const verify = await signature('auto')
    const waiting = observeLoopTurn()
    await verify(observeLoopTurn())
    await nextTurn()
    await verify(waiting)
    expect(counts()).toEqual({ inline: 2, pooled: 0 })
  })
})

describe('on a platform without a thread pool', () => {
  beforeEach(() => {
    pooled.mockRestore()
    const bare = platform as { verifyInPool?: unknown }
    const { verifyInPool } = bare
    bare.verifyInPool = undefined
    onTestFinished(() => void Object.assign(platform, { verifyInPool }))
  })

  test.each(['auto', 'pool', 'inline'] as const)('the option signatureThreads %s has no effect', async (threads) => {
    for (const alg of ['ES256', 'ES384'] as const) {
      const made = await requests(3, threads, alg)
      expect(await Promise.all(made.map((verify) => verify()))).toHaveLength(3)
      expect(inline).toHaveBeenCalledTimes(3)
    }
  })

  test('the event loop is not observed, because it may not be that of Node.js', async () => {
    const verify = await signature('auto')
    const [immediate, tick] = [vi.spyOn(globalThis, 'setImmediate'), vi.spyOn(process, 'nextTick')]
    for (let i = 0; i < 3; i++) expect(verify(observeLoopTurn())).toBe(false)
    expect([immediate.mock.calls, tick.mock.calls]).toEqual([[], []])
  })
})

test('signatureThreads: inline does not observe the event loop', async () => {
  const verify = await signature('inline')
  const immediate = vi.spyOn(globalThis, 'setImmediate')
  for (let i = 0; i < 3; i++) expect(verify(observeLoopTurn())).toBe(false)
  expect(immediate).not.toHaveBeenCalled()
})

test.each<[SignatureThreads, object]>([
  ['inline', { inline: 4, pooled: 0 }],
  ['pool', { inline: 0, pooled: 4 }]
])('signatureThreads: %s also applies to slow algorithms', async (threads, expected) => {
  for (const alg of ['ES256', 'ES384'] as const) {
    const made = await requests(4, threads, alg)
    await Promise.all(made.map((verify) => verify()))
    expect(counts()).toEqual(expected)
  }
})

test.each(['inline', 'pool'] as const)('an invalid signature is rejected with signatureThreads: %s', async (threads) => {
  const verify = await signature(threads)
  for (const length of [63, 64, 65]) expect(await verify(observeLoopTurn(), length)).toBe(false)
})
