import { describe, expect, it } from 'vitest'
import { clientOf } from '../../src/token/client-of.js'

const iss = 'https://issuer.example'

describe('clientOf', () => {
  it('is the same for all tokens of an issuer for one key', () => {
    expect(clientOf({ iss, cnf: { jkt: 'a' }, sub: '1' })).toBe(clientOf({ iss, cnf: { jkt: 'a' }, sub: '2' }))
  })

  it.each([
    ['two issuers name the same key', { iss, cnf: { jkt: 'a' } }, { iss: 'https://other.example', cnf: { jkt: 'a' } }],
    ['the tokens have different keys', { iss, cnf: { jkt: 'a' } }, { iss, cnf: { jkt: 'b' } }],
    ['the tokens have different certificates', { iss, cnf: { 'x5t#S256': 'a' } }, { iss, cnf: { 'x5t#S256': 'b' } }],
    ['unbound tokens have different subjects', { iss, sub: '1' }, { iss, sub: '2' }],
    ['unbound tokens have different clients', { iss, sub: '1', client_id: 'a' }, { iss, sub: '1', client_id: 'b' }],
    ['unbound tokens have different issuers', { iss, sub: '1' }, { iss: 'https://other.example', sub: '1' }]
  ])('differs if %s', (_, first, second) => {
    expect(clientOf(first)).not.toBe(clientOf(second))
  })
})
