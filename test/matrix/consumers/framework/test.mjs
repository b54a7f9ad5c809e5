/** The app that `FRAMEWORK` names: a bound token is accepted once, and rejected with another key and without credentials. */

import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'
import { apps } from './apps.mjs'

test(process.env.FRAMEWORK, async (t) => {
  const baseUrl = 'https://api.example'
  const [issuer, client, attacker] = await Promise.all([createTestIssuer(), createTestClient(), createTestClient()])
  const { port, close } = await apps[process.env.FRAMEWORK]({ issuer: issuer.options, baseUrl })
  t.after(close)
  const token = await issuer.issue({ jkt: client.jkt })
  const url = `${baseUrl}/notes`
  const headers = await client.headers({ url, token })
  const responses = []
  for (const sent of [headers, headers, await attacker.headers({ url, token }), {}])
    responses.push(await fetch(`http://127.0.0.1:${port}/notes`, { headers: sent }))
  assert.deepEqual(
    responses.map(({ status }) => status),
    [200, 401, 401, 401]
  )
  assert.deepEqual(await responses[0].json(), { owner: 'user' })
  for (const response of responses.slice(1)) assert.match(response.headers.get('www-authenticate'), /^DPoP /)
})
