import { readFile } from 'node:fs/promises'
import { createVerifier, type IssuerOptions, type PlainRequest, type VerifierOptions } from 'dpop-guard'
import { createTestClient, createTestIssuer, fakeClock, type TestClient } from 'dpop-guard/testing'
import ts from 'typescript'
import { beforeAll, describe, expect, test } from 'vitest'
import { eventOf } from '../support/world.js'
import { expectations } from './expectations.js'

interface Fixture {
  readonly header: Record<string, unknown>
  readonly claims: Record<string, unknown> & { readonly iss: string; readonly iat: number }
}

const page = await readFile('docs/identity-providers.md', 'utf8')

async function fixtureOf(name: string): Promise<Fixture> {
  return JSON.parse(await readFile(new URL(`./${name}.json`, import.meta.url), 'utf8'))
}

/** The options of a TypeScript block of the page. */
function optionsOf(name: string): VerifierOptions {
  const code = page.match(new RegExp(`\`\`\`ts ${name}\\n([^]*?)\`\`\``))?.[1] ?? ''
  const module = ts.transpileModule(code, { compilerOptions: { module: ts.ModuleKind.CommonJS, target: ts.ScriptTarget.ES2022 } })
  const exported: { options?: VerifierOptions } = {}
  new Function('exports', module.outputText)(exported)
  if (exported.options === undefined) throw new Error(`The page has no options ${name}`)
  return exported.options
}

describe.each(Object.entries(expectations))('%s', (name, { rejectedBecause, configurations }) => {
  let fixture: Fixture
  let client: TestClient
  let issuer: Awaited<ReturnType<typeof createTestIssuer>>
  let clock: ReturnType<typeof fakeClock>

  beforeAll(async () => {
    fixture = await fixtureOf(name)
    clock = fakeClock((fixture.claims.iat + 60) * 1000)
    client = await createTestClient({ clock })
    issuer = await createTestIssuer({ issuer: fixture.claims.iss, clock, alg: fixture.header['alg'] as 'RS256' })
  })

  /** A request with the token of the fixture, bound to the client. */
  async function request(baseUrl: string): Promise<PlainRequest> {
    const { kid: _kid, typ, ...header } = fixture.header
    const absent = Object.fromEntries(['aud', 'sub', 'client_id', 'jti', 'scope'].map((claim) => [claim, undefined]))
    const token = await issuer.issue({
      claims: { ...absent, ...fixture.claims, cnf: { jkt: client.jkt } },
      header: { ...header, typ }
    })
    const headers = await client.headers({ url: `${baseUrl}/notes`, token })
    return { method: 'GET', target: '/notes', headers }
  }

  /** The metadata and the key set of the issuer, at the URLs that RFC 8414 and OpenID Connect Discovery give. */
  const fetchOf = async (url: string) =>
    url.includes('/.well-known/')
      ? Response.json({ issuer: fixture.claims.iss, jwks_uri: 'https://keys.example/jwks' })
      : Response.json(issuer.jwks)

  function verify(options: VerifierOptions, sent: PlainRequest) {
    return createVerifier({ ...options, clock, fetch: fetchOf }).verifyRequest(sent)
  }

  test('the sample on the page is the token of the fixture', () => {
    expect(page).toContain(`\`\`\`json\n${JSON.stringify(fixture, undefined, 2)}\n\`\`\``)
  })

  test(`the defaults ${rejectedBecause === undefined ? 'accept the token' : `reject the token, because ${rejectedBecause}`}`, async () => {
    const [first] = Object.keys(configurations)
    const { audience, baseUrl } = first ? optionsOf(first) : { audience: 'https://api.example', baseUrl: 'https://api.example' }
    const defaults = { issuer: fixture.claims.iss, audience: audience as string, baseUrl: baseUrl as string }
    const sent = await request(defaults.baseUrl)
    if (rejectedBecause === undefined) expect(await verify(defaults, sent)).toMatchObject({ scheme: 'DPoP' })
    else {
      const { code, reason } = await eventOf(() => verify(defaults, sent))
      expect([code, reason]).toEqual(['ERR_DPOP_TOKEN_INVALID', expect.stringContaining(rejectedBecause)])
      expect(reason).toMatch(/token\.(type|requiredClaims)/)
    }
  })

  test.each(Object.entries(configurations))('the options %s grant the scopes %j', async (block, scopes) => {
    const options = optionsOf(block)
    const auth = await verify(options, await request(options.baseUrl as string))
    expect(auth).toMatchObject({ scheme: 'DPoP', issuer: fixture.claims.iss, scopes })
  })

  test.each(Object.keys(configurations))(
    'the options %s reject a token for another API, of another issuer or without exp',
    async (block) => {
      const options = optionsOf(block)
      const original = fixture
      for (const change of [{ aud: 'https://other.example' }, { iss: 'https://other.example' }, { exp: undefined }]) {
        fixture = { ...original, claims: { ...original.claims, ...change } as Fixture['claims'] }
        const sent = await request(options.baseUrl as string)
        fixture = original
        await expect(verify(options, sent)).rejects.toMatchObject({ code: 'ERR_DPOP_TOKEN_INVALID' })
      }
    }
  )
})

test('a token of Amazon Cognito without a resource is rejected with any options, because it has no aud', async () => {
  const fixture = await fixtureOf('cognito')
  const client = await createTestClient({ clock: () => fixture.claims.iat * 1000 })
  const issuer = await createTestIssuer({ issuer: fixture.claims.iss })
  const claims = { ...fixture.claims, aud: undefined, cnf: { jkt: client.jkt } }
  const token = await issuer.issue({ claims, header: { typ: undefined } })
  const options: IssuerOptions = { ...issuer.options, type: 'any', requiredClaims: [] }
  const verifier = createVerifier({ issuer: options, baseUrl: 'https://api.example', clock: () => fixture.claims.iat * 1000 })
  const headers = await client.headers({ url: 'https://api.example/notes', token })
  expect(await eventOf(() => verifier.verifyRequest({ method: 'GET', target: '/notes', headers }))).toEqual({
    code: 'ERR_DPOP_TOKEN_INVALID',
    reason: 'aud is missing; it is required in every token'
  })
})

describe('the table of the page', () => {
  const sections = page.split(/^## /m).slice(1)
  const rows = [...page.matchAll(/^\| \[(.*?)\]\(#(.*?)\) \| (.*?) \| (.*?) \| `(.*?)` \| (.*) \|$/gm)].map(
    ([, title, anchor, outcome, options, scopeClaim, dpop]) => ({ title, anchor, outcome, options, scopeClaim, dpop })
  )

  test('has a row for each section, in its order, and each section has the sample of a fixture', () => {
    expect(rows.map(({ title }) => title)).toEqual(sections.map((section) => section.split('\n')[0]))
    expect(rows).toHaveLength(Object.keys(expectations).length)
  })

  test.each(Object.entries(expectations))('states what was tested of %s', async (name, { rejectedBecause, configurations }) => {
    const { claims, ...fixture } = await fixtureOf(name)
    const sample = JSON.stringify({ ...fixture, claims }, undefined, 2)
    const row = rows[sections.findIndex((section) => section.includes(`\`\`\`json\n${sample}\n`))]
    expect(row?.anchor).toBe(
      row?.title
        ?.toLowerCase()
        .replace(/[^\w\- ]/g, '')
        .replaceAll(' ', '-')
    )
    expect(row?.outcome).toMatch(rejectedBecause === undefined ? /^accepted/ : `rejected: \`${rejectedBecause}\``)
    expect(claims).toHaveProperty(row?.scopeClaim ?? '')
    const [first] = Object.keys(configurations)
    const issuer = first === undefined ? 'none' : optionsOf(first).issuer
    const names = typeof issuer === 'object' ? Object.keys(issuer).filter((option) => option !== 'issuer') : []
    expect(row?.options).toBe(first === undefined ? 'none' : names.map((option) => `\`${option}\``).join(', ') || '–')
    expect(row?.dpop).toMatch(/^(\[.+\]\(https:|none found)/)
  })
})

test('the options for Amazon Cognito reject its ID tokens, whose aud is the client identifier', async () => {
  const { claims } = await fixtureOf('cognitoResource')
  const clock = () => claims.iat * 1000
  const client = await createTestClient({ clock })
  const issuer = await createTestIssuer({ issuer: claims.iss, clock })
  const options = optionsOf('cognitoResource')
  const verifier = createVerifier({ ...options, issuer: { ...(options.issuer as IssuerOptions), jwks: issuer.jwks }, clock })
  const idToken = { ...claims, aud: claims['client_id'], token_use: 'id', cnf: { jkt: client.jkt } }
  const token = await issuer.issue({ claims: idToken, header: { typ: undefined } })
  const headers = await client.headers({ url: 'https://api.example/notes', token })
  const { reason } = await eventOf(() => verifier.verifyRequest({ method: 'GET', target: '/notes', headers }))
  expect(reason).toContain('aud is "1example23456789"')
})
