/** Validates the option `issuer`. @module */

import { type MaybePromise, type ProofAlgorithm, traditionalAlgorithms } from '../crypto/crypto.js'
import { isOfType } from '../crypto/key-types.js'
import type { IntrospectionOptions, IssuerChoice, IssuerOptions, JwkSet, TokenAlgorithm, VerifierOptions } from '../options.js'
import { checkAlgorithms } from './algorithms.js'
import type { Limits } from './limits.js'
import { check, checkKeys, misconfigured } from './option-validation.js'
import { checkTokenRules, resolveTokenRules, type TokenRules, type ValidTokenRuleOptions } from './token-rules.js'

/** A validated issuer. */
export interface IssuerConfig {
  readonly issuer: string
  readonly audience: readonly string[]
  readonly algorithms: readonly TokenAlgorithm[]
  readonly token: TokenRules
  readonly jwksUri: string | undefined
  readonly jwks: JwkSet | undefined
  readonly introspection: IntrospectionConfig | undefined
}

/** The validated option `introspection`. */
export interface IntrospectionConfig {
  readonly endpoint: string | undefined
  readonly clientId: string
  readonly clientSecret: string | undefined
  readonly privateKey: Readonly<Record<string, unknown>> | undefined
  readonly authMethod: (typeof authMethods)[number]
  readonly tokens: 'opaque' | 'all'
  readonly signedResponse: boolean
  readonly maxCacheSeconds: number
  readonly maxConcurrentRequests: number
  readonly requiredMembers: readonly string[]
}

/** Defaults of an issuer from other options. */
interface IssuerDefaults {
  readonly audience: readonly string[] | undefined
  readonly algorithms: readonly TokenAlgorithm[]
  readonly rules: ValidTokenRuleOptions
  readonly allowHttp: boolean
  readonly limits: Limits
}

/** RFC 8414 §2. */
const issuerIdentifier = /^https?:\/\/(?!\/)[^\s\p{Cc}\\?#]+$/iu

const authMethods = ['client_secret_basic', 'client_secret_post', 'private_key_jwt'] as const

const knownIssuerOptions = {
  issuer: true,
  audience: true,
  jwksUri: true,
  jwks: true,
  algorithms: true,
  type: true,
  requiredClaims: true,
  scopes: true,
  clockToleranceSeconds: true,
  introspection: true
} as const satisfies Record<keyof IssuerOptions, true>

const knownIntrospectionOptions = {
  endpoint: true,
  clientId: true,
  clientSecret: true,
  privateKey: true,
  authMethod: true,
  tokens: true,
  signedResponse: true,
  maxCacheSeconds: true,
  maxConcurrentRequests: true,
  requiredMembers: true
} as const satisfies Record<keyof IntrospectionOptions, true>

/** The configured issuers, or a function that returns the issuer of an unverified `iss`. */
export type IssuersConfig = readonly IssuerConfig[] | ((iss: string) => MaybePromise<IssuerConfig | undefined>)

/** Validates the option `issuer`. */
export function resolveIssuers(value: VerifierOptions['issuer'], defaults: IssuerDefaults): IssuersConfig {
  if (typeof value === 'function') {
    return async (iss) => {
      const given = await value(iss)
      const issuer = given === undefined ? undefined : resolveIssuer(given, defaults)
      return issuer?.issuer === iss ? issuer : undefined
    }
  }
  const issuers = [value].flat().map((one: IssuerChoice) => resolveIssuer(one, defaults))
  if (issuers.length === 0) misconfigured('issuer', 'name at least one issuer')
  if (new Set(issuers.map(({ issuer }) => issuer)).size < issuers.length) misconfigured('issuer', 'name each issuer once')
  return Object.freeze(issuers)
}

function resolveIssuer(value: IssuerChoice, defaults: IssuerDefaults): IssuerConfig {
  const given: IssuerOptions =
    typeof value === 'string'
      ? { issuer: value }
      : checkKeys('issuer.', value ?? misconfigured('issuer', 'be given'), knownIssuerOptions)
  if (check.url('issuer', given.issuer, defaults.allowHttp).search !== '') misconfigured('issuer', 'have no query')
  // Compared with iss as a string, so a value that the URL parser would correct matches no token.
  if (!issuerIdentifier.test(given.issuer)) misconfigured('issuer', 'be an absolute URL without white space, "?" or "#"')
  if (given.issuer.includes('/.well-known/')) misconfigured('issuer', 'be the issuer identifier, not the URL of its metadata')
  const audience = given.audience === undefined ? defaults.audience : check.strings('issuer.audience', given.audience)
  if (given.jwks !== undefined && given.jwksUri !== undefined)
    misconfigured('issuer.jwks', 'not be combined with "issuer.jwksUri"')
  if (given.jwksUri !== undefined) check.url('issuer.jwksUri', given.jwksUri, defaults.allowHttp)
  if (given.jwks !== undefined && !isJwkSet(given.jwks))
    misconfigured('issuer.jwks', 'be a JWK Set: an object with an array "keys"')
  return {
    issuer: given.issuer,
    audience: audience ?? misconfigured('audience', 'be given if "baseUrl" is a function'),
    algorithms: checkAlgorithms('issuer.algorithms', given.algorithms, defaults.limits.tokenAlgorithms) ?? defaults.algorithms,
    token: resolveTokenRules(checkTokenRules('issuer.', given, defaults.rules)),
    jwksUri: given.jwksUri,
    jwks: given.jwks,
    introspection: resolveIntrospection(given.introspection, defaults.allowHttp)
  }
}

function resolveIntrospection(value: IntrospectionOptions | undefined, allowHttp: boolean): IntrospectionConfig | undefined {
  if (value === undefined) return undefined
  const options = checkKeys('issuer.introspection.', value, knownIntrospectionOptions)
  const { endpoint, clientId, clientSecret, privateKey } = options
  if (endpoint !== undefined) check.url('issuer.introspection.endpoint', endpoint, allowHttp)
  if (typeof clientId !== 'string' || clientId === '') misconfigured('issuer.introspection.clientId', 'be a non-empty string')
  const implied = privateKey === undefined ? 'client_secret_basic' : 'private_key_jwt'
  const authMethod = check.oneOf('issuer.introspection.authMethod', options.authMethod, authMethods) ?? implied
  // RFC 7662 §4: the endpoint must authenticate its clients.
  if (authMethod === 'private_key_jwt') checkPrivateKey(privateKey)
  else if (typeof clientSecret !== 'string' || clientSecret === '')
    misconfigured('issuer.introspection.clientSecret', 'be a non-empty string')
  return Object.freeze({
    endpoint,
    clientId,
    clientSecret,
    privateKey,
    authMethod,
    tokens: check.oneOf('issuer.introspection.tokens', options.tokens, ['opaque', 'all']) ?? 'opaque',
    signedResponse: check.flag('issuer.introspection.signedResponse', options.signedResponse),
    maxCacheSeconds: check.integer('issuer.introspection.maxCacheSeconds', options.maxCacheSeconds, {
      min: 0,
      max: 3600,
      otherwise: 30
    }),
    requiredMembers:
      options.requiredMembers === undefined ? [] : check.strings('issuer.introspection.requiredMembers', options.requiredMembers),
    maxConcurrentRequests: check.integer('issuer.introspection.maxConcurrentRequests', options.maxConcurrentRequests, {
      min: 1,
      max: 10_000,
      otherwise: 100
    })
  })
}

function checkPrivateKey(key: IntrospectionOptions['privateKey']): void {
  const isValid = typeof key === 'object' && key !== null && typeof key['alg'] === 'string' && typeof key['d'] === 'string'
  if (!isValid) misconfigured('issuer.introspection.privateKey', 'be a private JWK with an "alg"')
  const alg = check.oneOf('issuer.introspection.privateKey.alg', key['alg'], traditionalAlgorithms)
  if (!isOfType(key, alg as ProofAlgorithm)) misconfigured('issuer.introspection.privateKey', 'have the key type of its "alg"')
}

/** Whether a value has the shape of a JWK Set (RFC 7517 §5). */
export function isJwkSet(value: unknown): value is JwkSet {
  const keys = (value as JwkSet | null | undefined)?.keys
  return Array.isArray(keys) && keys.every((key) => typeof key === 'object' && key !== null && !Array.isArray(key))
}
