/** An issuer, a client and a fixed clock, for unit tests. */

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

/** The result of {@link createWorld}. */
export type World = Awaited<ReturnType<typeof createWorld>>

/** The changes of a request of {@link World.request}. */
export interface RequestSpec extends Partial<ProofSpec> {
  readonly client?: TestClient
  readonly scope?: string
  readonly token?: string
  readonly tokenSpec?: TokenSpec
  readonly target?: string
}

export async function createWorld() {
  const clock = fakeClock(NOW_MS)
  const [issuer, client, attacker] = await Promise.all([
    createTestIssuer({ clock, alg: 'ES256' }),
    createTestClient({ clock }),
    createTestClient({ clock })
  ])
  const options = { issuer: issuer.options, audience: BASE_URL, baseUrl: BASE_URL, clock } satisfies VerifierOptions

  /** A valid request, unless the specification changes it. */
  async function request(spec: RequestSpec = {}): Promise<PlainRequest> {
    const { client: sender = client, scope, tokenSpec, target = '/notes', method = 'GET', ...proof } = spec
    const token = spec.token ?? (await issuer.issue({ jkt: sender.jkt, ...(scope !== undefined && { scope }), ...tokenSpec }))
    return { method, target, headers: await sender.headers({ method, url: `${BASE_URL}${target}`, ...proof, token }) }
  }

  return { clock, issuer, client, attacker, options, request }
}

/** The error code of a promise, or 'accepted'. Any error but the two classes of this package fails the test. */
export async function verdictOf(promise: Promise<unknown>): Promise<string> {
  try {
    await promise
    return 'accepted'
  } catch (error) {
    if (isDPoPError(error) || isDPoPUnavailableError(error)) return error.code
    throw error
  }
}

/** The diagnostics event of a request that is not accepted: the reason of a rejection, or the cause of an outage. */
export async function eventOf(verify: () => Promise<unknown>): Promise<{ code: string; reason?: unknown; cause?: unknown }> {
  const reported: { code: string; detail?: { reason?: string }; cause?: unknown }[] = []
  const listen = (event: unknown) => void reported.push(event as (typeof reported)[number])
  const channels = ['dpop-guard:refused', 'dpop-guard:unavailable'].map((name) => channel(name))
  for (const one of channels) one.subscribe(listen)
  await verdictOf(verify())
  for (const one of channels) one.unsubscribe(listen)
  if (reported.length !== 1) throw new Error(`${reported.length} diagnostics events were published`)
  const [{ code, detail, cause } = { code: '' }] = reported
  return { code, ...(detail && { reason: detail.reason }), ...(cause !== undefined && { cause }) }
}

/** base64url of a string, or of other values as JSON. */
export function encode(value: unknown): string {
  return Buffer.from(typeof value === 'string' ? value : JSON.stringify(value)).toString('base64url')
}
