/** One issuer, one client and one clock that stands still: what most unit tests need. */

import { channel } from 'node:diagnostics_channel'
import { isDPoPError, isDPoPUnavailableError, type PlainRequest, type VerifierOptions } from 'dpop-guard'
import {
  createTestClient,
  createTestIssuer,
  fakeClock,
  type ProofSpec,
  type TestClient,
  type TokenSpec
} from 'dpop-guard/testing'

export const NOW_MS = 1_800_000_000_000
export const NOW = NOW_MS / 1000
export const BASE_URL = 'https://api.example'
export const ISSUER = 'https://issuer.example'

/** What {@link createWorld} makes. */
export type World = Awaited<ReturnType<typeof createWorld>>

/** What a request of {@link World.request} differs in. */
export interface RequestSpec extends Partial<ProofSpec> {
  readonly client?: TestClient
  readonly scope?: string
  readonly token?: string
  readonly tokenSpec?: TokenSpec
  readonly target?: string
}

export async function createWorld() {
  const clock = fakeClock(NOW_MS)
  const [issuer, client, stranger] = await Promise.all([
    createTestIssuer({ clock, alg: 'ES256' }),
    createTestClient({ clock }),
    createTestClient({ clock })
  ])
  const options = { issuer: issuer.options, audience: BASE_URL, baseUrl: BASE_URL, clock } satisfies VerifierOptions

  /** A good request, unless the specification spoils it. */
  async function request(spec: RequestSpec = {}): Promise<PlainRequest> {
    const { client: sender = client, scope, tokenSpec, target = '/notes', method = 'GET', ...proof } = spec
    const token = spec.token ?? (await issuer.issue({ jkt: sender.jkt, ...(scope !== undefined && { scope }), ...tokenSpec }))
    return { method, target, headers: await sender.headers({ method, url: `${BASE_URL}${target}`, ...proof, token }) }
  }

  return { clock, issuer, client, stranger, options, request }
}

/** The code of what a promise rejects with, or 'accepted'; anything but the two errors of this package fails the test. */
export async function verdictOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'accepted'
  } catch (error) {
    if (isDPoPError(error) || isDPoPUnavailableError(error)) return error.code
    throw error
  }
}

/** What operators are told, on the diagnostics channels, of a request that does not pass: why it was refused, or the cause of an outage. */
export async function toldOf(verify: () => Promise<unknown>): Promise<{ code: string; reason?: unknown; cause?: unknown }> {
  const told: { code: string; detail?: { reason?: string }; cause?: unknown }[] = []
  const listen = (event: unknown) => void told.push(event as (typeof told)[number])
  const channels = ['dpop-guard:refused', 'dpop-guard:unavailable'].map((name) => channel(name))
  for (const one of channels) one.subscribe(listen)
  await verdictOf(verify())
  for (const one of channels) one.unsubscribe(listen)
  if (told.length !== 1) throw new Error(`Operators were told ${told.length} times`)
  const [{ code, detail, cause } = { code: '' }] = told
  return { code, ...(detail && { reason: detail.reason }), ...(cause !== undefined && { cause }) }
}

/** base64url of JSON, or of text as it is. */
export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}
