/** A policy that requires scopes which the metadata lacks is likely a mistake: a warning is emitted when the route is registered. */

import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { Controller, Get, Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { type AnyVerifier, createVerifier, type MisconfiguredEvent, type VerifierOptions } from 'dpop-guard'
import { dpop as express } from 'dpop-guard/express'
import { dpop as fastifyPlugin } from 'dpop-guard/fastify'
import { withDPoP } from 'dpop-guard/fetch'
import { dpop as hono } from 'dpop-guard/hono'
import { dpop as koa } from 'dpop-guard/koa'
import { mcpAuth, withMcpAuth } from 'dpop-guard/mcp'
import { DPoPModule, DPoPProtected, RequireScopes } from 'dpop-guard/nestjs'
import { createTestClient, createTestIssuer, type TestClient, type TestIssuer } from 'dpop-guard/testing'
import fastify from 'fastify'
import { beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { findUnpublishedScopes } from '../../src/policy/published-scopes.js'

const BASE_URL = 'https://api.example'
const url = `${BASE_URL}/notes`
let issuer: TestIssuer
let client: TestClient
beforeAll(async () => {
  ;[issuer, client] = await Promise.all([createTestIssuer({ alg: 'ES256' }), createTestClient()])
})

function optionsOf(more: Partial<VerifierOptions> = {}): VerifierOptions {
  return { issuer: issuer.options, baseUrl: BASE_URL, metadata: { scopesSupported: ['read'] }, ...more }
}

/** The warnings of a test. One message is emitted once per process, so each test has scopes of its own. */
function collectWarnings(): string[] {
  const messages: string[] = []
  const keep = (event: unknown) => {
    const { code, message } = event as MisconfiguredEvent
    messages.push(`${code} ${message}`)
  }
  subscribe('dpop-guard:misconfigured', keep)
  onTestFinished(() => void unsubscribe('dpop-guard:misconfigured', keep))
  return messages
}

const warningOf = (...scopes: string[]) =>
  `DPOP_GUARD_METADATA The protected resource metadata lacks ${JSON.stringify(scopes)} in scopes_supported, which a policy requires: ` +
  'clients may not request them. Add them to "metadata.scopesSupported".'

describe('the scopes of a policy and scopes_supported (RFC 9728 §2)', () => {
  const registrations: [name: string, register: (scope: string) => unknown][] = [
    ['express', (scope) => express(optionsOf(), { scopes: ['read', scope] })],
    ['koa', (scope) => koa(optionsOf() as never, { scopes: ['read', scope] })],
    ['hono', (scope) => hono(optionsOf(), { scopes: ['read', scope] })],
    ['fetch', (scope) => withDPoP(optionsOf(), () => new Response(), { scopes: ['read', scope] })],
    ['mcpAuth', (scope) => mcpAuth(optionsOf() as never, { scopes: ['read', scope] })],
    [
      'withMcpAuth',
      (scope) => withMcpAuth(optionsOf() as never, () => new Response(), { toolScopes: { delete: ['read', scope] } })
    ],
    [
      'fastify',
      async (scope) => {
        const app = fastify()
        await app.register(fastifyPlugin, optionsOf())
        app.get('/notes', { config: { dpop: { scopes: ['read', scope] } } }, () => '')
        await app.close()
      }
    ],
    [
      'nestjs',
      async (scope) => {
        @Controller()
        class Notes {
          @Get()
          @DPoPProtected()
          @RequireScopes('read', scope)
          list() {}
        }
        @Module({ imports: [DPoPModule.forRoot(optionsOf())], controllers: [Notes] })
        class App {}
        const app = await NestFactory.create(App, { logger: false })
        await app.init()
        await app.close()
      }
    ]
  ]

  it.each(registrations)('%s: a scope that is not published causes a warning at the start [M-20]', async (name, register) => {
    const messages = collectWarnings()
    await register(`write-${name}`)
    expect(messages).toEqual([warningOf(`write-${name}`)])
  })

  it('are compared at the first request if the policy or the options are not known before [M-20]', async () => {
    const messages = collectWarnings()
    const token = await issuer.issue({ jkt: client.jkt, scope: 'read late lazy later' })
    const headers = async () => ({ ...(await client.headers({ url, token })) })
    const verifier: AnyVerifier = createVerifier(optionsOf())
    const auth = await verifier.verifyRequest({ method: 'GET', target: '/notes', headers: await headers() }, { scopes: ['late'] })
    verifier.requireScopes(auth, ['later'])
    const lazy = withDPoP((() => optionsOf()) as never, () => new Response(), { scopes: ['lazy'] })
    expect(messages).toEqual([warningOf('late'), warningOf('later')])
    for (let call = 0; call < 2; call++) expect((await lazy(new Request(url, { headers: await headers() }))).status).toBe(200)
    expect(messages.slice(2)).toEqual([warningOf('lazy')])
  })

  it('are not compared if the metadata has no scopes, or if scopeSatisfies throws [M-20]', () => {
    const messages = collectWarnings()
    for (const more of [
      { metadata: {} },
      {
        token: {
          scopeSatisfies: () => {
            throw new Error('down')
          }
        }
      }
    ])
      express(optionsOf(more), { scopes: ['unknown'] })
    expect(messages).toEqual([])
  })

  it.each([
    [{ scopes: ['read'] }, []],
    [{ scopes: ['read', 'write', 'admin'] }, ['write', 'admin']],
    [{ anyScope: ['admin', 'read'] }, []],
    [{ anyScope: ['admin', 'owner'] }, ['admin', 'owner']],
    [{ scopes: ['write'], anyScope: ['admin', 'read'] }, ['write']],
    [{ scopes: ['read:own'] }, []],
    [{}, []]
  ])('the policy %j has the unpublished scopes %j [M-20]', (policy, expected) => {
    const satisfies = (granted: string, required: string) => required === granted || required.startsWith(`${granted}:`)
    expect(findUnpublishedScopes(['read'], policy, satisfies)).toEqual(expected)
  })

  it('a required scope is published if any published scope satisfies it', () => {
    const isEqual = (granted: string, required: string) => granted === required
    expect(findUnpublishedScopes(['read', 'write'], { scopes: ['write', 'delete'] }, isEqual)).toEqual(['delete'])
  })
})
