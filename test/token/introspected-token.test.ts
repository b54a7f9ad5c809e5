import { describe, expect, it } from 'vitest'
import type { IssuerConfig } from '../../src/config/issuers.js'
import { checkIntrospected } from '../../src/token/introspected-token.js'
import { NOW, NOW_MS } from '../support/world.js'

const issuer: IssuerConfig = {
  issuer: 'https://issuer.example',
  audience: ['https://api.example', 'urn:api'],
  algorithms: [],
  token: { type: 'at+jwt', requiredClaims: ['iss', 'aud', 'exp'], scopes: undefined, clockToleranceSeconds: 5 },
  jwksUri: undefined,
  jwks: undefined,
  introspection: undefined
}
const TOLERANCE_SECONDS = 5
const check = (members: Record<string, unknown>) => () => checkIntrospected(members, issuer, NOW_MS + 999)
const jkt = 'x'

describe('the introspection response of an active token is validated (RFC 7662 §4)', () => {
  it.each<Record<string, unknown>>([
    {},
    { iss: 'https://issuer.example' },
    { aud: 'https://api.example' },
    { aud: ['x', 'urn:api'] },
    { exp: NOW - TOLERANCE_SECONDS + 1 },
    { exp: NOW + 0.5 },
    { exp: 1e300 },
    { nbf: NOW + TOLERANCE_SECONDS },
    { nbf: 0 },
    { token_type: 'DPoP', cnf: { jkt } },
    { token_type: 'dPoP', cnf: { jkt } },
    { token_type: 'Bearer', cnf: {} },
    { token_type: 'Bearer' },
    { cnf: { jkt } }
  ])('accepts %j', (members) => {
    expect(check(members)).not.toThrow()
  })

  it.each<Record<string, unknown>>([{ exp: NOW - TOLERANCE_SECONDS }, { exp: 0 }, { exp: -1 }])(
    'rejects %j as expired',
    (members) => {
      expect(check(members)).toThrow(expect.objectContaining({ code: 'ERR_DPOP_TOKEN_EXPIRED' }))
    }
  )

  it.each<[fault: string, values: unknown[]]>([
    ['iss is', ['https://issuer.example/', 'https://ISSUER.example', '', null, 7, ['https://issuer.example']]],
    ['aud is', ['https://api.example/', '', null, 7, [], ['x'], {}, [['urn:api', 'x']]]],
    ['exp is not a number', [String(NOW + 60), '0', '', null, true, [], {}]],
    [`nbf is ${TOLERANCE_SECONDS + 1} seconds in the future`, [NOW + TOLERANCE_SECONDS + 1]],
    ['nbf is not a NumericDate', ['0', '', null, false, [], {}, 1e300]],
    ['iat is not a NumericDate', ['0', '', null, true, [], {}, 1e300]]
  ])('rejects a member if %s, including its type', (fault, values) => {
    const member = fault.slice(0, 3)
    const detail = { reason: expect.stringContaining(`introspection response: ${fault}`) }
    for (const value of values)
      expect(check({ [member]: value }), JSON.stringify(value)).toThrow(
        expect.objectContaining({ code: 'ERR_DPOP_TOKEN_INVALID', detail })
      )
  })

  it.each<Record<string, unknown>>([
    { token_type: 'Bearer', cnf: { jkt } },
    { token_type: 'N_A', cnf: { jkt } },
    { token_type: '', cnf: { jkt } },
    { token_type: null, cnf: { jkt } },
    { token_type: 7, cnf: { jkt } },
    { token_type: 'DPoP' },
    { token_type: 'DPoP', cnf: null },
    { token_type: 'DPoP', cnf: 'jkt' },
    { token_type: 'DPoP', cnf: {} },
    { token_type: 'DPoP', cnf: Object.create({ jkt }) }
  ])('rejects a token_type that does not match the binding (RFC 9449 §6.2): %j', (members) => {
    const detail = { reason: 'introspection response: token_type does not match cnf' }
    expect(check(members)).toThrow(expect.objectContaining({ code: 'ERR_DPOP_TOKEN_INVALID', detail }))
  })
})
