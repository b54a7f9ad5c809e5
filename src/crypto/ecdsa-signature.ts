/** Converts ECDSA signatures from the JOSE format (R‖S, RFC 7518 §3.4) to DER. @module */

const SEQUENCE = 0x30
const INTEGER = 0x02
const LENGTH_IN_ONE_MORE_OCTET = 0x81

/** Size of the longest DER signature, 3 + 2 × (2 + 67): a header, and two integers of 66 octets with a sign octet and a header each. */
const der = new Uint8Array(141)

/** The DER encoding of an R‖S signature of at most 132 octets. The result is overwritten by the next call. */
export function toDer(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2
  const end = putInteger(raw, half, raw.length, putInteger(raw, 0, half, 3))
  const contentLength = end - 3
  der[2] = contentLength
  // A length above 127 takes two octets (ITU-T X.690 §8.1.3), so the header starts one octet earlier.
  const start = contentLength > 127 ? 0 : 1
  der[1] = LENGTH_IN_ONE_MORE_OCTET
  der[start] = SEQUENCE
  return der.subarray(start, end)
}

/** Writes an unsigned integer at `at` with minimal length, plus a sign octet if its first bit is set. Returns its end. */
function putInteger(raw: Uint8Array, from: number, to: number, at: number): number {
  let first = from
  while (first < to - 1 && raw[first] === 0) first++
  const sign = (raw[first] as number) > 0x7f ? 1 : 0
  der[at] = INTEGER
  der[at + 1] = to - first + sign
  der[at + 2] = 0
  let end = at + 2 + sign
  for (let i = first; i < to; i++) der[end++] = raw[i] as number
  return end
}
