/** Fetches what issuers publish, in bounded time and memory: their metadata, and documents in general. @module */

import type { VerifierConfig } from '../config/config.js'
import type { Fetch, FetchInit } from '../options.js'

type FetchConfig = Pick<VerifierConfig, 'fetch' | 'allowHttp'>
type Request = Pick<FetchInit, 'method' | 'headers' | 'body'>

const FETCH_TIMEOUT_MS = 5_000
const MAX_DOCUMENT_BYTES = 1_048_576

/** The members of an issuer's metadata that are of use here. */
export type EndpointName = 'jwks_uri' | 'introspection_endpoint'

/** An endpoint of an issuer: RFC 8414 first, then OpenID Connect Discovery. Throws where neither document will do. */
export async function discoverEndpoint(issuer: string, name: EndpointName, config: FetchConfig): Promise<string> {
  const [first, second] = metadataUrls(issuer) as [string, string]
  try {
    return await readEndpoint(first, issuer, name, config)
  } catch (firstError) {
    try {
      return await readEndpoint(second, issuer, name, config)
    } catch (secondError) {
      throw new AggregateError([firstError, secondError], 'The issuer has no usable metadata')
    }
  }
}

/** RFC 8414 §3.1 puts the well-known part between host and path, OpenID Connect Discovery §4.1 behind the path. */
function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [`${origin}/.well-known/oauth-authorization-server${path}`, `${origin}${path}/.well-known/openid-configuration`]
}

async function readEndpoint(url: string, issuer: string, name: EndpointName, config: FetchConfig): Promise<string> {
  const metadata = (await fetchJson(url, config)) as ({ issuer?: unknown } & Record<EndpointName, unknown>) | null
  // RFC 8414 §3.3: "The issuer value returned MUST be identical to the authorization server's issuer identifier value".
  if (metadata?.issuer !== issuer) throw new Error('The metadata is of another issuer')
  const endpoint = metadata[name]
  if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) throw new Error(`The metadata has no ${name}`)
  const { protocol } = new URL(endpoint)
  const mayBeHttp = config.allowHttp || new URL(issuer).protocol === 'http:'
  if (protocol !== 'https:' && !(protocol === 'http:' && mayBeHttp)) throw new Error(`The ${name} is not an https URL`)
  return endpoint
}

/** Fetches a JSON document. */
export async function fetchJson(url: string, config: FetchConfig): Promise<unknown> {
  return parseJson(await fetchDocument(url, { headers: { accept: 'application/json' } }, config))
}

/** Parses a document. The platform's own error would quote it, and an endpoint may say again what it was told. */
export function parseJson(document: string): unknown {
  try {
    return JSON.parse(document)
  } catch {
    throw new Error('The document is not JSON')
  }
}

/** Fetches a document. Throws for anything but 200 with at most a megabyte within five seconds; follows no redirect. */
export async function fetchDocument(url: string, request: Request, { fetch }: FetchConfig): Promise<string> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS)
  const tooLate = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  // Also where somebody's own fetch does not heed the signal. Whichever loses is still heard, so that no rejection is unhandled.
  return await Promise.race([readDocument(url, { ...request, redirect: 'manual', signal }, fetch), tooLate])
}

async function readDocument(url: string, init: FetchInit, fetch: Fetch): Promise<string> {
  const response = await fetch(url, init)
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error('The document was not answered with 200')
  }
  return await readText(response)
}

async function readText(response: Response): Promise<string> {
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let text = ''
  let bytes = 0
  for await (const chunk of (response.body ?? []) as AsyncIterable<Uint8Array>) {
    bytes += chunk.length
    if (bytes > MAX_DOCUMENT_BYTES) throw new Error('The document is too large')
    text += decoder.decode(chunk, { stream: true })
  }
  return text + decoder.decode()
}
