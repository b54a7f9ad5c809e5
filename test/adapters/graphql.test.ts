/** GraphQL over HTTP: one request with several resolvers is verified once. */

import 'reflect-metadata'
import { createServer } from 'node:http'
import { ApolloDriver, type ApolloDriverConfig } from '@nestjs/apollo'
import { type ExecutionContext, Injectable, Module, UseGuards } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { GraphQLModule, Query, Resolver } from '@nestjs/graphql'
import { memoryReplayStore, type ReplayStore, type VerifiedRequest } from 'dpop-guard'
import { dpop } from 'dpop-guard/express'
import { withDPoP } from 'dpop-guard/fetch'
import { DPoPAuth, DPoPGuard, DPoPModule, RequireScopes } from 'dpop-guard/nestjs'
import express, { type Request } from 'express'
import { createYoga } from 'graphql-yoga'
import { beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { BASE_URL, createWorld, NOW_MS, type RequestSpec, type World } from '../support/world.js'
import { closeServer, listen } from './contract.js'
import { type NotesContext, notesSchema } from './graphql-schema.js'

let world: World
let reservations: number
let options: World['options'] & { replay: ReplayStore }
beforeAll(async () => {
  world = await createWorld()
})
beforeEach(() => {
  world.clock.set(NOW_MS)
  const store = memoryReplayStore()
  reservations = 0
  const reserve: ReplayStore['reserve'] = (...args) => {
    reservations++
    return store.reserve(...args)
  }
  options = { ...world.options, replay: { reserve } }
})

async function startYogaOnExpress(): Promise<string> {
  const yoga = createYoga<{ req: Request }, NotesContext>({
    schema: notesSchema,
    logging: false,
    context: ({ req }) => ({ auth: req.dpop })
  })
  const app = express()
  app.use('/graphql', dpop(options), yoga as never)
  return await serve(createServer(app))
}

async function startYogaOnFetch(): Promise<string> {
  const yoga = createYoga<NotesContext>({ schema: notesSchema, logging: false })
  const handler = withDPoP(options, (request, auth) => yoga.handleRequest(request, { auth } as never) as Promise<Response>)
  return await serve(
    createServer(async (request, response) => {
      const headers = Object.entries(request.headers) as [string, string][]
      const chunks: Buffer[] = []
      for await (const chunk of request) chunks.push(chunk as Buffer)
      const {
        status,
        headers: sent,
        ...answer
      } = await handler(
        new Request(`${BASE_URL}${request.url}`, { method: request.method as string, headers, body: Buffer.concat(chunks) })
      ).then(async (one) => ({ status: one.status, headers: [...one.headers], text: await one.text() }))
      response.writeHead(status, sent.flat()).end(answer.text)
    })
  )
}

async function startNest(): Promise<string> {
  @Injectable()
  class GraphqlDPoPGuard extends DPoPGuard {
    protected override getRequest(context: ExecutionContext) {
      return context.getType<string>() === 'graphql' ? context.getArgByIndex(2).req : super.getRequest(context)
    }

    protected override getResponse(context: ExecutionContext) {
      return context.getType<string>() === 'graphql' ? context.getArgByIndex(2).res : super.getResponse(context)
    }
  }

  @UseGuards(GraphqlDPoPGuard)
  @Resolver()
  class NotesResolver {
    @Query('owner')
    owner(@DPoPAuth() auth: VerifiedRequest) {
      return auth.claims.sub
    }

    @Query('author')
    author(@DPoPAuth() auth: VerifiedRequest) {
      return auth.claims.sub
    }

    @UseGuards(GraphqlDPoPGuard)
    @Query('reader')
    reader(@DPoPAuth() auth: VerifiedRequest) {
      return auth.claims.sub
    }

    @RequireScopes('admin')
    @Query('admin')
    admin() {
      return 'admin'
    }
  }
  class AppModule {}
  Module({
    imports: [
      DPoPModule.forRoot(options),
      GraphQLModule.forRoot<ApolloDriverConfig>({
        driver: ApolloDriver,
        typeDefs: 'type Query { owner: String author: String reader: String admin: String }',
        context: ({ req, res }: object & Record<'req' | 'res', unknown>) => ({ req, res })
      })
    ],
    providers: [NotesResolver]
  })(AppModule)
  const app = await NestFactory.create(AppModule, { logger: false, abortOnError: false })
  await app.listen(0, '127.0.0.1')
  onTestFinished(() => app.close())
  return await app.getUrl()
}

async function serve(server: ReturnType<typeof createServer>): Promise<string> {
  const port = await listen(server)
  onTestFinished(() => closeServer(server))
  return `http://127.0.0.1:${port}`
}

/** The response to a query. */
async function post(origin: string, query: string, headers: object): Promise<Response> {
  return await fetch(`${origin}/graphql`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json', ...headers },
    body: JSON.stringify({ query })
  })
}
const credentials = async (spec: RequestSpec = {}) =>
  (await world.request({ method: 'POST', target: '/graphql', ...spec })).headers

describe.each([
  ['graphql-yoga on Express', startYogaOnExpress],
  ['graphql-yoga on a Fetch handler', startYogaOnFetch],
  ['NestJS GraphQL', startNest]
])('%s', (_name, start) => {
  test('verifies a request with several resolvers once, and each has the identity', async () => {
    const origin = await start()
    const response = await post(origin, '{ owner author reader }', await credentials())
    expect([response.status, await response.json()]).toEqual([200, { data: { owner: 'user', author: 'user', reader: 'user' } }])
    expect(reservations).toBe(1)
  })

  test('executes nothing for a replayed proof, or without credentials, and the response has a challenge (RFC 9449 §7.1)', async () => {
    const origin = await start()
    const headers = await credentials()
    await post(origin, '{ owner }', headers)
    for (const sent of [headers, {}]) {
      const response = await post(origin, '{ owner author }', sent)
      expect(response.headers.get('www-authenticate')).toMatch(/^DPoP /)
      expect(await response.text()).not.toContain('"user"')
    }
  })
})

test('NestJS GraphQL: a resolver without its scope is rejected, the others of the request are not', async () => {
  const origin = await startNest()
  const response = await post(origin, '{ owner admin }', await credentials())
  expect(await response.json()).toMatchObject({ data: { owner: 'user', admin: null }, errors: [{ path: ['admin'] }] })
  expect(response.headers.get('www-authenticate')).toContain('insufficient_scope')
  const admin = await post(origin, '{ owner admin }', await credentials({ scope: 'admin' }))
  expect(await admin.json()).toEqual({ data: { owner: 'user', admin: 'admin' } })
})
