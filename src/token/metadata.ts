/** Fetches authorization server metadata and other documents in bounded time and memory. @module */

import type { VerifierConfig } from '../config/config.js'
import { warnAboutUnlistedResources } from '../config/warnings.js'
import type { Fetch, FetchInit } from '../options.js'

type FetchConfig = Pick<VerifierConfig, 'fetch' | 'allowHttp'>
type MetadataConfig = FetchConfig & Partial<Pick<VerifierConfig, 'metadata'>>
type Request = Pick<FetchInit, 'method' | 'headers' | 'body'>

const FETCH_TIMEOUT_MS = 5_000
const MAX_DOCUMENT_BYTES = 1_048_576

/** The metadata members that are used. */
type EndpointName = 'jwks_uri' | 'introspection_endpoint'

type MetadataDocument = Readonly<
  Partial<Record<EndpointName | 'issuer' | 'acr_values_supported' | 'protected_resources', unknown>>
>

/** The authorization server metadata of one issuer. It is fetched for each endpoint, because it may have changed. */
export class IssuerMetadata {
  readonly #issuer: string
  readonly #config: MetadataConfig
  #acrValuesSupported: readonly unknown[] | undefined

  constructor(issuer: string, config: MetadataConfig) {
    this.#issuer = issuer
    this.#config = config
  }

  /** The `acr_values_supported` of the document that was fetched last; undefined if it has none or no document was fetched. */
  get acrValuesSupported(): readonly unknown[] | undefined {
    return this.#acrValuesSupported
  }

  /** Discovers an endpoint: RFC 8414 first, then OpenID Connect Discovery. Throws if neither document has it. */
  async endpoint(name: EndpointName): Promise<string> {
    const [first, second] = metadataUrls(this.#issuer) as [string, string]
    try {
      return await this.#readEndpoint(first, name)
    } catch (firstError) {
      try {
        return await this.#readEndpoint(second, name)
      } catch (secondError) {
        throw new AggregateError([firstError, secondError], 'The issuer has no usable metadata')
      }
    }
  }

  async #readEndpoint(url: string, name: EndpointName): Promise<string> {
    const metadata = (await fetchJson(url, this.#config)) as MetadataDocument | null
    // RFC 8414 §3.3: "The issuer value returned MUST be identical to the authorization server's issuer identifier value".
    if (metadata?.issuer !== this.#issuer) throw new Error('The metadata has another issuer')
    const { acr_values_supported: acrValues, protected_resources: listed } = metadata
    this.#acrValuesSupported = Array.isArray(acrValues) ? acrValues : undefined
    const documents = this.#config.metadata?.documents ?? []
    warnAboutUnlistedResources(
      this.#issuer,
      documents.map(({ content }) => content['resource'] as string),
      listed
    )
    return this.#checkEndpoint(metadata[name], name)
  }

  #checkEndpoint(endpoint: unknown, name: EndpointName): string {
    if (typeof endpoint !== 'string' || !URL.canParse(endpoint)) throw new Error(`The metadata has no ${name}`)
    const { protocol } = new URL(endpoint)
    const mayBeHttp = this.#config.allowHttp || new URL(this.#issuer).protocol === 'http:'
    if (protocol !== 'https:' && !(protocol === 'http:' && mayBeHttp)) throw new Error(`The ${name} is not an https URL`)
    return endpoint
  }
}

/** RFC 8414 §3.1 inserts the well-known path before the path of the issuer, OpenID Connect Discovery §4.1 appends it. */
function metadataUrls(issuer: string): string[] {
  const { origin, pathname } = new URL(issuer)
  const path = pathname.replace(/\/$/, '')
  return [`${origin}/.well-known/oauth-authorization-server${path}`, `${origin}${path}/.well-known/openid-configuration`]
}

/** Fetches a JSON document. */
export async function fetchJson(url: string, config: FetchConfig): Promise<unknown> {
  return parseJson(await fetchDocument(url, { headers: { accept: 'application/json' } }, config))
}

/** Parses a document. The error of `JSON.parse` would quote it, and a document may repeat credentials. */
export function parseJson(document: string): unknown {
  try {
    return JSON.parse(document)
  } catch {
    throw new Error('The document is not JSON')
  }
}

/** Fetches a document. Throws unless the response is 200 with at most one megabyte within five seconds. Redirects are not followed. */
export async function fetchDocument(url: string, request: Request, { fetch }: FetchConfig): Promise<string> {
  const signal = AbortSignal.timeout(FETCH_TIMEOUT_MS)
  const timeout = new Promise<never>((_resolve, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason))
  })
  // The race covers a custom fetch that ignores the signal. It also handles the rejection of the promise that settles last.
  return await Promise.race([readDocument(url, { ...request, redirect: 'manual', signal }, fetch), timeout])
}

async function readDocument(url: string, init: FetchInit, fetch: Fetch): Promise<string> {
  const response = await fetch(url, init).catch((cause: unknown) => {
    throw new Error(`The request to ${url} failed`, { cause })
  })
  if (response.status !== 200) {
    await response.body?.cancel()
    throw new Error(`The response status of ${url} is ${response.status}, not 200`)
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
