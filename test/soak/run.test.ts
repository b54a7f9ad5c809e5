/** A short run of the endurance test. Runs the built package. */

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'

const script = fileURLToPath(new URL('./run.mjs', import.meta.url))

function run(...args: string[]): { stdout: string; stderr: string; status: number | null } {
  return spawnSync(process.execPath, [script, ...args], { encoding: 'utf8', timeout: 60_000 })
}

it('prints ten samples and the number of each kind of request, without progress if there is no terminal', () => {
  const { stdout, stderr } = run('--minutes', '0.1', '--clients', '50', '--rate', '60', '--framework', 'fastify')
  expect(stderr).toBe('')
  expect(stdout.match(/^ +0\.\d +\d+ .* 0$/gm)).toHaveLength(10)
  expect(stdout).toMatch(/first 100, .*valid \d+/)
}, 60_000)

it.each([
  ['--minutes', '0', '"--minutes" must be from 0.1 to 10000'],
  ['--rate', 'x', '"--rate" must be from 1 to 100000'],
  ['--clients', '0', '"--clients" must be from 1 to 1000000'],
  ['--framework', 'rails', '"--framework" must be one of express, '],
  ['--store', 'disk', '"--store" must be memory or redis']
])('rejects %s %s', (name, value, message) => {
  const { stderr, status } = run(name, value)
  expect(stderr).toContain(message)
  expect(status).toBe(1)
})
