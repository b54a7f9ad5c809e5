import { generateKeyPairSync, sign } from 'node:crypto'
import {
  createVerifier,
  isDPoPError,
  isDPoPUnavailableError,
  type PlainRequest,
  type VerifiedRequest,
  type Verifier
} from 'dpop-guard'
import fc from 'fast-check'
import { compactVerify, createLocalJWKSet, EmbeddedJWK, jwtVerify } from 'jose'
import { beforeAll, describe, expect } from 'vitest'
import { platform } from '../../src/crypto/node.js'
import { challengesOf } from '../support/challenge-parser.js'
import { BASE_URL, createWorld, encode, NOW, verdictOf, type World } from '../support/world.js'
import { anyJson, anyText, fuzz } from './fuzz.js'

let world: World
let verifier: Verifier
beforeAll(async () => {
  world = await createWorld()
  verifier = createVerifier({ ...world.options, allowBearer: true, replay: false })
})

/** The outcome of a request: the result, or a DPoPError. */
async function outcomeOf(request: PlainRequest): Promise<VerifiedRequest | undefined> {
  try {
    return await verifier.verifyRequest(request)
  } catch (error) {
    // The keys are configured and no hook can fail, so that no request may result in 503.
    if (!isDPoPError(error)) throw error
    expect(challengesOf(error.headers).length).toBeGreaterThan(0)
    expect(error.getResponse().status).toBe(error.status)
    return undefined
  }
}

/** A JWS with arbitrary segments: JSON, strings, or valid ones. */
const segment = fc.oneof(
  anyJson.map(encode),
  anyText,
  anyText.map(encode),
  fc.constantFrom(
    encode({ typ: 'dpop+jwt', alg: 'ES256' }),
    encode({ typ: 'at+jwt', alg: 'ES256', kid: 'x' }),
    encode({ iss: 'https://issuer.example' })
  )
)
const anyJws = fc.oneof(
  anyText,
  fc.tuple(segment, segment, segment).map((segments) => segments.join('.'))
)

describe('any request results in acceptance or in a DPoPError with a valid challenge', () => {
  const scheme = fc.oneof(
    { weight: 5, arbitrary: fc.constantFrom('DPoP ', 'Bearer ', 'dpop  ') },
    { weight: 1, arbitrary: anyText }
  )
  fuzz('any credentials', [scheme, anyJws, anyJws, anyText], 1500, async (prefix, token, dpop, target) => {
    expect(await outcomeOf({ method: 'GET', target, headers: { authorization: prefix + token, dpop } })).toBeUndefined()
  })

  const mutation = fc.record({ at: fc.nat(), drop: fc.nat(3), put: fc.oneof(anyText, fc.base64String({ maxLength: 3 })) })
  fuzz(
    'a valid request with a few characters changed',
    [fc.constantFrom('Authorization', 'DPoP'), mutation],
    150,
    async (name, { at, drop, put }) => {
      const request = await world.request()
      const headers = { ...(request.headers as Record<string, string>) }
      const line = headers[name] as string
      const begin = at % line.length
      headers[name] = line.slice(0, begin) + put + line.slice(begin + drop)
      const outcome = await outcomeOf({ ...request, headers })
      if (outcome !== undefined) expect(headers[name]?.trim().replace(/^dpop +/i, '')).toBe(line.replace(/^DPoP /, ''))
    }
  )

  fuzz('a signed proof with any value of a claim', [claimOfProof(), anyJson], 300, async (name, value) => {
    await outcomeOf(await world.request({ claims: { [name]: value } }))
  })

  const tokenClaim = fc.constantFrom('iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'client_id', 'jti', 'scope', 'cnf')
  fuzz('a signed token with any value of a claim', [tokenClaim, anyJson], 300, async (name, value) => {
    await outcomeOf(await world.request({ tokenSpec: { claims: { [name]: value } } }))
  })

  fuzz(
    'a token with any header',
    [
      fc.dictionary(
        fc.constantFrom('alg', 'typ', 'kid', 'crit', 'b64', 'jwk', 'jku', 'x5c', 'zip', 'enc', '__proto__'),
        fc.oneof(anyJson, fc.constantFrom('ES256', 'at+jwt', 'none', 'HS256', 'RS256', ['b64'], ['exp'], 'DEF'))
      )
    ],
    250,
    async (extra) => {
      const token = await world.issuer.issue({ jkt: world.client.jkt })
      const [, payload, signature] = token.split('.')
      const header = encode({ alg: 'ES256', typ: 'at+jwt', kid: world.issuer.jwks.keys[0]?.['kid'], ...extra })
      await outcomeOf(await world.request({ token: `${header}.${payload}.${signature}` }))
    }
  )
})

describe('caches do not change the result', () => {
  const change = fc.record({
    claims: fc.dictionary(claimOfProof(), anyJson, { maxKeys: 1 }),
    header: fc.dictionary(fc.constantFrom('typ', 'kid', 'jwk', 'jku'), anyJson, { maxKeys: 1 }),
    isAttacker: fc.boolean(),
    cut: fc.nat(2)
  })
  fuzz(
    'a verifier that has cached token and key has the same result for any proof as a new one',
    [change],
    200,
    async ({ claims, header, isAttacker, cut }) => {
      const token = await world.issuer.issue({ jkt: world.client.jkt })
      const fresh = createVerifier(world.options)
      const warm = createVerifier(world.options)
      await warm.verifyRequest(await world.request({ token }))
      const client = isAttacker ? world.attacker : world.client
      const request = await world.request({ token, client, claims, header })
      const { Authorization, DPoP } = request.headers as Record<string, string>
      const headers = { Authorization, DPoP: DPoP?.slice(0, DPoP.length - cut) }
      const verdicts = [fresh, warm].map((one) => verdictOf(one.verifyRequest({ ...request, headers })))
      expect(await verdicts[1]).toBe(await verdicts[0])
    }
  )
})

function claimOfProof() {
  return fc.constantFrom('jti', 'htm', 'htu', 'iat', 'ath', 'exp', 'nbf', 'nonce', '__proto__')
}

describe('differential', () => {
  const { privateKey: key, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
  const jwk = publicKey.export({ format: 'jwk' })
  let token: string
  let ath: string
  beforeAll(async () => {
    const { calculateJwkThumbprint } = await import('jose')
    token = await world.issuer.issue({ jkt: await calculateJwkThumbprint(jwk as never) })
    ath = await platform.sha256(token)
  })

  /** JSON serialized unlike JSON.stringify: whitespace, escapes, duplicate and unknown members. */
  const serialization = fc.record({
    space: fc.constantFrom('', ' ', '\n', '\t '),
    isEscaped: fc.boolean(),
    twice: fc.boolean(),
    extra: fc.dictionary(
      fc.constantFrom('kid', 'jku', 'x5c', 'cty', 'a', '__proto__', 'crit', 'b64', 'zip', 'jwk', 'alg', 'typ'),
      anyJson,
      { maxKeys: 2 }
    ),
    isExtraLast: fc.integer({ min: 0, max: 9 }).map((n) => n === 0)
  })
  type Serialization = typeof serialization extends fc.Arbitrary<infer Value> ? Value : never
  function serialize(members: object, { space, isEscaped, twice, extra, isExtraLast }: Serialization): string {
    const all = isExtraLast ? { ...members, ...extra } : { ...extra, ...members }
    const parts = Object.entries(all).map(([name, value]) => `${JSON.stringify(name)}${space}:${space}${JSON.stringify(value)}`)
    if (twice) parts.unshift(...parts)
    const json = `{${space}${parts.join(`${space},`)}}${space}`
    return isEscaped
      ? json.replace(/[a-z](?=[a-z]*")/g, (char) => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
      : json
  }

  fuzz(
    'jose accepts every proof that is accepted here, with the same claims',
    [serialization, serialization, fc.constantFrom('', '', '', '', '=', 'A', '.', ' ')],
    300,
    async (head, body, tail) => {
      const header = serialize({ typ: 'dpop+jwt', alg: 'ES256', jwk }, head)
      const payload = serialize({ jti: 'x', htm: 'GET', htu: `${BASE_URL}/notes`, iat: NOW, ath }, body)
      const input = `${encode(header)}.${encode(payload)}`
      const proof = `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}${tail}`
      const auth = await outcomeOf({ method: 'GET', target: '/notes', headers: { authorization: `DPoP ${token}`, dpop: proof } })
      if (auth === undefined) return
      const verified = await compactVerify(proof.trim(), EmbeddedJWK)
      expect(auth.proof?.claims).toEqual(JSON.parse(new TextDecoder().decode(verified.payload)))
      expect(verified.protectedHeader).toMatchObject({ typ: 'dpop+jwt', alg: 'ES256' })
    }
  )

  const times = [NOW - 61, NOW - 5, NOW - 4, NOW, NOW + 5, NOW + 6, NOW + 60, NOW + 0.5, '1', null]
  /** A few members of an object with one of these values each. */
  const few = (values: Record<string, unknown[]>) =>
    fc
      .array(fc.constantFrom(...Object.entries(values).flatMap(([name, list]) => list.map((value) => [name, value] as const))), {
        maxLength: 2
      })
      .map((entries) => Object.fromEntries(entries))
  const tokenClaims = few({
    iss: ['https://issuer.example/', 'https://other.example', ['https://issuer.example']],
    aud: [[BASE_URL], ['x', BASE_URL], [], 'x', { 0: BASE_URL }],
    exp: times,
    nbf: times,
    iat: times
  })
  const tokenHeader = few({
    typ: ['AT+JWT', 'application/at+jwt', 'JWT', 'application/application/at+jwt', '/at+jwt', null],
    alg: ['es256', 'ES384', 'none', 'HS256'],
    kid: ['x', 7, null]
  })
  const published = few({
    kid: ['x', 7],
    use: ['sig', 'enc', 7],
    alg: ['ES256', 'ES384', 'RS256', 7],
    key_ops: [['verify'], ['sign'], [], 'verify']
  })

  fuzz(
    'jose accepts every access token that is accepted here, with the same key set and claims',
    [tokenHeader, tokenClaims, serialization, serialization, published, fc.constantFrom('', '', '', '', '=', 'A')],
    250,
    async (header, claims, head, body, extra, tail) => {
      const defaults = claimsOf(token)
      const input = [
        serialize({ typ: 'at+jwt', alg: 'ES256', kid: 'k', ...header }, head),
        serialize({ ...defaults, ...claims }, body)
      ]
        .map(encode)
        .join('.')
      const text = `${input}.${sign('sha256', Buffer.from(input), { key, dsaEncoding: 'ieee-p1363' }).toString('base64url')}${tail}`
      const jwks = { keys: [{ ...jwk, kid: 'k', ...extra }] }
      const issuer = { issuer: 'https://issuer.example', jwks } as const
      const auth = await createVerifier({ ...world.options, issuer, allowBearer: true })
        .verifyRequest({ method: 'GET', target: '/notes', headers: { authorization: `Bearer ${text}` } })
        .catch((error) => (isDPoPError(error) || isDPoPUnavailableError(error) ? undefined : Promise.reject(error)))
      if (auth === undefined) return
      const verified = await jwtVerify(text, createLocalJWKSet(jwks as never), {
        issuer: issuer.issuer,
        audience: BASE_URL,
        algorithms: ['ES256'],
        typ: 'at+jwt',
        requiredClaims: ['exp', 'sub', 'client_id', 'iat', 'jti'],
        clockTolerance: 5,
        currentDate: new Date(world.clock())
      })
      expect(auth.claims).toEqual(verified.payload)
    }
  )
})

/** The claims of an unbound token, which is sent as Bearer. */
function claimsOf(token: string): Record<string, unknown> {
  const { cnf: _, ...claims } = JSON.parse(Buffer.from(token.split('.')[1] as string, 'base64url').toString())
  return claims
}
