import { describe, expect, test } from 'vitest'
import { findOutdatedRows, type InteropResult, tableOf } from './table.mjs'

const jose: InteropResult = { name: 'José', language: 'C', version: '11', accepted: ['ES256', 'PS256'], rejected: ['ES256K'] }
const pyJwt: InteropResult = { name: 'PyJWT', language: 'Python', version: '2.6.0', accepted: ['EdDSA'], rejected: [] }

describe('the interoperability table', () => {
  test('has a row for each implementation, also where it fails or is not installed', () => {
    const { version: _, ...missing } = pyJwt
    const failed = { ...jose, name: 'go-jose', language: 'Go', failure: 'ES256: the program ended' }
    expect(tableOf([jose, missing, failed]).split('\n')).toEqual([
      '| implementation | version | language | accepted | rejected |',
      '|---|---|---|---|---|',
      '| José | 11 | C | ES256, PS256 | ES256K |',
      '| PyJWT | not installed | Python | | |',
      '| go-jose | 11 | Go | fails | |'
    ])
  })

  test('is up to date if only versions differ', () => {
    const committed = `\n${tableOf([jose, pyJwt])}\n`
    expect(findOutdatedRows(committed, [{ ...jose, version: '14' }, pyJwt])).toEqual([])
  })

  test('is up to date where an implementation is not installed', () => {
    const { version: _, ...missing } = { ...pyJwt, accepted: [] }
    expect(findOutdatedRows(tableOf([jose, pyJwt]), [jose, missing])).toEqual([])
  })

  test('is outdated if an implementation has another algorithm, is new, or was removed', () => {
    const committed = tableOf([jose])
    const another = { ...jose, accepted: ['ES256'] }
    expect(findOutdatedRows(committed, [another])).toEqual(['| José | C | ES256 | ES256K |'])
    expect(findOutdatedRows(committed, [jose, pyJwt])).toEqual(['| PyJWT | Python | EdDSA | |'])
    expect(findOutdatedRows(committed, [])).toEqual(['| José | C | ES256, PS256 | ES256K |'])
  })

  test('is outdated if it was committed without an implementation that is installed now', () => {
    const { version: _, ...missing } = pyJwt
    expect(findOutdatedRows(tableOf([missing]), [pyJwt])).toEqual(['| PyJWT | Python | EdDSA | |'])
  })
})
