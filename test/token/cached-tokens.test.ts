/** The caches of verified tokens: the tokens of one client do not evict those of another. */

import { tracingChannel } from 'node:diagnostics_channel'
import { createVerifier, type VerifyMessage } from 'dpop-guard'
import { expect, it, onTestFinished } from 'vitest'
import { createIntrospectionWorld } from '../support/introspection-world.js'
import { createWorld } from '../support/world.js'

/** More than the entries of one client. */
const TOKENS = 12

it('the JWT of a client stays cached while another client sends any number of tokens', async () => {
  const { issuer, client, attacker, options, request } = await createWorld()
  const cached: (boolean | undefined)[] = []
  const { asyncEnd } = tracingChannel('dpop-guard:verify')
  const listener = (message: unknown) => void cached.push((message as VerifyMessage).isTokenCached)
  asyncEnd.subscribe(listener)
  onTestFinished(() => asyncEnd.unsubscribe(listener))
  const verifier = createVerifier(options)
  const token = await issuer.issue({ jkt: client.jkt })
  await verifier.verifyRequest(await request({ token }))
  for (let at = 0; at < TOKENS; at++) await verifier.verifyRequest(await request({ client: attacker }))
  await verifier.verifyRequest(await request({ token }))
  expect(cached.at(-1)).toBe(true)
})

it('the introspection response of a client stays cached while another client sends any number of opaque tokens', async () => {
  const { verify, respondWith, client, requests } = await createIntrospectionWorld()
  respondWith({ active: true, sub: 'a', cnf: { jkt: client.jkt } })
  await verify('first')
  respondWith({ active: true, sub: 'b', cnf: { jkt: 'A'.repeat(43) } })
  for (let at = 0; at < TOKENS; at++) await expect(verify(`other-${at}`)).rejects.toMatchObject({ status: 401 })
  const count = requests.length
  await verify('first')
  expect(requests).toHaveLength(count)
})
