/** An authorization server with an introspection endpoint, a client, and a verifier of opaque tokens. */

import type { IncomingMessage, ServerResponse } from 'node:http'
import { createVerifier, type IntrospectionOptions, type IssuerOptions, type VerifierOptions } from 'dpop-guard'
import { createTestClient, createTestIssuer, fakeClock } from 'dpop-guard/testing'
import { startIssuerServer } from './issuer-server.js'
import { BASE_URL, NOW_MS, verdictOf } from './world.js'

export const METADATA = '/.well-known/oauth-authorization-server'

async function bodyOf(request: IncomingMessage): Promise<URLSearchParams> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return new URLSearchParams(Buffer.concat(chunks).toString())
}

export interface IntrospectionRequest {
  readonly method: string | undefined
  readonly headers: IncomingMessage['headers']
  readonly body: URLSearchParams
}

/** Creates an authorization server with an introspection endpoint, and a verifier that uses it. */
export async function createIntrospectionWorld(
  introspection: Partial<IntrospectionOptions> = {},
  extra: Partial<IssuerOptions> = {}
) {
  const clock = fakeClock(NOW_MS)
  const server = await startIssuerServer()
  const [issuer, client] = await Promise.all([
    createTestIssuer({ issuer: server.origin, clock, alg: 'ES256' }),
    createTestClient({ clock })
  ])
  const requests: IntrospectionRequest[] = []
  /** The response of the endpoint, which a test can change. */
  const state: { body: unknown; status: number; raw: ((response: ServerResponse) => void) | undefined } = {
    body: { active: true, cnf: { jkt: client.jkt } },
    status: 200,
    raw: undefined
  }
  const endpoint = (response: ServerResponse) =>
    void bodyOf(response.req).then((body) => {
      requests.push({ method: response.req.method, headers: response.req.headers, body })
      if (state.raw) state.raw(response)
      else response.writeHead(state.status).end(typeof state.body === 'string' ? state.body : JSON.stringify(state.body))
    })
  Object.assign(server.responses, {
    [METADATA]: {
      issuer: server.origin,
      jwks_uri: `${server.origin}/keys`,
      introspection_endpoint: `${server.origin}/introspect`
    },
    '/keys': issuer.jwks,
    '/introspect': endpoint
  })
  const options: VerifierOptions & { optional?: false } = {
    issuer: { issuer: server.origin, introspection: { clientId: 'api', clientSecret: 's3cret', ...introspection }, ...extra },
    audience: BASE_URL,
    baseUrl: BASE_URL,
    clock
  }
  const verifier = createVerifier(options)
  const verify = async (token = 'opaque', by = verifier) =>
    await by.verifyRequest({ method: 'GET', target: '/', headers: await client.headers({ url: `${BASE_URL}/`, token }) })
  const verdict = (token?: string, by?: typeof verifier) => verdictOf(verify(token, by))
  const respondWith = (body: unknown) => {
    state.body = body
  }
  const issue = (claims: Record<string, unknown> = {}) => issuer.issue({ jkt: client.jkt, claims })
  return { clock, server, issuer, client, requests, state, options, verifier, verify, verdict, respondWith, issue }
}
