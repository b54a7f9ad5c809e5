/** Workers of node:cluster with a memory store each emit the warning. */

import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

it('two workers each emit the warning once, on the channel and as a warning of Node.js', async () => {
  const script = fileURLToPath(new URL('./cluster-worker.mjs', import.meta.url))
  const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [output, errors] = await Promise.all([text(child.stdout), text(child.stderr)])
  const reported = output
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const published = { code: 'DPOP_GUARD_LONE_MEMORY', message: expect.stringMatching(/"replay".*redisReplayStore\(\)/) }
  const warning = { name: 'DPoPGuardWarning', code: 'DPOP_GUARD_LONE_MEMORY' }
  expect(reported).toEqual([1, 2].map(() => ({ published: [published], warned: [warning] })))
  expect(errors.match(/DPOP_GUARD_LONE_MEMORY/g)).toHaveLength(2)
})
