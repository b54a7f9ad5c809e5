/** Compiled with `skipLibCheck: false`, so that the published declarations are checked too. */

import { createVerifier, type VerifiedRequest, type VerifierOptions } from 'dpop-guard'
import { dpop as express } from 'dpop-guard/express'
import { dpop as fastify } from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import { dpop as koa } from 'dpop-guard/koa'
import { createTestIssuer } from 'dpop-guard/testing'

const options: VerifierOptions = { issuer: 'https://issuer.example', baseUrl: 'https://api.example' }
export const auth: Promise<VerifiedRequest | undefined> = createVerifier(options).verifyRequest({
  method: 'GET',
  target: '/',
  headers: {}
})
export const guards = [express(options), fastify, withDPoP(options, () => new Response()), koa(options)]
export const issuer = createTestIssuer()
