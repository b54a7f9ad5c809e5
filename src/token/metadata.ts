/** Authorization server metadata: discovers the endpoints of an issuer (RFC 8414). @module */

import type { VerifierConfig } from '../config/config.js'
import { warnAboutUnlistedResources } from '../config/warnings.js'
import { fetchJson } from './fetch-document.js'

type MetadataConfig = Pick<VerifierConfig, 'fetch' | 'allowHttp'> & Partial<Pick<VerifierConfig, 'metadata'>>

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
