/** ECDSA signatures from the form of JOSE (R and S side by side, RFC 7518 §3.4) to that of X.509 (DER). @module */

/** The DER form of a raw R‖S signature of 64, 96 or 132 octets. */
export function toDer(raw: Uint8Array): Uint8Array {
  const half = raw.length / 2
  const r = firstOctet(raw, 0, half)
  const s = firstOctet(raw, half, raw.length)
  const rLength = half - r.start + r.pad
  const sLength = raw.length - s.start + s.pad
  const content = 4 + rLength + sLength
  const long = content > 127 ? 1 : 0
  const der = new Uint8Array(2 + long + content)
  der[0] = 0x30
  if (long) der[1] = 0x81
  der[1 + long] = content
  der[2 + long] = 0x02
  der[3 + long] = rLength
  der.set(raw.subarray(r.start, half), 4 + long + r.pad)
  const second = 4 + long + rLength
  der[second] = 0x02
  der[second + 1] = sLength
  der.set(raw.subarray(s.start), second + 2 + s.pad)
  return der
}

/** Where the significant octets of an unsigned integer begin, and whether DER needs a zero octet before them. */
function firstOctet(raw: Uint8Array, from: number, to: number): { start: number; pad: 0 | 1 } {
  let start = from
  while (start < to - 1 && raw[start] === 0) start++
  return { start, pad: (raw[start] as number) > 0x7f ? 1 : 0 }
}
