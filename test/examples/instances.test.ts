/** `npm run demo -- --instances 4 --redis`: a proof is accepted once by four instances, one per framework. Runs the built package. */

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import { expect, it } from 'vitest'
import { describeSharedRedis } from '../support/redis.js'

async function demo(...args: string[]) {
  const script = fileURLToPath(new URL('../../examples/demo.mjs', import.meta.url))
  const child = spawn(process.execPath, [script, ...args])
  const [output, errors, [code]] = await Promise.all([text(child.stdout), text(child.stderr), once(child, 'close')])
  const section = output.split('\n\n').find((one) => one.startsWith('4 instances ')) ?? ''
  return { code, errors, lines: section.split('\n').slice(1), summary: output.trimEnd().split('\n\n').at(-1) }
}

describeSharedRedis('four instances of the API', () => {
  it('on one Redis accept one of the copies of a proof that is sent concurrently to all of them', async () => {
    const { code, errors, lines, summary } = await demo('--instances', '4', '--redis')
    expect(errors).toBe('')
    expect(code).toBe(0)
    expect(lines).toHaveLength(4)
    for (const line of lines) {
      const responses = line.replace(/^ {2}✓ {2}\d {2}/, '').split(', ')
      expect(responses.toSorted()).toEqual(['200', ...Array(3).fill('401 ERR_DPOP_PROOF_REPLAYED')])
    }
    expect(summary).toMatch(/^✓ 65 of 65 .*, 4 of 4 proofs accepted once by all instances, in \d+\.\d s$/)
  }, 90_000)

  it('with a memory store each fail the demo, and every instance emits the warning', async () => {
    const { code, errors, lines } = await demo('--instances', '4')
    expect(code).toBe(1)
    expect(lines).toEqual([1, 2, 3, 4].map((proof) => `  ✗  ${proof}  accepted 4 times: 200, 200, 200, 200`))
    expect(errors.match(/\[DPOP_GUARD_LONE_MEMORY\]/g)).toHaveLength(4)
  }, 90_000)
})
