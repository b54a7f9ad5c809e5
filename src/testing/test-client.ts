/** A client with a DPoP key: makes proofs, and requests that carry them. @module */

import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import type { ProofAlgorithm } from '../crypto/crypto.js'

/** Options of {@link createTestClient}. */
export interface TestClientOptions {
  /** @defaultValue 'ES256' */
  readonly alg?: ProofAlgorithm
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: () => number
}

/** What a proof of {@link TestClient.proof} is to say. */
export interface ProofSpec {
  /** @defaultValue 'GET' */
  readonly method?: string
  /** The absolute URL of the request; query and fragment are left out of `htu`. */
  readonly url: string
  /** The access token that goes with it, for `ath`. */
  readonly token?: string
  /** The nonce that the server gave. */
  readonly nonce?: string
  /** Claims to add or replace; one that is undefined is left out. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Header parameters to add or replace. */
  readonly header?: Readonly<Record<string, unknown>>
}

/** A client with a DPoP key, for tests. */
export interface TestClient {
  readonly alg: ProofAlgorithm
  /** The thumbprint of its key: what its tokens are bound to. */
  readonly jkt: string
  readonly publicJwk: Readonly<Record<string, unknown>>
  /** A new proof (RFC 9449 §4.2). */
  proof(spec: ProofSpec): Promise<string>
  /** The two header fields of a request with `token`. */
  headers(spec: ProofSpec & { readonly token: string }): Promise<{ Authorization: string; DPoP: string }>
  /**
   * `fetch` with `token` and a new proof. Nonces are kept by origin (RFC 9449 §8.2, §9), and a request that was asked for one is
   * sent once more; one whose body is a stream is not, because it was read.
   */
  fetch(url: string, token: string, init?: RequestInit): Promise<Response>
}

/** Makes a client with a new key. */
export async function createTestClient(options: TestClientOptions = {}): Promise<TestClient> {
  const { alg = 'ES256', clock = Date.now } = options
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const publicJwk = await exportJWK(publicKey)

  async function proof({ method = 'GET', url, token, nonce, claims = {}, header = {} }: ProofSpec): Promise<string> {
    const htu = url.split(/[?#]/, 1)[0]
    const ath = token === undefined ? undefined : await hashOf(token)
    const payload = { jti: crypto.randomUUID(), htm: method, htu, iat: Math.floor(clock() / 1000), ath, nonce, ...claims }
    return await new SignJWT(payload).setProtectedHeader({ alg, typ: 'dpop+jwt', jwk: publicJwk, ...header }).sign(privateKey)
  }

  async function headers(spec: ProofSpec & { readonly token: string }): Promise<{ Authorization: string; DPoP: string }> {
    return { Authorization: `DPoP ${spec.token}`, DPoP: await proof(spec) }
  }

  /** The newest nonce of each server. */
  const nonces = new Map<string, string>()

  async function send(url: string, token: string, init: RequestInit): Promise<Response> {
    const { origin } = new URL(url)
    const nonce = nonces.get(origin)
    const sent = new Headers(init.headers)
    // As fetch is going to send them: it writes post in capitals, and encodes what a URL cannot have.
    const { method, url: sentUrl } = new Request(url, { method: init.method ?? 'GET' })
    const spec = { method, url: sentUrl, token, ...(nonce !== undefined && { nonce }) }
    for (const [name, value] of Object.entries(await headers(spec))) sent.set(name, value)
    const response = await fetch(url, { ...init, headers: sent })
    const next = response.headers.get('dpop-nonce')
    if (next !== null) nonces.set(origin, next)
    return response
  }

  return {
    alg,
    jkt: await calculateJwkThumbprint(publicJwk),
    publicJwk,
    proof,
    headers,
    async fetch(url, token, init = {}) {
      const response = await send(url, token, init)
      if (!asksForNonce(response) || init.body instanceof ReadableStream) return response
      await response.body?.cancel()
      return await send(url, token, init)
    }
  }
}

/** RFC 9449 §9 */
function asksForNonce({ status, headers }: Response): boolean {
  const isAsked = /\bDPoP\b.*\berror="use_dpop_nonce"/.test(headers.get('www-authenticate') ?? '')
  return status === 401 && isAsked && headers.has('dpop-nonce')
}

/** RFC 9449 §4.2: the base64url of the SHA-256 of the ASCII of the token. */
async function hashOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
