/** `npm run demo:mcp` passes and prints its result. Runs the built package. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

it('the MCP demo signs in, calls tools, follows a stream and rejects a stolen token', async () => {
  const script = fileURLToPath(new URL('../../examples/mcp/demo.mjs', import.meta.url))
  const child = spawn(process.execPath, [script])
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  expect(errors).toBe('')
  const lines = output.trimEnd().split('\n')
  expect(lines[0]).toMatch(/^MCP over Streamable HTTP with DPoP: http:\/\/127\.0\.0\.1:\d+\/mcp, authorization server http:/)
  expect(lines.slice(2, -2).map((line) => line.replace(/^ {2}✓ .{44} /, ''))).toEqual([
    'notes:read',
    'DPoP',
    'Water the plants',
    'Buy milk',
    'notes:read notes:write',
    'Call Bob',
    'following, Call Bob',
    '401 invalid_token',
    '401 invalid_token',
    '401 invalid_dpop_proof'
  ])
  expect(lines.at(-1)).toBe('✓ 10 steps passed')
  expect(code).toBe(0)
})
