/** Validates the option `metadata` and builds the documents of protected resource metadata (RFC 9728 §2). @module */

import { deepFreeze, isPlainObject, type JsonObject } from '../encoding/json.js'
import type { MetadataOptions, VerifierOptions } from '../options.js'
import { type BaseUrl, parseBaseUrl } from '../request/target-uri.js'
import type { VerifierConfig } from './config.js'
import { check, checkKeys, misconfigured } from './option-validation.js'
import { warnAboutAudience, warnAboutLanguageTags } from './warnings.js'

/** The document of one resource. */
export interface MetadataDocument {
  /** The base URL that the resource is, or is below. */
  readonly base: BaseUrl
  /** The resource, parsed. */
  readonly resource: BaseUrl
  /** The absolute URL of the document, for `resource_metadata`. */
  readonly url: string
  /** The paths that requests are compared with: that of the URL, and of a single document also the root. */
  readonly paths: readonly string[]
  readonly content: JsonObject
}

/** The validated option `metadata`. */
export interface MetadataConfig {
  readonly documents: readonly MetadataDocument[]
  /** The option `resources`; empty without it. */
  readonly resources: readonly string[]
  readonly maxAgeSeconds: number
}

const knownOptions = {
  authorizationServers: true,
  scopesSupported: true,
  resources: true,
  resourceName: true,
  resourceDocumentation: true,
  resourcePolicyUri: true,
  resourceTosUri: true,
  jwksUri: true,
  tlsClientCertificateBoundAccessTokens: true,
  maxAgeSeconds: true,
  extensions: true
} as const satisfies Record<keyof MetadataOptions, true>

/** The members that options and configuration determine, which extensions must not replace. */
const ownMembers = new Set([
  'resource',
  'authorization_servers',
  'jwks_uri',
  'scopes_supported',
  'bearer_methods_supported',
  'dpop_signing_alg_values_supported',
  'dpop_bound_access_tokens_required',
  'tls_client_certificate_bound_access_tokens',
  'resource_name',
  'resource_documentation',
  'resource_policy_uri',
  'resource_tos_uri',
  'signed_metadata'
])

/** RFC 9728 §3 */
export const WELL_KNOWN_PATH = '/.well-known/oauth-protected-resource'
const WEEK_SECONDS = 604_800

type Enforced = Pick<VerifierConfig, 'issuers' | 'allowBearer' | 'proof' | 'allowHttp'>

/** One document for each resource; undefined without the option. */
export function resolveMetadata({ metadata, baseUrl }: VerifierOptions, enforced: Enforced): MetadataConfig | undefined {
  if (metadata === undefined) return undefined
  const options = checkKeys('metadata.', metadata, knownOptions)
  if (typeof baseUrl === 'function') misconfigured('metadata', 'not be set if "baseUrl" is a function')
  const bases = [baseUrl].flat()
  const resources = options.resources === undefined ? [] : check.strings('metadata.resources', options.resources)
  for (const resource of resources) checkResource(resource, bases, enforced.allowHttp)
  if (![...bases, ...resources].every((url) => /^[!-~]+$/.test(url)))
    misconfigured('baseUrl', 'be ASCII with "metadata", with the host in Punycode, as must "metadata.resources"')
  const identifiers = [...new Set(resources.length > 0 ? resources : bases)]
  const baseOf = (resource: string) => bases.find((base) => isAtOrBelow(resource, base)) as string
  if (typeof enforced.issuers !== 'function') warnAboutAudience(enforced.issuers, identifiers)
  const members = membersOf(options, enforced)
  return Object.freeze({
    documents: Object.freeze(
      identifiers.map((resource) => documentOf(resource, baseOf(resource), members, identifiers.length === 1))
    ),
    resources,
    maxAgeSeconds: check.integer('metadata.maxAgeSeconds', options.maxAgeSeconds, { min: 0, max: WEEK_SECONDS, otherwise: 3600 })
  })
}

/**
 * RFC 9728 §3.1: the well-known string is inserted between host and path, and a slash right after the host is removed. Clients of MCP also
 * look at the root, without the path.
 */
function documentOf(resource: string, base: string, members: JsonObject, isOnly: boolean): MetadataDocument {
  const [parsed, parsedBase] = [parseBaseUrl(resource) as BaseUrl, parseBaseUrl(base) as BaseUrl]
  const [, origin, path] = /^(https?:\/\/[^/]*)(.*)$/i.exec(resource) as unknown as [string, string, string]
  const ownPath = `${WELL_KNOWN_PATH}${path === '/' ? '' : path}`
  const content = deepFreeze(structuredClone({ resource, ...members }))
  const paths = Object.freeze(isOnly ? [ownPath, WELL_KNOWN_PATH] : [ownPath])
  return Object.freeze({ base: parsedBase, resource: parsed, url: `${origin}${ownPath}`, paths, content })
}

function membersOf(options: MetadataOptions, { issuers, allowBearer, proof, allowHttp }: Enforced): JsonObject {
  const url = (name: keyof MetadataOptions, value: string | undefined) =>
    value === undefined ? undefined : check.url(`metadata.${name}`, value, allowHttp) && value
  return withoutEmpty({
    authorization_servers: authorizationServersOf(options, issuers, allowHttp),
    jwks_uri: url('jwksUri', options.jwksUri),
    scopes_supported: optionalStrings('scopesSupported', options.scopesSupported),
    // RFC 9728 §2 names the ways to send a token, which the DPoP scheme shares.
    bearer_methods_supported: ['header'],
    dpop_signing_alg_values_supported: proof.algorithms,
    dpop_bound_access_tokens_required: !allowBearer,
    tls_client_certificate_bound_access_tokens:
      check.flag('metadata.tlsClientCertificateBoundAccessTokens', options.tlsClientCertificateBoundAccessTokens) || undefined,
    resource_name: optionalText('resourceName', options.resourceName),
    resource_documentation: url('resourceDocumentation', options.resourceDocumentation),
    resource_policy_uri: url('resourcePolicyUri', options.resourcePolicyUri),
    resource_tos_uri: url('resourceTosUri', options.resourceTosUri),
    ...extensionsOf(options)
  })
}

function authorizationServersOf(
  { authorizationServers }: MetadataOptions,
  issuers: Enforced['issuers'],
  allowHttp: boolean
): readonly string[] {
  if (authorizationServers === undefined) {
    if (typeof issuers === 'function') misconfigured('metadata.authorizationServers', 'be set if "issuer" is a function')
    return issuers.map(({ issuer }) => issuer)
  }
  const servers = check.strings('metadata.authorizationServers', authorizationServers)
  for (const server of servers) check.url('metadata.authorizationServers', server, allowHttp)
  return servers
}

function checkResource(resource: string, bases: readonly string[], allowHttp: boolean): void {
  check.url('metadata.resources', resource, allowHttp)
  if (!bases.some((base) => isAtOrBelow(resource, base)) || parseBaseUrl(resource) === undefined)
    misconfigured('metadata.resources', 'be base URLs or URLs below one, without query and fragment')
}

function isAtOrBelow(resource: string, base: string): boolean {
  return resource === base || resource.startsWith(base.endsWith('/') ? base : `${base}/`)
}

/** RFC 9728 §2: JSON values only. */
function extensionsOf({ extensions, resourceName }: MetadataOptions): JsonObject {
  if (extensions === undefined) return {}
  if (!isPlainObject(extensions) || !isJson(extensions)) misconfigured('metadata.extensions', 'be an object of JSON values')
  const own = Object.keys(extensions).find((name) => ownMembers.has(name))
  if (own !== undefined) misconfigured(`metadata.extensions.${own}`, 'not be set: another option determines it')
  warnAboutLanguageTags([...Object.keys(extensions), ...(resourceName === undefined ? [] : ['resource_name'])])
  return structuredClone(extensions) as JsonObject
}

function isJson(value: unknown, ancestors: readonly unknown[] = []): boolean {
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return true
  if (typeof value === 'number') return Number.isFinite(value)
  if (typeof value !== 'object' || ancestors.includes(value)) return false
  const isContainer = Array.isArray(value) || isPlainObject(value)
  return isContainer && Object.values(value).every((member) => isJson(member, [...ancestors, value]))
}

function optionalStrings(name: keyof MetadataOptions, value: readonly string[] | undefined): readonly string[] | undefined {
  return value === undefined || value.length === 0 ? undefined : check.strings(`metadata.${name}`, value)
}

function optionalText(name: keyof MetadataOptions, value: string | undefined): string | undefined {
  if (value === undefined || (typeof value === 'string' && value !== '')) return value
  return misconfigured(`metadata.${name}`, 'be a non-empty string')
}

/** RFC 9728 §3.2: parameters without values are omitted. */
function withoutEmpty(members: Readonly<Record<string, unknown>>): JsonObject {
  const isPresent = (value: unknown) => value !== undefined && !(Array.isArray(value) && value.length === 0)
  return Object.fromEntries(Object.entries(members).filter(([, value]) => isPresent(value))) as JsonObject
}
