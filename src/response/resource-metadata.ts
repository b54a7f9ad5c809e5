/** Serves protected resource metadata and selects the document of a request (RFC 9728 §3, §5.1). @module */

import { type MetadataConfig, type MetadataDocument, WELL_KNOWN_PATH } from '../config/metadata-options.js'
import type { ResponseHeaders } from '../errors.js'
import type { IncomingRequest } from '../request/request.js'
import { isAddressedTo, targetUrisOf } from '../request/target-uri.js'

/** The response to a request for the metadata. */
export interface MetadataResponse {
  readonly status: 200 | 204 | 404 | 405
  readonly headers: ResponseHeaders
  readonly body: string
}

const METHODS = 'GET, HEAD, OPTIONS'

/**
 * The response to a request below the well-known path; undefined for any other URL. The target must equal a path of a document code
 * point by code point (RFC 9728 §6). Credentials are ignored.
 */
export function metadataResponse(
  { method, target, authority }: IncomingRequest,
  { documents, maxAgeSeconds }: MetadataConfig
): MetadataResponse | undefined {
  const path = target.replace(/^https?:\/\/[^/?#]*/i, '')
  if (!(path.startsWith(WELL_KNOWN_PATH) && /^[/?]|^$/.test(path.slice(WELL_KNOWN_PATH.length)))) return undefined
  const document = findDocument(
    documents.filter(({ paths }) => paths.includes(path)),
    authority
  )
  // Public, so that pages of any origin may read it.
  const cors = { 'Access-Control-Allow-Origin': '*' }
  if (document === undefined) return { status: 404, headers: cors, body: '' }
  if (method === 'OPTIONS') {
    const allowed = { 'Access-Control-Allow-Methods': METHODS, 'Access-Control-Allow-Headers': '*' }
    return { status: 204, headers: { ...cors, ...allowed }, body: '' }
  }
  if (method !== 'GET' && method !== 'HEAD') return { status: 405, headers: { ...cors, Allow: METHODS }, body: '' }
  const headers = { ...cors, 'Content-Type': 'application/json', 'Cache-Control': `public, max-age=${maxAgeSeconds}` }
  return { status: 200, headers, body: method === 'HEAD' ? '' : JSON.stringify(document.content) }
}

/** The authority selects among documents of the same path. */
function findDocument(documents: readonly MetadataDocument[], authority: string | undefined): MetadataDocument | undefined {
  return documents.length <= 1 ? documents[0] : documents.find(({ resource }) => isAddressedTo(resource, authority))
}

/** The URL of the document of a request, for `resource_metadata` (RFC 9728 §5.1); the first one if it is for no resource. */
export function metadataUrl(config: MetadataConfig, incoming: IncomingRequest | undefined): string {
  const document = incoming && findRequestedDocument(config, incoming)
  return (document ?? (config.documents[0] as MetadataDocument)).url
}

/** The document of the resource that a request is for: of several, the one with the longest path. */
export function findRequestedDocument({ documents }: MetadataConfig, incoming: IncomingRequest): MetadataDocument | undefined {
  const uris = urisOf(incoming, documents)
  const matching = documents.filter(({ resource: { origin, prefix } }) => {
    const start = origin + prefix
    return uris.some((uri) => uri === start || uri.startsWith(`${start}/`))
  })
  return matching.toSorted((a, b) => b.resource.prefix.length - a.resource.prefix.length)[0]
}

/** The URIs of a request; none if its target is malformed, for which it is rejected. */
function urisOf(incoming: IncomingRequest, documents: readonly MetadataDocument[]): readonly string[] {
  // Each base URL once, because a single one applies whatever the Host.
  const bases = new Map(documents.map(({ base }) => [base.origin + base.prefix, base]))
  try {
    return targetUrisOf(incoming, [...bases.values()])
  } catch {
    return []
  }
}
