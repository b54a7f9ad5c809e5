/** Finds where an issuer keeps its keys: its metadata, and JSON documents in general, in bounded time and memory. @module */

import type { VerifierConfig } from '../options.js'

type FetchConfig = Pick<VerifierConfig, 'fetch' | 'allowHttp'>

const FETCH_TIMEOUT_MS = 5_000
const MAX_DOCUMENT_BYTES = 1_048_576

/** The `jwks_uri` of an issuer: RFC 8414 first, then OpenID Connect Discovery. Throws where neither document will do. */
export async function discoverJwksUri(issuer: string, config: FetchConfig): Promise<string> {
  const [first, second] = metadataUrls(issuer) as [string, string]
  try {
    return await readJwksUri(first, issuer, config)
  } catch (firstError) {
    try {
      return await readJwksUri(second, issuer, config)
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

async function readJwksUri(url: string, issuer: string, config: FetchConfig): Promise<string> {
  const metadata = (await fetchJson(url, config)) as { issuer?: unknown; jwks_uri?: unknown } | null
  // RFC 8414 §3.3: "The issuer value returned MUST be identical to the authorization server's issuer identifier value".
  if (metadata?.issuer !== issuer) throw new Error('The metadata is of another issuer')
  const uri = metadata.jwks_uri
  if (typeof uri !== 'string' || !URL.canParse(uri)) throw new Error('The metadata has no jwks_uri')
  const { protocol } = new URL(uri)
  const mayBeHttp = config.allowHttp || new URL(issuer).protocol === 'http:'
  if (protocol !== 'https:' && !(protocol === 'http:' && mayBeHttp)) throw new Error('The jwks_uri is not an https URL')
  return uri
}

/** Fetches a JSON document. Throws for anything but 200 with JSON of at most a megabyte within five seconds; follows no redirect. */
export async function fetchJson(url: string, { fetch }: FetchConfig): Promise<unknown> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS)
  const response = await fetch(url, { headers: { accept: 'application/json' }, redirect: 'manual', signal })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error('The document was not answered with 200')
  }
  return JSON.parse(await readText(response))
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
