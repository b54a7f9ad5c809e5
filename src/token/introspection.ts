/** Asks the authorization server about a token (RFC 7662), with signed answers where it gives them (RFC 9701). @module */

import { importJWK, type JWK, SignJWT } from 'jose'
import { LRUCache } from 'lru-cache'
import type { VerifierConfig } from '../config/config.js'
import type { IntrospectionConfig, IssuerConfig } from '../config/issuers.js'
import { beginRequest } from '../crypto/signature-threads.js'
import type { JsonObject } from '../encoding/json.js'
import { DPoPUnavailableError } from '../errors.js'
import { faultOf } from './claims.js'
import type { IssuerKeys } from './issuer-keys.js'
import { findSigner, readJwt, typeOf } from './jwt.js'
import { discoverEndpoint, fetchDocument } from './metadata.js'

const MAX_ANSWERS = 10_000
const ASSERTION_SECONDS = 60
/** RFC 9701 §5: a signed answer that is older than this was not made for us now. */
const MAX_ANSWER_AGE_SECONDS = 300

/** What the server said: the members of an active token; undefined for one that is not. */
type Answer = JsonObject | undefined

/** The introspection endpoint of one issuer. */
export class Introspection {
  readonly #issuer: IssuerConfig
  readonly #options: IntrospectionConfig
  readonly #config: VerifierConfig
  readonly #keys: IssuerKeys
  #endpoint: Promise<string> | undefined
  /** By the hash of the token: the token itself is not kept. */
  readonly #answers = new LRUCache<string, { readonly answer: Answer; readonly untilMs: number }>({ max: MAX_ANSWERS })
  /** One question at a time for each token, however many wait for the answer. */
  readonly #asking = new Map<string, Promise<Answer>>()

  constructor(issuer: IssuerConfig, options: IntrospectionConfig, keys: IssuerKeys, config: VerifierConfig) {
    this.#issuer = issuer
    this.#options = options
    this.#keys = keys
    this.#config = config
  }

  /**
   * The members of an active token, not yet judged otherwise; undefined for one that is not active. The proof is not sent along:
   * binding is checked here (RFC 9449 §6.2).
   */
  async activeToken(token: string, tokenHash: string, nowMs: number): Promise<Answer> {
    const known = this.#answers.get(tokenHash)
    return known !== undefined && nowMs < known.untilMs ? known.answer : await this.#askOnce(token, tokenHash)
  }

  /** Finds the endpoint, so that the first token does not wait for it. */
  async ready(): Promise<void> {
    await this.#endpointUrl()
  }

  #askOnce(token: string, tokenHash: string): Promise<Answer> {
    const asking = this.#asking.get(tokenHash)
    if (asking !== undefined) return asking
    const asked = this.#ask(token, tokenHash).finally(() => this.#asking.delete(tokenHash))
    this.#asking.set(tokenHash, asked)
    return asked
  }

  async #ask(token: string, tokenHash: string): Promise<Answer> {
    const nowMs = this.#config.clock()
    const endpoint = await this.#endpointUrl()
    let answer: Answer
    try {
      const members = await this.#request(endpoint, token, nowMs)
      // RFC 7662 §2.2: only a boolean true is an active token.
      answer = members['active'] === true ? members : undefined
    } catch (cause) {
      throw unavailable(cause)
    }
    const exp = answer?.['exp']
    const expiryMs = typeof exp === 'number' ? exp * 1000 : Number.POSITIVE_INFINITY
    this.#answers.set(tokenHash, { answer, untilMs: Math.min(nowMs + this.#options.maxCacheSeconds * 1000, expiryMs) })
    return answer
  }

  async #request(endpoint: string, token: string, nowMs: number): Promise<JsonObject> {
    const { authorization, parameters } = await this.#authentication(nowMs)
    const body = new URLSearchParams({ token, token_type_hint: 'access_token', ...parameters })
    const accept = this.#options.signedResponse ? 'application/token-introspection+jwt' : 'application/json'
    const headers = { accept, 'content-type': 'application/x-www-form-urlencoded', ...authorization }
    const document = await fetchDocument(endpoint, { method: 'POST', headers, body: body.toString() }, this.#config)
    const members: unknown = this.#options.signedResponse ? await this.#verified(document, nowMs) : JSON.parse(document)
    if (typeof members !== 'object' || members === null || Array.isArray(members)) throw new Error('The answer is not an object')
    return members as JsonObject
  }

  /** RFC 9701 §5: nothing outside the signed claim counts. */
  async #verified(text: string, nowMs: number): Promise<unknown> {
    const jwt = readJwt(text)
    if (jwt === undefined || typeOf(jwt) !== 'token-introspection+jwt') throw new Error('The answer is not a signed one')
    const { issuer, algorithms } = this.#issuer
    const { signatureThreads: threads, token } = this.#config
    if (!(await findSigner(jwt, this.#keys, { algorithms, threads, begun: beginRequest() })))
      throw new Error('The answer is not signed by the issuer')
    const { clientId } = this.#options
    const toleranceSeconds = token.clockToleranceSeconds
    const expected = { issuer, audience: [clientId], required: ['iss', 'aud', 'iat'], toleranceSeconds }
    const fault = faultOf(jwt.claims, expected, nowMs) ?? ageFaultOf(jwt.claims['iat'] as number, nowMs, toleranceSeconds)
    if (fault !== undefined) throw new Error(`The answer is not for us, now: ${fault}`)
    return jwt.claims['token_introspection']
  }

  /** RFC 7662 §2.1: the resource server authenticates, in one of the ways of OpenID Connect Core §9. */
  async #authentication(
    nowMs: number
  ): Promise<{ authorization?: { authorization: string }; parameters?: Record<string, string> }> {
    const { clientId, clientSecret, privateKey, authMethod } = this.#options
    switch (authMethod) {
      case 'client_secret_basic': {
        const credentials = `${formEncode(clientId)}:${formEncode(clientSecret as string)}`
        return { authorization: { authorization: `Basic ${btoa(credentials)}` } }
      }
      case 'client_secret_post':
        return { parameters: { client_id: clientId, client_secret: clientSecret as string } }
      case 'private_key_jwt':
        return {
          parameters: {
            client_id: clientId,
            client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
            client_assertion: await this.#assertion(clientId, privateKey as JWK & { alg: string }, nowMs)
          }
        }
    }
  }

  /** RFC 7523 §3. */
  async #assertion(clientId: string, jwk: JWK & { alg: string }, nowMs: number): Promise<string> {
    const iat = Math.floor(nowMs / 1000)
    const claims = {
      iss: clientId,
      sub: clientId,
      aud: this.#issuer.issuer,
      jti: crypto.randomUUID(),
      iat,
      exp: iat + ASSERTION_SECONDS
    }
    return await new SignJWT(claims)
      .setProtectedHeader({ alg: jwk.alg, ...(jwk.kid && { kid: jwk.kid }) })
      .sign(await importJWK(jwk))
  }

  #endpointUrl(): Promise<string> {
    if (this.#options.endpoint !== undefined) return Promise.resolve(this.#options.endpoint)
    this.#endpoint ??= discoverEndpoint(this.#issuer.issuer, 'introspection_endpoint', this.#config).catch((cause) => {
      this.#endpoint = undefined
      throw unavailable(cause)
    })
    return this.#endpoint
  }
}

/** RFC 9701 §5: an answer was made now. */
function ageFaultOf(iat: number, nowMs: number, toleranceSeconds: number): string | undefined {
  const ageSeconds = Math.floor(nowMs / 1000) - iat
  const isRecent = ageSeconds >= -toleranceSeconds && ageSeconds <= MAX_ANSWER_AGE_SECONDS + toleranceSeconds
  return isRecent ? undefined : 'iat is not of late'
}

/** RFC 6749 §2.3.1: identifier and secret are form-encoded before they are joined. */
function formEncode(text: string): string {
  return new URLSearchParams({ '': text }).toString().slice(1)
}

function unavailable(cause: unknown): DPoPUnavailableError {
  return new DPoPUnavailableError('ERR_DPOP_INTROSPECTION_UNAVAILABLE', cause)
}
