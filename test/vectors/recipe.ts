/** Creates the request of a recipe: a valid request with changes. @module */

import type { Buffer } from 'node:buffer'
import { randomUUID } from 'node:crypto'
import { base64url, type Json, type Key, type KeyName, key, sha256, signature } from './forge.js'

/** The instant at which every vector begins, seconds since the epoch. */
export const now = 1_900_000_000
export const origin = 'https://api.example'
export const issuer = 'https://issuer.example'

/** One header field line as it is sent: name and value, byte for byte (latin1). */
export type Line = readonly [name: string, value: string]

/** A request as it is on the wire. */
export interface WireRequest {
  readonly method: string
  readonly target: string
  readonly lines: readonly Line[]
}

/** What a change may depend on. */
export interface Given {
  /** The access token of this request. */
  readonly token: string
  /** The key that its proof is signed with. */
  readonly key: Key
}

type Change<T> = T | ((given: Given) => T)

/** The changes of the access token. */
export interface TokenRecipe {
  /** The key that the token is bound to; null for none. By default the key of the request. */
  readonly boundTo?: KeyName | null
  readonly signedBy?: KeyName
  /** The algorithm to sign with, if it is not that of the header. */
  readonly signAs?: string
  /** Header parameters to add, replace, or (undefined) remove. */
  readonly header?: Json
  /** Claims to add, replace, or (undefined) remove. */
  readonly claims?: Json | ((clientKey: Key) => Json)
  /** Changes the finished token, or replaces it. */
  readonly text?: (token: string) => string
}

/** The changes of the proof. */
export interface ProofRecipe {
  readonly header?: Change<Json>
  readonly claims?: Change<Json>
  /** Changes the public key in the header. */
  readonly jwk?: (jwk: Json) => unknown
  /** Changes or replaces the JSON of the header before it is encoded and signed. */
  readonly headerText?: (json: string) => string | Uint8Array
  readonly claimsText?: (json: string) => string | Uint8Array
  /** Changes the encoded header before the proof is signed. */
  readonly headerSegment?: (segment: string) => string
  readonly claimsSegment?: (segment: string) => string
  /** Signs with another key than the one in the header. */
  readonly signedBy?: KeyName
  /** Signs with another algorithm than that of the header. */
  readonly signAs?: string
  /** Changes the bytes of the signature. */
  readonly signature?: (raw: Buffer, input: string, key: Key) => Uint8Array
  /** Changes the finished proof, or replaces it. */
  readonly text?: (proof: string, given: Given) => string
}

/** The changes of a request. Without changes it is `GET /r` at {@link origin} with a bound token and its proof. */
export interface Recipe {
  readonly method?: string
  readonly target?: string
  readonly host?: string
  /** The client's key. */
  readonly key?: KeyName
  readonly token?: TokenRecipe
  readonly proof?: ProofRecipe
  /** All header field lines, instead of Host, Authorization and DPoP. */
  readonly lines?: (sent: Sent) => readonly Line[]
}

/** The values of the header field lines. */
export interface Sent extends Given {
  readonly proof: string
  readonly host: Line
  /** Another valid proof for the same request. */
  readonly anotherProof: () => string
}

/** Creates the request. Every call creates a new token and a new proof. */
export function prepare(recipe: Recipe = {}): WireRequest {
  const clientKey = key(recipe.key ?? 'ES256')
  const { method = 'GET', target = '/r', host = 'api.example' } = recipe
  const token = makeToken(recipe.token ?? {}, clientKey)
  const given = { token, key: clientKey }
  const prove = (proof: ProofRecipe) => makeProof(proof, { method, target }, given)
  const sent: Sent = {
    ...given,
    proof: prove(recipe.proof ?? {}),
    host: ['Host', host],
    anotherProof: () => prove({})
  }
  return { method, target, lines: (recipe.lines ?? usualLines)(sent) }
}

/** The recipe of `base` with the changes of `change`. */
export function mix(base: Recipe, change: Recipe): Recipe {
  return mixJson(base as Json, change as Json) as Recipe
}

function mixJson(base: Json, change: Json): Json {
  const mixed: Record<string, unknown> = { ...base }
  for (const [name, value] of Object.entries(change)) {
    const before = mixed[name]
    mixed[name] = isPlain(before) && isPlain(value) ? mixJson(before, value) : value
  }
  return mixed
}

function isPlain(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && Object.getPrototypeOf(value) === Object.prototype
}

function usualLines({ host, token, proof }: Sent): Line[] {
  return [host, ['Authorization', `DPoP ${token}`], ['DPoP', proof]]
}

/** An access token of the profile of RFC 9068, with the changes. */
export function makeToken(recipe: TokenRecipe, clientKey: Key): string {
  const signer = key(recipe.signedBy ?? 'issuer')
  const boundTo = recipe.boundTo === null ? undefined : recipe.boundTo === undefined ? clientKey.jkt : key(recipe.boundTo).jkt
  const header = { alg: signer.alg, typ: 'at+jwt', kid: 'key-1', ...recipe.header }
  const claims = {
    iss: issuer,
    aud: origin,
    sub: 'user',
    client_id: 'client',
    jti: randomUUID(),
    iat: now,
    exp: now + 3600,
    scope: 'notes:read',
    cnf: boundTo === undefined ? undefined : { jkt: boundTo },
    ...(typeof recipe.claims === 'function' ? recipe.claims(clientKey) : recipe.claims)
  }
  const input = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims))}`
  const signed = `${input}.${signature(recipe.signAs ?? header.alg, input, signer.privateKey).toString('base64url')}`
  return recipe.text?.(signed) ?? signed
}

function makeProof(recipe: ProofRecipe, { method, target }: { method: string; target: string }, given: Given): string {
  const { alg, jwk } = given.key
  const signer = key2(recipe.signedBy, given.key)
  const header: Json = {
    alg,
    typ: 'dpop+jwt',
    jwk: recipe.jwk ? recipe.jwk(jwk) : jwk,
    ...resolve(recipe.header, given)
  }
  const claims: Json = {
    jti: randomUUID(),
    htm: method,
    htu: origin + target.split(/[?#]/, 1)[0],
    iat: now,
    ath: sha256(given.token),
    ...resolve(recipe.claims, given)
  }
  const headerSegment = encode(header, recipe.headerText, recipe.headerSegment)
  const claimsSegment = encode(claims, recipe.claimsText, recipe.claimsSegment)
  const input = `${headerSegment}.${claimsSegment}`
  const raw = signature(recipe.signAs ?? String(header['alg'] ?? alg), input, signer.privateKey, JSON.stringify(jwk))
  const changed = recipe.signature?.(raw, input, signer) ?? raw
  const proof = `${input}.${base64url(changed)}`
  return recipe.text?.(proof, given) ?? proof
}

function key2(name: KeyName | undefined, otherwise: Key): Key {
  return name === undefined ? otherwise : key(name)
}

function resolve(change: Change<Json> | undefined, given: Given): Json | undefined {
  return typeof change === 'function' ? change(given) : change
}

function encode(
  value: Json,
  changeText: ((json: string) => string | Uint8Array) | undefined,
  changeSegment: ((segment: string) => string) | undefined
): string {
  const json = JSON.stringify(value)
  const segment = base64url(changeText?.(json) ?? json)
  return changeSegment?.(segment) ?? segment
}
