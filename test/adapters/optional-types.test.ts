/** With the option `optional`, and on routes without the guard, the compiler requires a check for undefined. */

import { createVerifier, type VerifiedRequest, type VerifierOptions, verifyRequest } from 'dpop-guard'
import type {} from 'dpop-guard/express'
import type {} from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import { type DPoPVariables, dpop as honoGuard } from 'dpop-guard/hono'
import { dpop as koaGuard } from 'dpop-guard/koa'
import type { Request as ExpressRequest } from 'express'
import type { FastifyRequest } from 'fastify'
import { Hono } from 'hono'
import Koa from 'koa'
import { describe, expectTypeOf, test } from 'vitest'

const options = { issuer: 'https://issuer.example', baseUrl: 'https://api.example' }
const optional = { ...options, optional: true } as const
const request = { method: 'GET', target: '/', headers: {} }
type Optional = VerifiedRequest | undefined

describe('the type of the result', () => {
  test('Express and Fastify: may be absent, since the compiler does not know which routes have a guard', () => {
    expectTypeOf<ExpressRequest['dpop']>().toEqualTypeOf<Optional>()
    expectTypeOf<FastifyRequest['dpop']>().toEqualTypeOf<VerifiedRequest | null>()
  })

  test('Koa: undefined only with optional', () => {
    new Koa().use(koaGuard(options)).use((ctx) => expectTypeOf(ctx.state.dpop).toEqualTypeOf<VerifiedRequest>())
    new Koa().use(koaGuard(optional)).use((ctx) => expectTypeOf(ctx.state.dpop).toEqualTypeOf<Optional>())
    new Koa().use(koaGuard(() => options)).use((ctx) => expectTypeOf(ctx.state.dpop).toEqualTypeOf<VerifiedRequest>())
    new Koa().use(koaGuard(() => optional)).use((ctx) => expectTypeOf(ctx.state.dpop).toEqualTypeOf<Optional>())
  })

  test('Hono: undefined only with optional', () => {
    new Hono().use(honoGuard(options)).get('/', (c) => {
      expectTypeOf(c.get('dpop')).toEqualTypeOf<VerifiedRequest>()
      return c.text('ok')
    })
    new Hono().use(honoGuard(optional)).get('/', (c) => {
      expectTypeOf(c.get('dpop')).toEqualTypeOf<Optional>()
      return c.text('ok')
    })
    const declared = new Hono<{ Variables: DPoPVariables<Optional> }>()
    declared.use(honoGuard(optional)).get('/', (c) => {
      expectTypeOf(c.get('dpop')).toEqualTypeOf<Optional>()
      return c.text('ok')
    })
  })

  test('Fetch and verifyRequest: undefined only with optional', () => {
    withDPoP(options, (_request, auth) => {
      expectTypeOf(auth).toEqualTypeOf<VerifiedRequest>()
      return new Response()
    })
    withDPoP(optional, (_request, auth) => {
      expectTypeOf(auth).toEqualTypeOf<Optional>()
      return new Response()
    })
    withDPoP(createVerifier(optional), (_request, auth) => {
      expectTypeOf(auth).toEqualTypeOf<Optional>()
      return new Response()
    })
    withDPoP(optional as VerifierOptions | undefined, (_request, auth) => {
      expectTypeOf(auth).toEqualTypeOf<Optional>()
      return new Response()
    })
    const verifyOptional = () => verifyRequest(request, optional)
    expectTypeOf(verifyOptional).returns.toEqualTypeOf<Promise<Optional>>()
    const verify = () => verifyRequest(request, options)
    expectTypeOf(verify).returns.toEqualTypeOf<Promise<VerifiedRequest>>()
    expectTypeOf(createVerifier(optional).verifyRequest).returns.toEqualTypeOf<Promise<Optional>>()
    expectTypeOf(createVerifier(options).verifyRequest).returns.toEqualTypeOf<Promise<VerifiedRequest>>()
  })
})
