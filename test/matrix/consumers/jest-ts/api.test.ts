import { createVerifier } from 'dpop-guard'
import { dpop } from 'dpop-guard/express'
import { createTestClient, createTestIssuer } from 'dpop-guard/testing'

test('verifies a request', async () => {
  const [issuer, client] = await Promise.all([createTestIssuer(), createTestClient()])
  const verifier = createVerifier({ issuer: issuer.options, baseUrl: 'https://api.example' })
  const token = await issuer.issue({ jkt: client.jkt })
  const headers = await client.headers({ url: 'https://api.example/', token })
  const auth = await verifier.verifyRequest({ method: 'GET', target: '/', headers })
  expect(auth.claims.sub).toBe('user')
  expect(typeof dpop).toBe('function')
})
