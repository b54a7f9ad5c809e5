import { generateKeyPairSync, sign, verify } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { toDer } from '../../src/crypto/ecdsa-signature.js'

const hex = (bytes: Uint8Array) => Buffer.from(bytes).toString('hex')
const raw = (r: string, s: string, octets = 32) => Buffer.from(r.padStart(octets * 2, '0') + s.padStart(octets * 2, '0'), 'hex')

describe('toDer converts R‖S to DER (RFC 7518 §3.4, ITU-T X.690 §8.3)', () => {
  it.each([
    ['leading zeros are removed', raw('01', '02'), '3006020101020102'],
    ['a zero octet precedes a number whose first bit is 1', raw('80', 'ff'), '3008020200800202 00ff'.replace(' ', '')],
    ['no zero octet precedes a number whose first bit is 0', raw('7f', '0100'), '300702017f02020100'],
    ['zero is one octet', raw('00', '00'), '3006020100020100'],
    ['both numbers have 32 octets', raw('f'.repeat(64), '1'.repeat(64)), `3045022100${'f'.repeat(64)}0220${'1'.repeat(64)}`],
    [
      'a length of 127 is encoded in one octet',
      raw('1'.repeat(122), '1'.repeat(124), 66),
      `307f023d${'1'.repeat(122)}023e${'1'.repeat(124)}`
    ],
    [
      'a length of 128 is encoded in two octets',
      raw('1'.repeat(124), '1'.repeat(124), 66),
      `308180023e${'1'.repeat(124)}023e${'1'.repeat(124)}`
    ],
    [
      'a length above 128 is encoded in two octets',
      raw('f'.repeat(132), '1'.repeat(132), 66),
      `30818902430 0${'f'.repeat(132)}0242${'1'.repeat(132)}`.replace(' ', '')
    ]
  ])('%s', (_title, signature, expected) => {
    expect(hex(toDer(signature))).toBe(expected)
  })

  it.each([
    ['P-256', 'sha256', 32],
    ['P-384', 'sha384', 48],
    ['P-521', 'sha512', 66]
  ])('%s: node:crypto verifies the converted signature', (namedCurve, digest, octets) => {
    const { privateKey, publicKey: key } = generateKeyPairSync('ec', { namedCurve })
    for (let i = 0; i < 50; i++) {
      const data = Buffer.from(String(i))
      const signature = sign(digest, data, { key: privateKey, dsaEncoding: 'ieee-p1363' })
      expect(signature).toHaveLength(octets * 2)
      expect(verify(digest, data, key, toDer(signature))).toBe(true)
    }
  })

  it('the DER of any octets has the same two numbers', () => {
    fc.assert(
      fc.property(fc.constantFrom(32, 48, 66), fc.infiniteStream(fc.nat(255)), (octets, stream) => {
        const signature = Uint8Array.from([...stream.take(octets * 2)])
        const der = Buffer.from(toDer(signature))
        let at = der[1] === 0x81 ? 3 : 2
        expect(der[0]).toBe(0x30)
        expect(der[at - 1]).toBe(der.length - at)
        for (const half of [signature.subarray(0, octets), signature.subarray(octets)]) {
          const length = der[at + 1] as number
          const number = der.subarray(at + 2, at + 2 + length)
          expect(der[at]).toBe(0x02)
          expect(number[0]).toBeLessThan(0x80)
          expect(BigInt(`0x${hex(number)}`)).toBe(BigInt(`0x${hex(half)}`))
          if (length > 1 && number[0] === 0) expect(number[1]).toBeGreaterThan(0x7f)
          at += 2 + length
        }
        expect(at).toBe(der.length)
      }),
      { seed: 9449 }
    )
  })
})
