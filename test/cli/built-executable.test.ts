/** The executable of the built package. Mutation testing leaves this file out, because it has no built package. */

import { spawnSync } from 'node:child_process'
import { expect, test } from 'vitest'

test('dpop-guard explain: an invalid request is a usage error with status 2', () => {
  const { status, stdout, stderr } = spawnSync(process.execPath, ['dist/src/cli/main.js', 'explain', '--json'], {
    input: 'nonsense',
    encoding: 'utf8'
  })
  expect([status, stdout]).toEqual([2, ''])
  expect(stderr).toContain('dpop-guard: ')
})
