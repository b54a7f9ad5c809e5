/** The debug log of the built package. Mutation testing leaves this file out, because it has no built package. */

import { spawnSync } from 'node:child_process'
import { describe, expect, test } from 'vitest'

/** A program on the built package that rejects one request and has one outage. */
const program = `
  import { createVerifier } from 'dpop-guard'
  import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
  const [issuer, client] = await Promise.all([createTestIssuer(), createTestClient()])
  const options = { issuer: issuer.options, audience: 'https://api.example', baseUrl: 'https://api.example' }
  const request = async (url) => {
    const token = await issuer.issue({ jkt: client.jkt })
    return { method: 'GET', target: '/notes', headers: await client.headers({ url, token }) }
  }
  await createVerifier(options).verifyRequest(await request('http://api.example/notes')).catch(() => {})
  const replay = { reserve: () => Promise.reject(new Error('ECONNREFUSED')) }
  await createVerifier({ ...options, replay }).verifyRequest(await request('https://api.example/notes')).catch(() => {})
`

function linesWith(env: Record<string, string>): string[] {
  const { stderr, status } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    env: { ...process.env, ...env },
    encoding: 'utf8'
  })
  expect(status).toBe(0)
  return stderr.split('\n').filter((line) => /dpop-guard/i.test(line))
}

describe('NODE_DEBUG=dpop-guard', () => {
  test('prints one line for each rejection and outage', () => {
    const [refusal, outage, ...others] = linesWith({ NODE_DEBUG: 'dpop-guard' })
    expect(refusal).toMatch(
      /^DPOP-GUARD \d+: ERR_DPOP_PROOF_HTU \(RFC 9449 §4\.3 #9\): htu is "http:\/\/api\.example\/notes", expected "https:\/\/api\.example\/notes"; scheme differs/
    )
    expect(outage).toMatch(/^DPOP-GUARD \d+: ERR_DPOP_REPLAY_STORE_UNAVAILABLE: Error "ECONNREFUSED"; check the replay store/)
    expect(others).toEqual([])
  })

  test('prints nothing without it', () => {
    expect(linesWith({ NODE_DEBUG: '' })).toEqual([])
  })
})
