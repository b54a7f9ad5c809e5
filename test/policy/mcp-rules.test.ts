/** The rules of MCP servers that the header fields decide, before the body is read (MCP 2026-07-28). */

import { describe, expect, it } from 'vitest'
import {
  findOriginError,
  hasRequiredFields,
  headerMismatch,
  type McpOptions,
  type ReadHeader,
  toolOf,
  toRules
} from '../../src/policy/mcp-rules.js'

const reading =
  (fields: Record<string, string>): ReadHeader =>
  (name) =>
    fields[name]

const encoded = (name: string) => `=?base64?${Buffer.from(name).toString('base64')}?=`

describe('toRules', () => {
  it.each([null, [], 'delete', 1])('toolScopes: %j is a TypeError', (toolScopes) => {
    expect(() => toRules({ toolScopes } as unknown as McpOptions)).toThrow(
      new TypeError('"toolScopes" must be an object of scopes by tool name')
    )
  })

  it('has no origins by default, and names the option of invalid ones', () => {
    expect([...toRules({}).allowedOrigins]).toEqual([])
    expect(() => toRules({ allowedOrigins: [1] } as unknown as McpOptions)).toThrow(/^"allowedOrigins" must be/)
    expect(() => toRules({ allowedOrigins: ['https://app.example/'] })).toThrow(
      new TypeError('"allowedOrigins" must contain only origins, such as https://app.example')
    )
  })
})

describe('toolOf', () => {
  const call = (name: string) => toolOf(reading({ 'mcp-method': 'tools/call', 'mcp-name': name }))

  it('is the name of the tool of a tools/call request only', () => {
    expect(call('delete')).toBe('delete')
    expect(toolOf(reading({ 'mcp-method': 'tools/list', 'mcp-name': 'delete' }))).toBeUndefined()
    expect(toolOf(reading({ 'mcp-method': 'tools/call' }))).toBeUndefined()
  })

  it.each(['a', 'ab', 'abc', 'größe', ''])('decodes the name %j', (name) => {
    expect(call(encoded(name))).toBe(name)
  })

  it.each([
    ['no padding', '=?base64?YQ?='],
    ['other characters', '=?base64?Y Q==?='],
    ['base64url', '=?base64?-_-_?='],
    ['no UTF-8', '=?base64?/w==?=']
  ])('is undefined for a name with %s', (_, name) => {
    expect(call(name)).toBeUndefined()
  })

  it.each(['x=?base64?YQ==?=', '=?base64?YQ==?=x'])('%s is not encoded', (name) => {
    expect(call(name)).toBe(name)
  })
})

describe('hasRequiredFields', () => {
  const rules = toRules({ toolScopes: { delete: ['notes:delete'] } })
  const fields = { 'mcp-protocol-version': '2026-07-28', 'mcp-method': 'tools/call', 'mcp-name': 'delete' }

  it('accepts a request that names revision, method and tool, and one of a later revision', () => {
    expect(hasRequiredFields('POST', reading(fields), rules)).toBe(true)
    expect(hasRequiredFields('POST', reading({ ...fields, 'mcp-protocol-version': '2027-01-01' }), rules)).toBe(true)
  })

  it.each(['', '2025-11-25', 'x2026-07-28', '2026-07-28x', 'z026-07-28'])('rejects the revision %j', (version) => {
    expect(hasRequiredFields('POST', reading({ ...fields, 'mcp-protocol-version': version }), rules)).toBe(false)
  })

  it('rejects a request without the revision', () => {
    const { 'mcp-protocol-version': _, ...rest } = fields
    expect(hasRequiredFields('POST', reading(rest), rules)).toBe(false)
  })

  it('requires nothing of other methods, and without scopes of tools', () => {
    expect(hasRequiredFields('GET', reading({}), rules)).toBe(true)
    expect(hasRequiredFields('POST', reading({}), toRules({}))).toBe(true)
  })

  it('has a JSON-RPC response for a request without them', () => {
    expect(headerMismatch).toMatchObject({ jsonrpc: '2.0', id: null, error: { code: -32_020 } })
  })
})

describe('findOriginError', () => {
  const rules = toRules({ allowedOrigins: ['https://app.example'] })

  it('is ERR_DPOP_ACCESS_DENIED for an origin that is not allowed, and nothing without one', () => {
    expect(findOriginError(reading({ origin: 'https://other.example' }), rules)?.code).toBe('ERR_DPOP_ACCESS_DENIED')
    expect(findOriginError(reading({ origin: 'https://app.example' }), rules)).toBeUndefined()
    expect(findOriginError(reading({}), rules)).toBeUndefined()
  })
})
