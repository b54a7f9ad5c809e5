/** A test client with a DPoP key that creates proofs and sends requests. @module */

import { calculateJwkThumbprint, exportJWK, generateKeyPair, SignJWT } from 'jose'
import { checkSupported } from '../config/algorithms.js'
import { checkKeys, misconfigured } from '../config/option-validation.js'
import type { ProofAlgorithm } from '../crypto/crypto.js'

/** Options of {@link createTestClient}. */
export interface TestClientOptions {
  /** ML-DSA requires a runtime that has it, such as Node.js 24.7. @defaultValue 'ES256' */
  readonly alg?: ProofAlgorithm
  /** Milliseconds since the epoch. @defaultValue `Date.now` */
  readonly clock?: () => number
}

/** The content of a proof; see {@link TestClient.proof}. */
export interface ProofSpec {
  /** @defaultValue 'GET' */
  readonly method?: string
  /** The absolute URL of the request. Query and fragment are not part of `htu`. */
  readonly url: string
  /** The access token, for `ath`. */
  readonly token?: string
  /** The nonce that the server issued. */
  readonly nonce?: string
  /** Claims to add or replace; undefined removes a claim. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** Header parameters to add or replace; undefined removes one. */
  readonly header?: Readonly<Record<string, unknown>>
}

const knownOptions = { alg: true, clock: true } as const satisfies Record<keyof TestClientOptions, true>
const knownMembers = { method: true, url: true, token: true, nonce: true, claims: true, header: true } as const satisfies Record<
  keyof ProofSpec,
  true
>

/** A client with a DPoP key, for tests. */
export interface TestClient {
  readonly alg: ProofAlgorithm
  /** The thumbprint of its key, for `cnf.jkt` of its tokens. */
  readonly jkt: string
  readonly publicJwk: Readonly<Record<string, unknown>>
  /**
   * Creates a proof (RFC 9449 §4.2).
   *
   * @throws TypeError that names an unknown or invalid member of `spec`
   */
  proof(spec: ProofSpec): Promise<string>
  /** Creates the two header fields of a request with `token`. */
  headers(spec: ProofSpec & { readonly token: string }): Promise<{ Authorization: string; DPoP: string }>
  /**
   * Sends a request with `token` and a new proof. Nonces are stored by origin (RFC 9449 §8.2, §9). A request that is rejected with
   * `use_dpop_nonce` is repeated once, unless its body is a stream.
   */
  fetch(url: string, token: string, init?: RequestInit): Promise<Response>
}

/**
 * Creates a client with a new key.
 *
 * @throws TypeError that names an unknown option, or an algorithm that the runtime lacks
 */
export async function createTestClient(options: TestClientOptions = {}): Promise<TestClient> {
  const { alg = 'ES256', clock = Date.now } = checkKeys('', options, knownOptions)
  checkSupported('alg', alg)
  const { privateKey, publicKey } = await generateKeyPair(alg)
  const publicJwk = await exportJWK(publicKey)

  async function proof(spec: ProofSpec): Promise<string> {
    const { method = 'GET', url, token, nonce, claims = {}, header = {} } = checkKeys('', spec, knownMembers)
    if (!URL.canParse(url)) misconfigured('url', 'be an absolute URL')
    const htu = url.split(/[?#]/, 1)[0]
    const ath = token === undefined ? undefined : await hashOf(token)
    const payload = { jti: crypto.randomUUID(), htm: method, htu, iat: Math.floor(clock() / 1000), ath, nonce, ...claims }
    return await new SignJWT(payload).setProtectedHeader({ alg, typ: 'dpop+jwt', jwk: publicJwk, ...header }).sign(privateKey)
  }

  async function headers(spec: ProofSpec & { readonly token: string }): Promise<{ Authorization: string; DPoP: string }> {
    return { Authorization: `DPoP ${spec.token}`, DPoP: await proof(spec) }
  }

  /** The current nonce of each origin. */
  const nonces = new Map<string, string>()

  async function send(url: string, token: string, init: RequestInit): Promise<Response> {
    const { origin } = new URL(url)
    const nonce = nonces.get(origin)
    const sent = new Headers(init.headers)
    // Method and URL as fetch sends them: it normalizes `post` to `POST` and percent-encodes the URL.
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
      if (!requiresNonce(response) || init.body instanceof ReadableStream) return response
      await response.body?.cancel()
      return await send(url, token, init)
    }
  }
}

/** RFC 9449 §9 */
function requiresNonce({ status, headers }: Response): boolean {
  const isChallenged = /\bDPoP\b.*\berror="use_dpop_nonce"/.test(headers.get('www-authenticate') ?? '')
  return status === 401 && isChallenged && headers.has('dpop-nonce')
}

/** RFC 9449 §4.2: base64url of the SHA-256 hash of the ASCII encoding of the token. */
async function hashOf(token: string): Promise<string> {
  const digest = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(token))
  return btoa(String.fromCharCode(...new Uint8Array(digest)))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '')
}
